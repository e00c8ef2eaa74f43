"""What runs, what waits, what failed, and when it will be done: `python -m search.status [format=json]`."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from search.schedule_state import SchedulerState, Upcoming, lock_file, read_state
from search.standing import Standing, standings
from studies.errors import InputError, unknown
from studies.leaving import leave
from tracking.arguments import named_values
from tracking.coordinator import Coordinator
from tracking.scale import duration

if TYPE_CHECKING:
    from pydantic import JsonValue
    from rich.console import Console
    from rich.table import Table

USAGE = """\
Show what runs, what waits, what failed, and when it will be done.

    python -m search.status [runs_dir=DIR] [format=FORMAT]

    runs_dir=DIR    the folder with the studies' records (default: runs)
    format=FORMAT   table (the default) or json

Nothing is written. What the scheduler has to do is shown as it last said itself.
"""
ARGUMENTS = ("runs_dir", "format")
FORMATS = ("table", "json")
_MOST_FAILURES = 10


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit code: 0, or 2 for bad input."""
    if any(argument in ("-h", "--help") for argument in arguments):
        print(USAGE, end="")
        return 0
    try:
        given = named_values(arguments, ARGUMENTS)
        form, runs_dir = given.get("format", "table"), Path(given.get("runs_dir", "runs"))
        if form not in FORMATS:
            raise unknown("format", form, FORMATS)
        if not runs_dir.is_dir():
            raise InputError(f"`runs_dir` must be a folder in which studies have run. Received: {str(runs_dir)!r}.")
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    now = datetime.now(UTC)
    found, state = standings(runs_dir, now), read_state(runs_dir)
    if form == "json":
        print(json.dumps(as_json(found, state, runs_dir, now), indent=1))
        return 0
    _print(found, state, runs_dir, now)
    return 0


def keeper(state: SchedulerState | None, runs_dir: Path) -> str:
    """Return who keeps the schedules of `runs_dir`, in words; empty if nobody does."""
    if state is None or state.process is None:
        return ""
    one = Coordinator(state.process, state.host)
    return str(one) if one.may_be_alive(lock_file(runs_dir)) else ""


def as_json(
    found: Sequence[Standing], state: SchedulerState | None, runs_dir: Path, now: datetime
) -> "dict[str, JsonValue]":
    """Return all of it for a program; times are ISO 8601 in UTC."""
    return {
        "now": now.isoformat(timespec="seconds"),
        "scheduler": keeper(state, runs_dir) or None,
        "studies": [_study_json(one, now) for one in found],
        "nights": [
            {
                "schedule": name,
                "start": night.start.isoformat(),
                "end": night.end.isoformat(),
                "briefed": night.briefed,
                "studies": [work.model_dump(mode="json") for work in night.works],
            }
            for name, night in (state.nights if state else {}).items()
        ],
        "coming": [one.model_dump(mode="json") for one in (state.coming if state else ())],
    }


def _study_json(one: Standing, now: datetime) -> "dict[str, JsonValue]":
    done_at = one.done_at(now)
    return {
        "study": one.study,
        "state": one.state,
        "running": one.running or None,
        "done": one.done,
        "planned": one.planned,
        "failures": [{"arm": arm, "seed": seed, "reason": reason} for arm, seed, reason in one.failures],
        "done_at": None if done_at is None else done_at.isoformat(timespec="seconds"),
        "problem": one.problem or None,
    }


def _print(found: Sequence[Standing], state: SchedulerState | None, runs_dir: Path, now: datetime) -> None:
    from rich.console import Console

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    if not found:
        console.print("No study has run here.")
    else:
        console.print(_studies(found, now))
    _print_failures(console, found)
    if state is None:
        return
    rows = [
        (name, work.asked, work.state, f"{_clock(night.end, name, state)}", work.note)
        for name, night in state.nights.items()
        for work in night.works
        if not (work.state == "done" and night.briefed)
    ]
    if rows:
        console.print(_table(("schedule", "study", "last night", "window ends", "why"), rows))
    if state.coming:
        nights = [(one.schedule, _start(one), one.window, ", ".join(one.studies)) for one in state.coming]
        console.print(_table(("schedule", "next night", "window", "studies"), nights))
    keeping = keeper(state, runs_dir)
    said = f"The scheduler runs as {keeping}." if keeping else "No scheduler runs: nothing starts by itself."
    console.print(said, markup=False)


def _studies(found: Sequence[Standing], now: datetime) -> "Table":
    rows = []
    for one in found:
        done_at = one.done_at(now)
        at = f"{done_at.astimezone():%a %H:%M} (in {duration(one.seconds_left)})" if done_at else ""
        trials = f"{one.done} of {one.planned}" if one.planned else ""
        rows.append((one.study, one.state, trials, str(len(one.failures) or ""), at, one.problem or one.running))
    return _table(("study", "state", "trials", "failed", "done", "by"), rows)


def _print_failures(console: "Console", found: Sequence[Standing]) -> None:
    rows = [(one.study, arm, str(seed), reason) for one in found for arm, seed, reason in one.failures]
    if rows:
        console.print(_table(("failed", "arm", "seed", "reason"), rows[:_MOST_FAILURES]))
    if len(rows) > _MOST_FAILURES:
        console.print(f"{len(rows) - _MOST_FAILURES} more: format=json shows all.")


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _start(one: Upcoming) -> str:
    return f"{one.start.astimezone(ZoneInfo(one.timezone)):%a %d %b %H:%M %Z}" if one.start else "none"


def _clock(moment: datetime, schedule: str, state: SchedulerState) -> str:
    zones = [one.timezone for one in state.coming if one.schedule == schedule]
    return f"{moment.astimezone(ZoneInfo(zones[0])) if zones else moment.astimezone():%a %H:%M %Z}"


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
