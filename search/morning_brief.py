"""The brief on a night, written and sent by a process of its own: what goes wrong there costs the scheduler nothing."""

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from search.diary import Diary
from search.nights import Night
from search.schedule_state import NightWork, state_folder
from search.study_process import last_line
from search.timetable import Schedule

_LONGEST_SECONDS = 600.0


@dataclass(frozen=True)
class _Running:
    child: "subprocess.Popen[bytes]"
    started: float
    covers: dict[str, datetime]
    """By schedule, the start of the night that it is on."""


class MorningBriefs:
    """The briefs of one scheduler, one at a time."""

    def __init__(self, runs_dir: Path, diary: Diary) -> None:
        self._runs_dir, self._diary = runs_dir, diary
        self._log = state_folder(runs_dir) / "brief.log"
        self._running: _Running | None = None

    def tick(self, timetable: Sequence[Schedule], now: datetime) -> str:
        """Start a brief that is due, or note that one has ended; return what to say of it, which may be nothing."""
        if self._running is not None:
            return self._take_ended(self._running)
        due = [one for one in timetable if self._is_due(one, timetable, now)]
        if due:  # One brief for all nights on which the same people are sent one.
            self._start([one for one in due if _addressees(one) == _addressees(due[0])])
        return ""

    def is_pending(self, schedule: str) -> bool:
        """Return whether a brief on the last night of `schedule` is being written."""
        return self._running is not None and schedule in self._running.covers

    def stop(self) -> None:
        """End one that is being sent; it is sent anew when the scheduler is back."""
        if self._running is not None:
            self._running.child.terminate()
            self._running.child.wait()

    def _is_due(self, one: Schedule, timetable: Sequence[Schedule], now: datetime) -> bool:
        night = self._diary.night(one.name)
        if night is None or night.briefed:
            return False
        due = one.calendar.brief_due(Night(night.start, night.end))
        if due is not None:
            return now >= due
        nights = [self._diary.night(other.name) for other in timetable]
        same = [other for other in nights if other is not None and not other.briefed]
        return all(other.is_over for other in same if _date(other, one) == _date(night, one))

    def _start(self, group: Sequence[Schedule]) -> None:
        nights = {one.name: night for one in group if (night := self._diary.night(one.name)) is not None}
        first = group[0]
        since = min(night.start for night in nights.values())
        arguments = [
            f"since={since.isoformat(timespec='seconds')}",
            f"date={max(_date(night, first) for night in nights.values())}",
            f"runs_dir={self._runs_dir}",
            f"webhook={first.spec.webhook}",
            f"apprise={first.spec.apprise}",
        ]
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as output:
            output.write(f"--- {datetime.now(UTC):%Y-%m-%d %H:%M:%S}\n".encode())
            output.flush()
            child = subprocess.Popen(
                [sys.executable, "-m", "tracking.morning", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running = _Running(child, time.monotonic(), {name: night.start for name, night in nights.items()})

    def _take_ended(self, running: _Running) -> str:
        code = running.child.poll()
        if code is None:
            if time.monotonic() - running.started > _LONGEST_SECONDS:
                running.child.kill()
            return ""
        self._running = None
        for name, start in running.covers.items():
            night = self._diary.night(name)
            if night is not None and night.start == start:
                self._diary.put(name, night.model_copy(update={"briefed": True}))
        return last_line(self._log) if code == 0 else f"Brief: {last_line(self._log)} (see {self._log})"


def _date(night: NightWork, one: Schedule) -> str:
    zone: ZoneInfo = one.calendar.zone
    return f"{night.end.astimezone(zone):%Y-%m-%d}"


def _addressees(one: Schedule) -> tuple[str, str]:
    return one.spec.webhook, one.spec.apprise
