"""The schedules that a scheduler was given, with everything in them checked before anything starts."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import join

from search.nights import Calendar
from studies.compose import compose
from studies.errors import InputError
from studies.schedule import ScheduledStudy, ScheduleSpec, chosen
from studies.secrets import masked
from studies.spec import RunSpec


@dataclass(frozen=True)
class Errand:
    """One study that a schedule runs."""

    study: str
    """Its folder's name under `runs/`."""
    overrides: tuple[str, ...]
    """As on the command line of `search.run`, with `study=` and `runs_dir=`."""
    asked: str
    """What of them is in the schedule, without credentials: for people, and to know it by in another file."""


@dataclass(frozen=True)
class Schedule:
    """A schedule that can be kept."""

    name: str
    spec: ScheduleSpec
    calendar: Calendar
    errands: tuple[Errand, ...]


def read_timetable(names: str | None, config_dirs: Sequence[Path], runs_dir: Path) -> tuple[Schedule, ...]:
    """Return the schedules with `names`, or all; the first one to start something is first.

    Raises:
        InputError: a schedule cannot be kept: its times, a study, an override or an address of its brief.
    """
    found = []
    for name, spec in chosen(names, config_dirs).items():
        try:
            calendar = Calendar(spec)
            _check_channels(spec)
        except InputError as error:
            raise InputError(f"Schedule {name!r}: {error}") from None
        errands = tuple(_errand(name, number, one, config_dirs, runs_dir) for number, one in enumerate(spec.studies))
        found.append(Schedule(name, spec, calendar, errands))
    return tuple(sorted(found, key=lambda one: -one.spec.priority))


def _errand(name: str, number: int, one: ScheduledStudy, config_dirs: Sequence[Path], runs_dir: Path) -> Errand:

    # Left out where it is what a study takes anyway: it would stand in the command of every record.
    place = () if runs_dir == Path(RunSpec.model_fields["runs_dir"].default) else (f"runs_dir={runs_dir}",)
    overrides = (f"study={one.study}", *one.overrides, *place)
    try:
        spec = compose(overrides, config_dirs)
    except InputError as error:
        raise InputError(f"Schedule {name!r}, `studies[{number}]`: {error}") from None
    return Errand(spec.study.name, overrides, masked(join((one.study, *one.overrides))))


def _check_channels(spec: ScheduleSpec) -> None:
    from tracking.channels import check_apprise
    from tracking.webhook import check_address

    if address := os.environ.get(spec.webhook):
        check_address(address, spec.webhook)
    if os.environ.get(spec.apprise):
        check_apprise(spec.apprise)
