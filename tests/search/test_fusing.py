"""The executor that lets trials wait for each other, with a real worker on JAX."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import fused_trials
import pytest
from fused_tasks import noisy_tasks
from mortal_worker import stand_still_after, wait_for_stop

from search.executors import WorkerDiedError
from search.fusing import FusingExecutor
from search.progress import EpochDone, Message, Said
from search.train.result import TrialPrunedError
from search.trial import TrialFailedError, TrialOutcome, TrialTask, run_trial

EPOCHS = 6


class Listener:
    """Hears what the worker says, and may do something about it."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.on_epoch: Callable[[EpochDone], None] = lambda _: None

    def __call__(self, message: Message) -> None:
        if isinstance(message, Said):
            self.said.append(message.text)
        elif isinstance(message, EpochDone):
            self.on_epoch(message)


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[FusingExecutor, Listener]]:
    listener = Listener()
    made = FusingExecutor(8, fused_trials.start, 100, listener)
    yield made, listener
    made.shutdown(cancel_futures=True)


@pytest.fixture
def tasks(tmp_path: Path) -> list[TrialTask]:
    return [replace(task, watched=True) for task in noisy_tasks(tmp_path, EPOCHS)]


def ends(futures: "list[Future[TrialOutcome]]") -> list[TrialOutcome | BaseException]:
    return [future.exception(240) or future.result() for future in futures]


def test_a_hopeless_trial_leaves_its_group_and_the_others_stay(
    opened: tuple[FusingExecutor, Listener], tasks: list[TrialTask]
) -> None:
    executor, listener = opened
    executor.submit(wait_for_stop, tasks[1].key, 2).result(60)
    futures = [executor.submit(run_trial, task) for task in tasks]

    def judge(event: EpochDone) -> None:
        if (event.key, event.epoch) == (tasks[1].key, 2):
            executor.prune(futures[1])

    listener.on_epoch = judge
    first, second, third = ends(futures)
    assert isinstance(second, TrialPrunedError)
    for outcome in (first, third):
        assert isinstance(outcome, TrialOutcome)
        assert len(outcome.result.history["train_loss"]) == EPOCHS
        assert outcome.result.cost.members == 3


def test_a_worker_that_dies_fails_those_that_had_not_ended_and_the_next_group_has_another(
    opened: tuple[FusingExecutor, Listener], tasks: list[TrialTask]
) -> None:
    executor, listener = opened
    short = replace(tasks[0], training=tasks[0].training.model_copy(update={"epochs": 2}))
    watched = {task.key for task in tasks[1:]}

    worker = executor.submit(os.getpid).result(60)
    executor.submit(stand_still_after, 4).result(60)

    def kill(event: EpochDone) -> None:
        if event.key in watched and event.epoch == 4:
            listener.on_epoch = lambda _: None
            os.kill(worker, signal.SIGKILL)

    listener.on_epoch = kill
    first, *others = ends([executor.submit(run_trial, task) for task in (short, *tasks[1:])])
    assert isinstance(first, TrialOutcome), "it had ended before"
    assert all(isinstance(other, WorkerDiedError) for other in others)
    assert all(isinstance(end, TrialOutcome) for end in ends([executor.submit(run_trial, task) for task in tasks[1:]]))


def test_a_model_that_cannot_be_fused_is_trained_one_by_one_and_the_user_is_told(
    opened: tuple[FusingExecutor, Listener], tmp_path: Path
) -> None:
    executor, listener = opened
    listener.said.clear()
    futures = [executor.submit(run_trial, task) for task in noisy_tasks(tmp_path, 2, "fused_models:unmappable")]
    for end in ends(futures):
        assert isinstance(end, TrialOutcome), end
        assert end.result.cost.members == 1
    [said] = listener.said
    assert said.startswith("Model 'fused_models:unmappable' cannot be fused, trained one by one: ")


def test_a_model_without_a_graph_is_fused_with_its_own_setting_and_one_that_cannot_be_saved_counts(
    opened: tuple[FusingExecutor, Listener], tmp_path: Path
) -> None:
    executor, listener = opened
    listener.said.clear()
    tasks = noisy_tasks(tmp_path, 2, "fused_models:without_a_graph")
    tasks[2] = replace(tasks[2], setting={"activation": "tanh"})
    futures = [executor.submit(run_trial, replace(task, serve_model=True)) for task in tasks]
    for end, members in zip(ends(futures), (2, 2, 1), strict=True):
        assert isinstance(end, TrialOutcome), end
        assert end.result.cost.members == members
        assert end.served is None
        assert "NotImplementedError" in end.unsaved
    assert listener.said == []


def test_a_base_that_cannot_be_kept_fails_with_that_reason_and_is_not_forgotten(
    opened: tuple[FusingExecutor, Listener], tmp_path: Path
) -> None:
    executor, listener = opened
    listener.said.clear()
    tasks = noisy_tasks(tmp_path, 1, "fused_models:without_a_graph")[:2]
    futures = [executor.submit(run_trial, replace(task, keep_model=True)) for task in tasks]
    for end in ends(futures):
        assert isinstance(end, TrialFailedError), end
        assert "NotImplementedError" in str(end)
    assert listener.said == []
