"""Times as people say them."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from studies.errors import InputError
from tracking.moment import ago, clock, moment

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


@pytest.fixture
def in_berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("12h", "2026-11-20T20:00+00:00"),
        ("90m", "2026-11-21T06:30+00:00"),
        ("1h30m", "2026-11-21T06:30+00:00"),
        ("2d", "2026-11-19T08:00+00:00"),
        ("1.5d", "2026-11-19T20:00+00:00"),
        ("1w", "2026-11-14T08:00+00:00"),
        ("2026-11-20", "2026-11-20T00:00+01:00"),
        ("2026-11-20T18:00", "2026-11-20T18:00+01:00"),
        ("2026-11-20 18:00", "2026-11-20T18:00+01:00"),
        ("2026-11-20T18:00Z", "2026-11-20T18:00+00:00"),
        ("18:00", "2026-11-20T18:00+01:00"),
        ("7:00", "2026-11-21T07:00+01:00"),
        ("today", "2026-11-21T00:00+01:00"),
        ("yesterday", "2026-11-20T00:00+01:00"),
    ],
)
def test_a_time_is_the_last_one_that_it_can_mean(in_berlin, text, meant):
    assert moment(text, NOW) == datetime.fromisoformat(meant)


def test_the_evening_before_the_clocks_changed_is_that_of_the_clock_on_the_wall(in_berlin):
    morning = datetime(2026, 10, 25, 8, 0, tzinfo=UTC)  # 9:00 in winter time
    assert moment("18:00", morning) == datetime.fromisoformat("2026-10-24T18:00+02:00")


@pytest.mark.parametrize("text", ["", "12", "25:00", "12 hours", "99999999999999d", "h", "-2h", "20-11-2026", "1e3d"])
def test_what_is_no_time_is_an_error_that_lists_what_is(text):
    with pytest.raises(InputError, match=r"`since` must be a date .*, a time \(18:00\), .* Received: ") as caught:
        moment(text, NOW)
    assert repr(text) in str(caught.value)


def test_a_misspelt_word_gets_the_nearest():
    with pytest.raises(InputError, match="Did you mean 'yesterday'"):
        moment("yesteday", NOW)


def test_the_future_is_an_error_that_tells_the_time():
    with pytest.raises(InputError, match=r"must be in the past; it is 2026-11-21 .* Received: '2027-01-01'"):
        moment("2027-01-01", NOW)


@pytest.mark.parametrize(
    ("back", "said"),
    [(timedelta(minutes=40), "40 min ago"), (timedelta(hours=14), "14 h ago"), (timedelta(days=3), "3 d ago")],
)
def test_how_long_ago_is_said_in_the_unit_that_a_person_would_take(back, said):
    assert ago(NOW - back, NOW) == said


def test_a_day_is_named_within_the_week_and_dated_before(in_berlin):
    shown = [clock(datetime.fromisoformat(text), NOW) for text in ("2026-11-20T23:30Z", "2026-11-02", "2025-11-02")]
    assert shown == ["Sat 00:30", "02 Nov 00:00", "2025-11-02 00:00"]
