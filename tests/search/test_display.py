"""What a person sees while a study runs, on a terminal and in a log."""

import io
import re
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from rich.console import Console
from stored_trials import cell

import search.display
from search.display import Display
from search.progress import EpochDone

ARMS = ["plain", "dropped"]


class Clock:
    """The time that the display believes in, in seconds."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(search.display, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


def make(terminal: bool, total: int = 6, width: int = 100) -> Display:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=width, height=40, record=True, highlight=False)
    return Display(console, "small", "test_accuracy", ARMS, total)


def lines(act: Callable[[Display], object], total: int = 6) -> list[str]:
    """What is left in a log after `act`."""
    display = make(terminal=False, total=total)
    with display:
        act(display)
    return display.console.export_text().splitlines()


def picture(act: Callable[[Display], object], total: int = 6, width: int = 100) -> str:
    """What a terminal shows after `act`."""
    display = make(terminal=True, total=total, width=width)
    with display:
        act(display)
        display.console.export_text()
    return display.console.export_text()


def epoch(arm: str, seed: int, number: int, speed: float = 500.0) -> EpochDone:
    return EpochDone(f"{arm}{seed}", number, 10, speed)


def train(display: Display, arm: str, seed: int, score: float = 0.75) -> None:
    display.submit(cell(arm, seed))
    display.progress(epoch(arm, seed, 10))
    display.finish(f"{arm}{seed}", {display.metric: score}, seconds=12.34)


def test_a_log_has_a_line_per_trial_with_how_far_the_study_is_and_how_long_it_takes(clock: Clock) -> None:
    def act(display: Display) -> None:
        for seed in (1, 2, 3):
            clock.now += 50
            train(display, "plain", seed, score=0.9 + seed / 1000)

    assert lines(act, total=5) == [
        "[1/5, 3:20 min left] plain seed 1: test_accuracy 0.9010 in 12.3 s",
        "[2/5, 2:30 min left] plain seed 2: test_accuracy 0.9020 in 12.3 s",
        "[3/5, 1:40 min left] plain seed 3: test_accuracy 0.9030 in 12.3 s",
    ]


def test_the_last_line_has_no_time_left(clock: Clock) -> None:
    def act(display: Display) -> None:
        clock.now += 50
        train(display, "plain", 1)

    assert lines(act, total=1) == ["[1/1] plain seed 1: test_accuracy 0.7500 in 12.3 s"]


def test_epochs_of_running_trials_count_towards_the_pace(clock: Clock) -> None:
    def act(display: Display) -> None:
        display.submit(cell("dropped", 1))
        display.progress(epoch("dropped", 1, 5))
        clock.now += 60
        train(display, "plain", 1)

    # One and a half trials took 60 s; two and a half are left.
    assert lines(act, total=4)[-1].startswith("[1/4, 1:40 min left]")


def test_recorded_trials_are_done_but_say_nothing_about_the_pace(clock: Clock) -> None:
    def act(display: Display) -> None:
        for _ in (1, 2, 3):
            display.reuse("plain", 0.9)
        clock.now += 10
        train(display, "plain", 4)

    assert lines(act)[-1].startswith("[4/6, 20 s left]")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(20, "20 s"), (59.7, "1:00 min"), (61, "1:01 min"), (3600, "1:00 h"), (7 * 3600 + 5 * 60, "7:05 h")],
)
def test_time_is_shown_as_a_person_would_say_it(clock: Clock, seconds: float, shown: str) -> None:
    def act(display: Display) -> None:
        clock.now += seconds
        train(display, "plain", 1)

    assert lines(act, total=2)[-1].startswith(f"[1/2, {shown} left]")


def test_a_lost_worker_and_a_failed_trial_are_said_with_their_reason() -> None:
    def act(display: Display) -> None:
        display.submit(cell("plain", 1))
        display.retry("plain1", "its worker process ended (killed by SIGKILL)")
        display.submit(cell("plain", 1))
        display.fail("plain1", "its worker process ended [again]")
        train(display, "plain", 2)

    said = lines(act)
    assert said[:2] == [
        "plain seed 1: its worker process ended (killed by SIGKILL); trying once more",
        "plain seed 1: failed, its worker process ended [again]",
    ]
    assert said[2].startswith("[2/6"), "a failed trial is behind us"


def test_a_terminal_shows_how_many_are_done_running_and_failed_and_the_speed_of_all() -> None:
    def act(display: Display) -> None:
        display.reuse("plain", 0.9)
        train(display, "plain", 2)
        for arm, number in (("plain", 3), ("dropped", 7)):
            display.submit(cell(arm, 3))
            display.progress(epoch(arm, 3, number, speed=1200))
        display.submit(cell("dropped", 4))
        display.submit(cell("dropped", 5))
        display.fail("dropped5", "the model does not feel well")

    shown = picture(act)
    assert "small  3 of 6 trials done, 2 running, 1 failed\n" in shown
    assert re.search(r"━  2,400 images/s", shown)
    assert re.search(r"plain +seed 3 .* epoch 3/10 +1,200 images/s", shown)
    assert re.search(r"dropped +seed 3 .* epoch 7/10 +1,200 images/s", shown)
    assert "seed 4" not in shown, "it waits for a worker"


def test_a_terminal_shows_the_means_of_all_arms_so_far() -> None:
    def act(display: Display) -> None:
        display.reuse("plain", 0.5)
        train(display, "plain", 2, score=0.75)

    shown = picture(act)
    assert re.search(r"arm +trials +mean test_accuracy so far", shown)
    assert re.search(r"plain +2 +0\.6250", shown)
    assert re.search(r"dropped +0 +-", shown)


def test_as_many_trials_run_as_there_are_workers_before_their_first_epoch_too() -> None:
    def act(display: Display) -> None:
        display.lanes = 2
        for seed in (1, 2, 3):
            display.submit(cell("plain", seed))

    shown = picture(act)
    assert "0 of 6 trials done, 2 running, 0 failed\n" in shown
    assert re.search(r"━  preparing", shown)
    assert "left" not in shown


def test_on_80_columns_a_line_is_a_line_however_long_the_names(clock: Clock) -> None:
    arm = "an_arm_whose_name_says_all_that_there_is_to_say_about_its_setting"

    def act(display: Display) -> None:
        clock.now += 3000
        train(display, arm, 1)
        display.submit(cell(arm, 2))
        display.progress(EpochDone(f"{arm}2", 1199, 1200, 123456.7))

    shown = picture(act, total=240, width=80)
    assert re.search(r"━  123,457 images/s  \d+:\d\d h left", shown)
    assert re.search(r"an_arm_\w*…  seed 2  [━╸╺]+  epoch 1199/1200  123,457 images/s", shown)


def test_what_went_wrong_stands_above_what_a_low_terminal_cuts() -> None:
    def act(display: Display) -> None:
        display.reuse("plain", 0.9)
        display.note = "Interrupted: finishing 2 running trials."

    shown = picture(act)
    assert shown.index("Interrupted") < shown.index("mean test_accuracy so far")


def test_a_terminal_shows_the_time_left_and_what_is_worth_noting(clock: Clock) -> None:
    def act(display: Display) -> None:
        clock.now += 30
        train(display, "plain", 1)
        display.note = "Interrupted: finishing 2 running trials."

    shown = picture(act)
    assert "2:30 min left" in shown
    assert "Interrupted: finishing 2 running trials." in shown


def test_on_a_terminal_only_what_went_wrong_stays() -> None:
    display = make(terminal=True)
    with display:
        train(display, "plain", 1)
        display.submit(cell("plain", 2))
        display.fail("plain2", "train_loss became nan")
    output = display.console.file.getvalue()  # type: ignore[attr-defined]
    assert "plain seed 2: failed, train_loss became nan\n" in re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", output)
    assert "plain seed 1: test_accuracy" not in output


def test_a_retried_trial_starts_over_and_late_news_of_a_finished_one_changes_nothing() -> None:
    def act(display: Display) -> None:
        display.submit(cell("plain", 1))
        display.progress(epoch("plain", 1, 9))
        display.retry("plain1", "its worker process ended")
        display.submit(cell("plain", 1))
        train(display, "dropped", 1)
        display.progress(epoch("dropped", 1, 10))
        display.progress(EpochDone("unheard of", 1, 10, 1.0))

    shown = picture(act)
    assert "1 of 6 trials done, 0 running" in shown
    assert "epoch" not in shown


@pytest.fixture
def busy_threads() -> Iterator[None]:
    """Let threads interrupt each other as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("busy_threads")
def test_progress_may_arrive_from_other_threads_while_trials_finish() -> None:
    display = make(terminal=False, total=400)
    errors: list[BaseException] = []

    def work(arm: str) -> None:
        try:
            for seed in range(1, 101):
                train(display, arm, seed)
        except BaseException as error:
            errors.append(error)

    with display:
        threads = [threading.Thread(target=work, args=(arm,)) for arm in ("a", "b", "c", "d")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
    done = [int(line.partition("/")[0][1:]) for line in display.console.export_text().splitlines()]
    assert sorted(done) == list(range(1, 401))
