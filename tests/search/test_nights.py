"""When nights begin and end: computed from a moment that is given, on the days when clocks change too."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from search.nights import Calendar, Night, coming
from studies.errors import InputError
from studies.schedule import ScheduleSpec


def calendar(cron: str = "0 22 * * *", window: str = "22:00 to 06:00", **fields: object) -> Calendar:
    given = {"timezone": "Europe/Berlin", "studies": [{"study": "small"}], **fields}
    return Calendar(ScheduleSpec.model_validate({"cron": cron, "window": window, **given}))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shown(one: Calendar, now: str, count: int) -> list[str]:
    nights = islice(one.after(utc(now)), count)
    return [
        f"{night.start.astimezone(one.zone):%a %d %b %H:%M} {night.end.astimezone(one.zone):%d %H:%M} {night.length}"
        for night in nights
    ]


def test_a_night_ends_on_the_day_after_it_began() -> None:
    assert shown(calendar(), "2026-11-21T12:00", 2) == [
        "Sat 21 Nov 22:00 22 06:00 8:00:00",
        "Sun 22 Nov 22:00 23 06:00 8:00:00",
    ]


def test_the_night_in_which_clocks_go_forward_is_an_hour_shorter() -> None:
    assert shown(calendar(), "2026-03-27T12:00", 3) == [
        "Fri 27 Mar 22:00 28 06:00 8:00:00",
        "Sat 28 Mar 22:00 29 06:00 7:00:00",
        "Sun 29 Mar 22:00 30 06:00 8:00:00",
    ]


def test_the_night_in_which_clocks_go_back_is_an_hour_longer_and_comes_once() -> None:
    assert shown(calendar(), "2026-10-24T12:00", 1) == ["Sat 24 Oct 22:00 25 06:00 9:00:00"]
    twice_on_the_clock = calendar("30 2 * * *", "02:30 to 05:00")
    assert shown(twice_on_the_clock, "2026-10-24T12:00", 2) == [
        "Sun 25 Oct 02:30 25 05:00 3:30:00",
        "Mon 26 Oct 02:30 26 05:00 2:30:00",
    ]


def test_a_time_that_clocks_leave_out_comes_when_they_have_gone_on() -> None:
    left_out = calendar("30 2 * * *", "02:30 to 05:00")
    assert shown(left_out, "2026-03-28T12:00", 1) == ["Sun 29 Mar 03:30 29 05:00 1:30:00"]
    gone = calendar("30 2 * * *", "02:30 to 03:00")
    assert shown(gone, "2026-03-28T12:00", 1) == ["Mon 30 Mar 02:30 30 03:00 0:30:00"]


def test_weekdays_are_those_of_a_crontab() -> None:
    weekdays = calendar("0 22 * * 1-5")
    assert [line[:3] for line in shown(weekdays, "2026-11-21T12:00", 6)] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Mon"]
    for sunday in ("0", "7", "sun"):
        assert shown(calendar(f"0 22 * * {sunday}"), "2026-11-16T12:00", 1)[0].startswith("Sun 22 Nov")
    assert [line[:3] for line in shown(calendar("0 22 * * sun-tue"), "2026-11-16T23:00", 3)] == ["Tue", "Sun", "Mon"]


def test_a_day_of_the_month_and_a_weekday_mean_either() -> None:
    either = calendar("0 22 13 * fri")
    assert [line[:10] for line in shown(either, "2026-12-05T00:00", 3)] == ["Fri 11 Dec", "Sun 13 Dec", "Fri 18 Dec"]


def test_no_night_begins_in_another_one() -> None:
    assert shown(calendar("*/30 0-5 * * *", "00:00 to 06:00"), "2026-11-21T00:00", 2) == [
        "Sat 21 Nov 01:00 21 06:00 5:00:00",
        "Sun 22 Nov 00:00 22 06:00 6:00:00",
    ]


def test_the_next_seven_nights_have_the_one_that_has_begun_first() -> None:
    nights = coming(calendar(), utc("2026-11-21T23:00"), 7)
    assert len(nights) == 7
    assert nights[0].start == utc("2026-11-21T21:00")
    assert nights[-1].start - nights[0].start == timedelta(days=6)


EVENING, MIDNIGHT, NOON = utc("2026-11-21T21:00"), utc("2026-11-21T23:00"), utc("2026-11-22T11:00")
"""When a night begins, a moment in it, and one after it."""
BEFORE = utc("2026-11-21T12:00")


def test_a_night_that_is_due_begins() -> None:
    assert calendar().due(BEFORE, EVENING - timedelta(seconds=1)) is None
    night = Night(EVENING, utc("2026-11-22T05:00"))
    for policy in ("late", "once", "skip"):
        assert calendar(missed=policy).due(BEFORE, EVENING + timedelta(seconds=1)) == night


def test_of_a_missed_night_late_takes_what_is_left() -> None:
    night = Night(EVENING, utc("2026-11-22T05:00"))
    assert calendar(missed="late").due(BEFORE, MIDNIGHT) == night
    assert calendar(missed="late").due(BEFORE, NOON) is None


def test_missed_nights_are_made_up_for_once_for_as_long_as_a_window() -> None:
    once = calendar(missed="once")
    assert once.due(BEFORE, MIDNIGHT) == Night(EVENING, utc("2026-11-22T05:00"))
    assert once.due(BEFORE, NOON + timedelta(days=3)) == Night(NOON + timedelta(days=3), utc("2026-11-25T19:00"))


def test_a_night_that_is_made_up_for_ends_before_the_next_one() -> None:
    evening = utc("2026-11-22T18:00")
    assert calendar(missed="once").due(BEFORE, evening) == Night(evening, utc("2026-11-22T21:00"))


def test_skip_leaves_a_missed_night_out() -> None:
    assert calendar(missed="skip").due(BEFORE, MIDNIGHT) is None


def test_the_brief_is_due_on_the_morning_after() -> None:
    night = Night(EVENING, utc("2026-11-22T05:00"))
    assert calendar(brief_at="07:00").brief_due(night) == utc("2026-11-22T06:00")
    assert calendar(brief_at="23:00").brief_due(night) == utc("2026-11-21T22:00")
    assert calendar().brief_due(night) is None


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("0 25 * * *", "the last value (25) is higher than the maximum value (23)"),
        ("0 22 * * funday", 'invalid weekday "funday"'),
        ("0 22 * * 5-1", 'invalid weekdays "5-1"'),
        ("0 22 31 2 *", "must be a time that comes"),
        ("0 12 * * *", "must begin a night in the window (22:00 to 06:00)"),
    ],
)
def test_a_cron_that_cannot_be_kept_is_refused(cron: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        calendar(cron)
    assert "`cron`" in str(caught.value)
    assert said in str(caught.value)
