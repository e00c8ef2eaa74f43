"""The end of a window: which trials are started before it, by what is known of their length."""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from small_study import Place
from stored_trials import cell

from search.closing_time import EXIT_TIME_UP, ClosingTime, moment_ahead
from search.searching import deadline
from studies.errors import InputError
from studies.spec import SearchSpec

END = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def closing(minutes_left: float, seconds: dict[str, list[float]]) -> ClosingTime:
    return ClosingTime(END, seconds, lambda: END - timedelta(minutes=minutes_left))


def test_a_trial_is_started_if_it_is_expected_to_end_in_time() -> None:
    times = {"short": [50.0, 70.0], "long": [600.0]}
    assert closing(1.0, times).fits(cell("short", 1))
    assert not closing(0.9, times).fits(cell("short", 1))
    assert not closing(9.9, times).fits(cell("long", 1))
    assert closing(10.0, times).fits(cell("long", 1))


def test_an_arm_of_which_nothing_is_known_takes_as_long_as_all_others_on_average() -> None:
    assert closing(1.0, {"short": [30.0, 30.0], "long": [120.0]}).expected("new") == 60.0
    assert closing(0.0, {}).fits(cell("new", 1)), "nothing is known at all: it is tried"


def test_trials_are_handed_out_ahead_only_while_there_is_time_for_the_longest() -> None:
    times = {"short": [1.0], "long": [600.0]}
    assert closing(40.0, times).has_time(4)
    assert not closing(39.0, times).has_time(4)


def test_the_end_of_the_window_is_a_moment_or_the_next_time_that_a_clock_shows() -> None:
    assert moment_ahead("2026-11-22T06:00+00:00", END) == END
    noon = datetime(2026, 11, 21, 12, 0).astimezone()
    assert moment_ahead("06:00", noon) == datetime(2026, 11, 22, 6, 0).astimezone()
    assert moment_ahead("18:00", noon) == datetime(2026, 11, 21, 18, 0).astimezone()
    with pytest.raises(InputError, match="`until` must be a time of day"):
        moment_ahead("tomorrow", noon)


@pytest.fixture
def copy(finished: Place, tmp_path: Path) -> Place:
    shutil.copytree(finished.folder, tmp_path / "copy")
    return Place(tmp_path / "copy")


def run_until(place: Place, *arguments: str, hours: float) -> "subprocess.CompletedProcess[str]":
    until = datetime.now(UTC) + timedelta(hours=hours)
    return place.run(*arguments, f"until={until.isoformat(timespec='seconds')}")


def test_a_search_stops_at_the_earlier_of_its_length_and_the_next_time_of_its_clock() -> None:
    now = datetime(2026, 11, 22, 7, 30).astimezone()

    def end(**given: str) -> datetime | None:
        return deadline(SearchSpec.model_validate({"settings": 10, **given}), now)

    assert end() is None
    assert end(duration="90m") == datetime(2026, 11, 22, 9, 0).astimezone()
    assert end(stop_at="08:00") == datetime(2026, 11, 22, 8, 0).astimezone()
    assert end(stop_at="07:00") == datetime(2026, 11, 23, 7, 0).astimezone(), "just passed: tomorrow's"
    assert end(stop_at="08:00", duration="20m") == datetime(2026, 11, 22, 7, 50).astimezone()


def test_what_would_not_end_in_time_is_left_and_the_rest_is_trained(copy: Place) -> None:
    """The records are made to say that a trial of one arm takes 28 hours."""
    for path in copy.study.glob("trials/*/record.json"):
        record = json.loads(path.read_text())
        record["cost"]["seconds"] = 100_000.0 if record["arm"] == "plain" else 1.0
        path.write_text(json.dumps(record))
    done = run_until(copy, "study.replicates=4", hours=1)
    assert done.returncode == EXIT_TIME_UP, done.stdout + done.stderr
    assert "The time is up: 7 of 8 trials are saved in runs/small/. The rest waits for the next start:" in done.stdout
    assert "until" not in done.stdout.partition("The time is up")[2]
    records = [json.loads(record) for record in copy.records().values()]
    assert sorted(record["seed"] for record in records if record["arm"] == "dropped") == [1, 2, 3, 4]
    assert not any("until" in record["command"] for record in records)


def test_after_the_end_nothing_starts(place: Place) -> None:
    before = place.files()
    done = run_until(place, hours=-1)
    assert done.returncode == EXIT_TIME_UP
    assert "The time is up" in done.stderr
    assert place.files() == before
