"""A group of trials on JAX that is killed goes on, to what an undisturbed one comes to."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fused_trials
import numpy as np
import pytest
from mortal_worker import MortalWorker

from search.data.images import Images
from search.data.stored import PreparedData, describe, store
from search.fused_trial import train_tasks
from search.train.checkpoint import kept
from search.train.result import TrialResult
from search.trial import TrialTask
from studies.data import DataSpec, ValidationSpec
from studies.spec import AugmentationSpec, TrainingSpec
from studies.training import EarlyStoppingSpec

EPOCHS = 8
TOLERANCE = 1e-3
"""On losses. Not the bits: of two groups that were killed, one had them and one had not, and it is not known why
(docs/decisions/0015-checkpoints.md)."""


@pytest.fixture(scope="module")
def pool() -> Iterator[MortalWorker]:
    made = MortalWorker(fused_trials.start)
    yield made
    made.executor.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> list[TrialTask]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 120).astype(np.int32)
    x = (rng.random((120, 18, 18, 1)) * 200 + labels[:, None, None, None] * 50).astype(np.uint8)
    images = Images(x[:80], labels[:80], x[80:], labels[80:], ("dark", "bright"))
    data: PreparedData = describe(images, "noise", tmp_path_factory.mktemp("data"))
    store(images, data)
    training = TrainingSpec(
        epochs=EPOCHS,
        batch_size=16,
        augmentation=AugmentationSpec(crop=16, shift=0.1),
        early_stopping=EarlyStoppingSpec(metric="validation_loss", patience=EPOCHS),
    )
    common = {"model": "two_block_cnn", "training": training, "data": data, "watched": True, "backend": "jax"}
    held = DataSpec(validation=ValidationSpec(fraction=0.25))
    setting = {"batch_norm": True, "optimizer": "adam"}
    return [
        TrialTask(key=f"{number}" * 16, arm="one", setting={**setting, **more}, seed=seed, data_spec=held, **common)
        for number, (seed, more) in enumerate([(1, {}), (2, {"placement": "after_activation", "rate": 0.3})])
    ]


def train(pool: MortalWorker, tasks: list[TrialTask]) -> list[TrialResult]:
    pool.call(train_tasks, tasks, checkpoint_seconds=0.0)
    return [pool.outcomes[task.key].result for task in tasks]


def test_a_killed_group_goes_on_to_what_an_undisturbed_one_comes_to(
    pool: MortalWorker, tasks: list[TrialTask], tmp_path: Path
) -> None:
    undisturbed = train(pool, tasks)
    checkpointed = [replace(task, checkpoints=tmp_path) for task in tasks]
    pool.kill_after(4, train_tasks, checkpointed, checkpoint_seconds=0.0)
    assert kept(tmp_path) == [task.key for task in tasks]
    results = train(pool, checkpointed)
    assert [said.partition(" after epoch ")[0] for said in pool.said] == ["one seed 1: goes on", "one seed 2: goes on"]
    for one, other in zip(results, undisturbed, strict=True):
        assert list(one.history) == list(other.history)
        for name in ("train_loss", "validation_loss", "test_loss"):
            np.testing.assert_allclose(one.history[name], other.history[name], atol=TOLERANCE)
            assert abs(one.metrics[name] - other.metrics[name]) < TOLERANCE
