"""A group of trials on JAX that is killed goes on, to what an undisturbed one comes to."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fused_trials
import numpy as np
import pytest
from fused_tasks import noisy_tasks
from mortal_worker import MortalWorker

from search.executors import WorkerDiedError
from search.fused_trial import train_tasks
from search.train.checkpoint import kept
from search.train.result import TrialResult
from search.trial import TrialTask

EPOCHS = 8


@pytest.fixture(scope="module")
def pool() -> Iterator[MortalWorker]:
    made = MortalWorker(fused_trials.start)
    yield made
    made.executor.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> list[TrialTask]:
    made = noisy_tasks(tmp_path_factory.mktemp("data"), EPOCHS)
    return [replace(task, watched=True) for task in made[:2]]


def train(pool: MortalWorker, tasks: list[TrialTask]) -> list[TrialResult]:
    pool.call(train_tasks, tasks, checkpoint_seconds=0.0)
    return [pool.outcomes[task.key].result for task in tasks]


@pytest.fixture(scope="module")
def undisturbed(pool: MortalWorker, tasks: list[TrialTask]) -> list[TrialResult]:
    return train(pool, tasks)


def check_goes_on(pool: MortalWorker, tasks: list[TrialTask], undisturbed: list[TrialResult]) -> None:
    """Check that `tasks` go on, all after the same epoch, to the bits of those that were left alone."""
    assert kept(tasks[0].checkpoints) == [task.key for task in tasks]
    results = train(pool, tasks)
    who, when = zip(*(said.split(" after epoch ") for said in pool.said), strict=True)
    assert who == ("one seed 1: goes on", "one seed 2: goes on")
    assert len(set(when)) == 1
    for one, other in zip(results, undisturbed, strict=True):
        assert list(one.history) == list(other.history)
        for name, values in one.history.items():
            np.testing.assert_array_equal(values, other.history[name])
        assert one.metrics == other.metrics


def test_a_killed_group_goes_on_to_what_an_undisturbed_one_comes_to(
    pool: MortalWorker, tasks: list[TrialTask], undisturbed: list[TrialResult], tmp_path: Path
) -> None:
    checkpointed = [replace(task, checkpoints=tmp_path) for task in tasks]
    pool.kill_after(4, train_tasks, checkpointed, checkpoint_seconds=0.0)
    check_goes_on(pool, checkpointed, undisturbed)


def test_members_stay_together_when_one_is_saved_and_the_other_not_yet(
    pool: MortalWorker, tasks: list[TrialTask], undisturbed: list[TrialResult], tmp_path: Path
) -> None:
    checkpointed = [replace(task, checkpoints=tmp_path) for task in tasks]
    with pytest.raises(WorkerDiedError):
        pool.call(fused_trials.die_between_cards, checkpointed, cards=2 * 3 + 1)
    assert (tmp_path / tasks[1].key / "next.json").is_file()
    check_goes_on(pool, checkpointed, undisturbed)
    assert not any(tmp_path.glob("*/next.json"))
