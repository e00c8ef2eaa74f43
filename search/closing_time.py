"""The end of a window, `until=06:00`: no trial is started that is not expected to end by then."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, time, timedelta
from statistics import fmean
from typing import TYPE_CHECKING

from studies.errors import InputError

if TYPE_CHECKING:
    from search.trial import TrialTask
    from search.workers import Workers
    from tracking.manifest import PlannedTrial
    from tracking.record import TrialRecord

EXIT_TIME_UP = 75
"""The time was up before everything was done: the same command, given later, goes on (EX_TEMPFAIL of sysexits.h)."""
OPTION = ("until", "trials start while they are expected to end by this time, such as 06:00 or 2026-11-22T06:00+01:00")


class ClosingTime:
    """By when trials are to end, and how long they are expected to take."""

    def __init__(self, end: datetime, seconds: Mapping[str, Iterable[float]], now: Callable[[], datetime]) -> None:
        """Know the times of past trials, in `seconds` by arm; `now` and `end` have a time zone."""
        self._end, self._now = end, now
        self._seconds = {arm: list(times) for arm, times in seconds.items()}

    def fits(self, trial: "PlannedTrial") -> bool:
        """Return whether `trial`, started now, is expected to end in time: by the mean of its arm, else of all."""
        return self._ends(self.expected(trial.arm))

    def has_time(self, trials: int) -> bool:
        """Return whether that many trials of the longest arm, one after the other, are expected to end in time."""
        return self._ends(trials * max(map(fmean, self._seconds.values()), default=0.0))

    def expected(self, arm: str) -> float:
        """Return the seconds that a trial of `arm` is expected to take; 0 if nothing is known of any."""
        own = self._seconds.get(arm)
        return fmean(own) if own else fmean([time for times in self._seconds.values() for time in times] or [0.0])

    def learn(self, record: "TrialRecord") -> None:
        """Know one more time."""
        self._seconds.setdefault(record.arm, []).append(_seconds(record))

    def _ends(self, seconds: float) -> bool:
        return self._now() + timedelta(seconds=seconds) <= self._end


def moment_ahead(text: str, now: datetime) -> datetime:
    """Return the moment that `text` means: a date and time, or the next time that a clock shows a time of day.

    Raises:
        InputError: it is neither.
    """
    try:
        if "T" in text:
            return datetime.fromisoformat(text).astimezone()
        # Without its zone until the day is known: by then the offset may be another one.
        clock, day = time.fromisoformat(text), now.astimezone().replace(tzinfo=None).date()
        today = datetime.combine(day, clock).astimezone()
        return today if today > now else datetime.combine(day + timedelta(days=1), clock).astimezone()
    except ValueError:
        raise InputError(
            f"`until` must be a time of day (06:00), or a date and time (2026-11-22T06:00+01:00). Received: {text!r}."
        ) from None


def closing_time(
    until: datetime | None, tasks: "Mapping[str, TrialTask]", records: "Iterable[TrialRecord]", workers: "Workers"
) -> ClosingTime | None:
    """Return what `until` means for `tasks`, by arm: one that `records` know no time of is measured, as a plan does."""
    if until is None:
        return None
    seconds: dict[str, list[float]] = {}
    for record in records:
        seconds.setdefault(record.arm, []).append(_seconds(record))
    unknown = {arm: task for arm, task in tasks.items() if arm not in seconds}
    seconds |= {arm: [time] for arm, time in _measured(unknown, workers).items()}
    return ClosingTime(until, seconds, lambda: datetime.now().astimezone())


def _measured(tasks: "Mapping[str, TrialTask]", workers: "Workers") -> dict[str, float]:
    from search.trial import seconds_per_epoch

    asked = {
        arm: (task.training.epochs, workers.executor.submit(seconds_per_epoch, task)) for arm, task in tasks.items()
    }
    found = {}
    for arm, (epochs, future) in asked.items():
        error = future.exception()
        # What cannot be trained fails soon enough, as a trial and with its reason.
        found[arm] = 0.0 if error is not None else epochs * future.result()
    return found


def _seconds(record: "TrialRecord") -> float:
    """Return the time from start to end: those that were fused share it."""
    return record.cost.seconds * record.cost.members
