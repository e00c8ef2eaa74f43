"""The scheduler's state while it works: changed in memory, and put on disk before anything else happens."""

import os
import socket
from collections.abc import Collection, Iterator
from datetime import datetime
from pathlib import Path

from search.schedule_state import NightWork, SchedulerState, Upcoming, Work, WorkState, read_state, write_state

Place = tuple[str, int]
"""A schedule's name, and the number of a study in its night."""


class Diary:
    """What the scheduler of `runs_dir` is doing, and was doing when it was last heard of."""

    def __init__(self, runs_dir: Path, schedules: Collection[str], now: datetime) -> None:
        """Open it for `schedules`; nights before a schedule was first known to it were not missed."""
        known = read_state(runs_dir) or SchedulerState()
        self._runs_dir = runs_dir
        self._state = SchedulerState(
            process=os.getpid(),
            host=socket.gethostname(),
            handled={name: known.handled.get(name, now) for name in schedules},
            nights={name: night for name, night in known.nights.items() if name in schedules},
        )
        self._written: SchedulerState | None = None

    def handled(self, schedule: str) -> datetime:
        """Return up to when the nights of `schedule` were seen to."""
        return self._state.handled[schedule]

    def see_to(self, schedule: str, until: datetime) -> None:
        """Know that the nights of `schedule` which begin up to `until` are seen to."""
        self._change(handled={**self._state.handled, schedule: until})

    def night(self, schedule: str) -> NightWork | None:
        """Return the last night of `schedule`."""
        return self._state.nights.get(schedule)

    def put(self, schedule: str, night: NightWork) -> None:
        """Make `night` the last one of `schedule`."""
        self._change(nights={**self._state.nights, schedule: night})

    def works(self, state: WorkState) -> Iterator[tuple[Place, Work]]:
        """Yield the studies of all last nights that are in `state`."""
        for name, night in self._state.nights.items():
            for number, work in enumerate(night.works):
                if work.state == state:
                    yield (name, number), work

    def work(self, place: Place) -> Work:
        """Return the study at `place`."""
        return self._state.nights[place[0]].works[place[1]]

    def start(self, place: Place, process: int) -> None:
        """Know that the study at `place` runs as `process`."""
        attempts = self.work(place).attempts + 1
        self._replace(place, {"state": "running", "note": "", "process": process, "attempts": attempts})

    def settle(self, place: Place, state: WorkState, note: str = "") -> None:
        """Know that the study at `place` does not run any more."""
        self._replace(place, {"state": state, "note": note, "process": None})

    def close(self) -> None:
        """Know that nobody keeps it from here on."""
        self._change(process=None)

    def write(self, coming: tuple[Upcoming, ...]) -> None:
        """Put it on disk with the `coming` nights, if anything is new."""
        self._change(coming=coming)
        if self._state != self._written:
            write_state(self._runs_dir, self._state)
            self._written = self._state

    def _replace(self, place: Place, update: dict[str, object]) -> None:
        name, number = place
        night = self._state.nights[name]
        works = list(night.works)
        works[number] = works[number].model_copy(update=update)
        self.put(name, night.model_copy(update={"works": tuple(works)}))

    def _change(self, **update: object) -> None:
        self._state = self._state.model_copy(update=update)
