"""The nights of a schedule as moments: APScheduler's triggers say when one begins, zone and window when it ends.

Only APScheduler's triggers are used. Its scheduler waits for the time that was left when it fell asleep; who looks at
the clock every second is right after a machine slept or its clock was set, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Literal
from zoneinfo import ZoneInfo

from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from studies.errors import InputError
from studies.schedule import ScheduleSpec

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PUNCTUAL = timedelta(seconds=60)
"""A night that begins so late has not been missed."""
_LONG_AGO = timedelta(days=400)
"""Nights that were missed before are not looked for."""


@dataclass(frozen=True)
class Night:
    """From when to when studies of a schedule may run; in UTC, since two local times have no sure distance."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """The time that passes in it, which the day of a clock change makes longer or shorter."""
        return self.end - self.start


class Calendar:
    """When the nights of one schedule are."""

    def __init__(self, spec: ScheduleSpec) -> None:
        """Understand `spec`.

        Raises:
            InputError: `cron` is none, never comes, or begins a night outside of the window.
        """
        self.zone = ZoneInfo(spec.timezone)
        self._spec = spec
        self._trigger = OrTrigger([_trigger(spec.cron, cron, self.zone) for cron in _alternatives(spec.cron)])
        self._check()

    def after(self, moment: datetime) -> Iterator[Night]:
        """Yield the nights that begin at `moment` or later; none begins before the last one has ended."""
        while (start := self._fire(moment)) is not None:
            night = self._night(start)
            # Where clocks go forward a short window may not be there that day.
            if night.length > timedelta(0):
                yield night
            moment = max(night.end, start.astimezone(UTC) + timedelta(seconds=1))

    def missed(self, handled: datetime, now: datetime) -> Night | None:
        """Return the last night that began after `handled` and by `now`, over or not."""
        found = None
        for night in self.after(max(handled, now - _LONG_AGO)):
            if night.start > now:
                break
            found = night
        return found

    def due(self, handled: datetime, now: datetime) -> Night | None:
        """Return the night that is to begin `now`; None if none has begun since `handled`, or it is let go."""
        night = self.missed(handled, now)
        if night is None or now - night.start <= _PUNCTUAL:
            return night
        policy: Literal["late", "once", "skip"] = self._spec.missed
        if policy == "skip":
            return None
        if now < night.end:
            return night
        if policy == "late":
            return None
        following = next(self.after(now), None)
        end = now + (self._night(self._local(night.start)).length)
        return Night(now, min(end, following.start) if following else end)

    def brief_due(self, night: Night) -> datetime | None:
        """Return when the brief on `night` is to be written, or None: when its last study has ended."""
        if self._spec.brief_at is None:
            return None
        clock = datetime.strptime(self._spec.brief_at, "%H:%M").time()
        start = self._local(night.start)
        today = _utc(datetime.combine(start.date(), clock, self.zone))
        return today if today > night.start else _utc(datetime.combine(start.date() + timedelta(1), clock, self.zone))

    def _fire(self, moment: datetime) -> datetime | None:
        found: datetime | None = self._trigger.get_next_fire_time(None, self._local(moment))
        return found

    def _night(self, start: datetime) -> Night:
        """Return the night that begins at `start`, by the clocks of the zone: a time that the clocks leave out too."""
        closes = self._spec.closes
        day = start.date() + timedelta(days=int(closes <= start.time()))
        return Night(_utc(start), _utc(datetime.combine(day, closes, self.zone)))

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)

    def _check(self) -> None:
        opens, closes = self._spec.opens, self._spec.closes
        moment, found = datetime.now(UTC), False
        for _ in range(20):
            start = self._fire(moment)
            if start is None:
                break
            found, clock = True, start.time()
            inside = opens <= clock < closes if opens < closes else clock >= opens or clock < closes
            if not inside:
                raise InputError(
                    f"`cron` must begin a night in the window ({self._spec.window}). Received: {self._spec.cron!r}, "
                    f"which begins one at {clock:%H:%M}."
                )
            moment = start + timedelta(seconds=1)
        if not found:
            raise InputError(f"`cron` must be a time that comes. Received: {self._spec.cron!r}.")


def coming(calendar: Calendar, now: datetime, count: int) -> list[Night]:
    """Return the next `count` nights, that which has begun and not ended among them."""
    begun = calendar.missed(now - timedelta(days=1), now)
    nights = [begun] if begun is not None and now < begun.end else []
    since = begun.end if nights and begun else now
    return [*nights, *islice(calendar.after(since), count - len(nights))]


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _alternatives(cron: str) -> list[str]:
    """Return the crontabs that `cron` stands for: with a day of the month and a weekday, either is meant."""
    minute, hour, day, month, weekday = cron.split()
    if day.startswith("*") or weekday.startswith("*"):
        return [cron]
    return [f"{minute} {hour} {day} {month} *", f"{minute} {hour} * {month} {weekday}"]


def _trigger(given: str, cron: str, zone: ZoneInfo) -> CronTrigger:
    minute, hour, day, month, weekday = cron.split()
    try:
        return CronTrigger(
            minute=minute, hour=hour, day=day, month=month, day_of_week=_weekdays(weekday), timezone=zone
        )
    except ValueError as error:
        raise InputError(f"`cron` must be a crontab's five fields ({error}). Received: {given!r}.") from None


def _weekdays(text: str) -> str:
    """Return weekdays by name: in a crontab 0 and 7 are Sunday, to APScheduler 0 is Monday.

    Raises:
        ValueError: it is none, or a range that ends before it begins.
    """
    if text == "*":
        return text
    found: list[str] = []
    for part in text.lower().split(","):
        days, slash, step = part.partition("/")
        first, dash, last = ("0", "-", "6") if days == "*" else days.partition("-")
        low = _weekday(first)
        high = _weekday(last) if dash else (6 if slash else low)
        if high == 0 and low > 0:
            high = 7  # Until Sunday.
        if high < low or (slash and not (step.isdigit() and int(step))):
            raise ValueError(f'invalid weekdays "{part}"')
        found += [_DAYS[day % 7] for day in range(low, high + 1, int(step) if slash else 1)]
    return ",".join(dict.fromkeys(found))


def _weekday(text: str) -> int:
    if text in _DAYS:
        return _DAYS.index(text)
    if text.isdigit() and int(text) <= 7:
        return int(text)
    raise ValueError(f'invalid weekday "{text}"')
