"""The schema of a schedule, `schedule/NAME.yaml`: which studies run at night, when, and who is told in the morning."""

import re
from collections.abc import Sequence
from datetime import time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, StrictInt, ValidationError, field_validator

from studies.compose import HOME, lines_of
from studies.declaration import Declaration, Name
from studies.errors import InputError, nearest, unknown

_WINDOW = re.compile(r"(\d{2}:\d{2}) to (\d{2}:\d{2})")
_OWN = ("study", "runs_dir", "until", "schedule", "dry_run")
"""What the scheduler says to a study itself, or is said to the scheduler."""

VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class ScheduledStudy(Declaration):
    """One study of a night."""

    study: Name
    """Its name, as in `python -m search.run study=NAME`."""
    overrides: list[str] = Field(default=[])
    """What else would stand on that command line, such as `study.budget=quick`."""

    @field_validator("overrides")
    @classmethod
    def _are_its_own(cls, overrides: list[str]) -> list[str]:
        for text in overrides:
            if text.partition("=")[0] in _OWN:
                raise ValueError(f"must leave out {text.partition('=')[0]}=, which the scheduler gives")
        return overrides


class ScheduleSpec(Declaration):
    """Nights that come again, and what is done in them."""

    cron: str
    """When a night begins, as in a crontab: minute, hour, day of the month, month, weekday (0 or 7 is Sunday)."""
    timezone: str
    """Whose clocks `cron`, `window` and `brief_at` mean, such as Europe/Berlin."""
    window: str
    """Such as `22:00 to 06:00`. No trial is started that is not expected to end in it; what is left goes on in the
    next night. From a time to the same time is a whole day."""
    studies: list[ScheduledStudy] = Field(min_length=1)
    """In the order in which they start."""
    priority: StrictInt = 0
    """Of several schedules that have something to start, that with the greatest number is first."""
    at_once: StrictInt = Field(default=1, ge=1, le=64)
    """A study of this schedule starts while fewer than so many run, those of other schedules included."""
    missed: Literal["late", "once", "skip"] = "late"
    """What becomes of a night whose beginning nobody was there for. `late`: what is left of it is used. `once`: that
    too, and if nothing is left, one run begins at once, for as long as a window, however many nights were missed.
    `skip`: nothing."""
    brief_at: str | None = None
    """Time of day at which the morning brief is written and sent. Null: when the last study of the night has ended."""
    webhook: VariableName = "BRIEF_WEBHOOK"
    """The environment variable that has the address to which the brief is posted; none is sent if it is not set."""
    apprise: VariableName = "BRIEF_APPRISE"
    """The environment variable that has addresses of Apprise, separated by blanks, which are sent the brief too."""

    @field_validator("cron")
    @classmethod
    def _has_five_fields(cls, cron: str) -> str:
        if len(cron.split()) != 5:
            raise ValueError(f'must be five fields, such as "0 22 * * 1-5" (22:00 on weekdays). Received: {cron!r}')
        return cron

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(
                "`timezone` must be a time zone of the IANA database, such as Europe/Berlin or UTC. "
                f"Received: {name!r}.{nearest(name, available_timezones())}"
            ) from None
        return name

    @field_validator("window")
    @classmethod
    def _is_a_window(cls, window: str) -> str:
        found = _WINDOW.fullmatch(window)
        try:
            for clock in found.groups() if found else ("",):
                time.fromisoformat(clock)
        except ValueError:
            raise ValueError(f"must be two times of day, such as 22:00 to 06:00. Received: {window!r}") from None
        return window

    @field_validator("brief_at", mode="before")
    @classmethod
    def _is_a_time(cls, given: object) -> object:
        try:
            if given is not None:
                time.fromisoformat(given if isinstance(given, str) else "")
        except ValueError:
            # YAML 1.1 takes 10:30 for the number 630.
            raise ValueError(f'must be a time of day in quotes, such as "07:00". Received: {given!r}') from None
        return given

    @field_validator("webhook", "apprise", mode="before")
    @classmethod
    def _is_no_address(cls, given: object) -> object:
        if isinstance(given, str) and ":" in given:  # The address is a secret, and is not repeated here.
            raise ValueError("must be the name of an environment variable that has the address, not the address")
        return given

    @property
    def opens(self) -> time:
        """When the window begins."""
        return time.fromisoformat(self.window.partition(" to ")[0])

    @property
    def closes(self) -> time:
        """When the window ends."""
        return time.fromisoformat(self.window.partition(" to ")[2])


def schedule_files(config_dirs: Sequence[Path] = ()) -> dict[str, Path]:
    """Return the schedules' files by name: those of this package and of `config_dirs`.

    Raises:
        InputError: two files have one name.
    """
    found: dict[str, Path] = {}
    for home in dict.fromkeys(folder.resolve() for folder in (HOME, *config_dirs)):
        for path in sorted((home / "schedule").glob("*.yaml")):
            other = found.setdefault(path.stem, path)
            if other != path:
                raise InputError(f"`schedule` {path.stem} must be one file; rename yours. Received: {other}, {path}.")
    return found


def read_schedule(name: str, path: Path) -> ScheduleSpec:
    """Return the schedule in the file `path`.

    Raises:
        InputError: it cannot be read, or the schema does not accept it.
    """
    import yaml

    try:
        given = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        said = " ".join(str(error).split())[:300]
        raise InputError(f"Schedule {name!r} cannot be read: {said}") from None
    if not isinstance(given, dict):
        raise InputError(f"Schedule {name!r} must have the fields {', '.join(ScheduleSpec.model_fields)} in {path}.")
    try:
        return ScheduleSpec.model_validate(given)
    except ValidationError as error:
        raise InputError(f"Schedule {name!r}: " + "\n".join(lines_of(error, ScheduleSpec))) from None


def chosen(names: str | None, config_dirs: Sequence[Path] = ()) -> dict[str, ScheduleSpec]:
    """Return the schedules with `names`, separated by commas, or all if it is None; by name.

    Raises:
        InputError: there is none of such a name, none at all, or one that cannot be used.
    """
    files = schedule_files(config_dirs)
    asked = list(files) if names is None else [name.strip() for name in names.split(",")]
    for name in asked:
        if name not in files:
            raise unknown("schedule", name, files)
    return {name: read_schedule(name, files[name]) for name in asked}
