"""Points in time as people say them: `2026-11-20`, `18:00`, `yesterday`, `12h`."""

import re
from datetime import datetime, timedelta

from studies.errors import InputError, nearest

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)([mhdw])")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_HOURS = {"m": 1 / 60, "h": 1.0, "d": 24.0, "w": 168.0}
_DAYS_AGO = {"today": 0, "yesterday": 1}


def moment(text: str, now: datetime) -> datetime:
    """Return the moment before `now` that `text` means; what has no time zone is taken in this machine's.

    Args:
        text: an ISO date or time; `HH:MM`, the last time that a clock showed this; `today` or `yesterday`, where they
            began; or how long ago, in m, h, d or w, such as `1h30m`.
        now: with its time zone.

    Raises:
        InputError: it is none of these, or in the future.
    """
    try:
        found = _past(text.strip(), now)
    except (ValueError, OverflowError):
        raise InputError(
            "`since` must be a date (2026-11-20), a date and time (2026-11-20T18:00), a time (18:00), today, "
            f"yesterday, or how long ago (90m, 12h, 2d). Received: {text!r}.{nearest(text, _DAYS_AGO)}"
        ) from None
    if found > now:
        raise InputError(f"`since` must be in the past; it is {now:%Y-%m-%d %H:%M} now. Received: {text!r}.")
    return found


def ago(then: datetime, now: datetime) -> str:
    """Return how long ago `then` was, in the unit that a person would take: `40 min ago`, `14 h ago`, `3 d ago`."""
    minutes = (now - then).total_seconds() / 60
    if minutes < 90:
        return f"{minutes:.0f} min ago"
    return f"{minutes / 60:.0f} h ago" if minutes < 48 * 60 else f"{minutes / 1440:.0f} d ago"


def clock(then: datetime, now: datetime) -> str:
    """Return `then` with as much of the date as is needed within a week or a year of `now`."""
    then = then.astimezone()
    if now - then < timedelta(days=6):
        return f"{then:%a %H:%M}"
    return f"{then:%d %b %H:%M}" if then.year == now.year else f"{then:%Y-%m-%d %H:%M}"


def _past(text: str, now: datetime) -> datetime:
    amounts = _AMOUNT.findall(text)
    if amounts and "".join(number + unit for number, unit in amounts) == text:
        return now - timedelta(hours=sum(float(number) * _HOURS[unit] for number, unit in amounts))
    if text in _DAYS_AGO:
        return _at(now, _DAYS_AGO[text], 0, 0)
    if found := _CLOCK.fullmatch(text):
        hour, minute = int(found[1]), int(found[2])
        today = _at(now, 0, hour, minute)
        return today if today <= now else _at(now, 1, hour, minute)
    return datetime.fromisoformat(text).astimezone()


def _at(now: datetime, days_ago: int, hour: int, minute: int) -> datetime:
    # Without its zone until the day is known: last night the offset may have been another one.
    day = now.astimezone().replace(tzinfo=None) - timedelta(days=days_ago)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0).astimezone()
