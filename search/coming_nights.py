"""What `python -m search.schedule dry_run=true` shows: the next nights of each schedule, by its own clocks."""

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

from search.nights import Night, coming
from search.timetable import Schedule


def show(timetable: Sequence[Schedule], now: datetime, count: int) -> None:
    """Print the next `count` nights of each schedule."""
    from rich.console import Console

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    for one in timetable:
        for line in lines(one, now, count):
            console.print(line, markup=False, soft_wrap=True)


def lines(one: Schedule, now: datetime, count: int) -> list[str]:
    """Return what is said of one schedule, in lines."""
    spec = one.spec
    found = [f"{one.name}: {spec.cron} in {spec.timezone}, window {spec.window}, priority {spec.priority}"]
    found += [f"  {_night(one, night, now)}" for night in coming(one.calendar, now, count)]
    found += [f"  {number}. {errand.asked}" for number, errand in enumerate(one.errands, start=1)]
    brief = f"at {spec.brief_at}" if spec.brief_at else "when the last study of the night has ended"
    return [*found, f"  The brief is written {brief}.", ""]


def _night(one: Schedule, night: Night, now: datetime) -> str:
    start, end = (moment.astimezone(one.calendar.zone) for moment in (night.start, night.end))
    hours = night.length / timedelta(hours=1)
    said = f"{start:%a %d %b %H:%M %Z} to {end:%a %d %b %H:%M %Z}, {hours:g} h"
    if start.utcoffset() != end.utcoffset():
        said += " (the clocks change)"
    return f"{said} (now)" if night.start <= now else said
