"""Checkpoints: a real worker that is killed in the middle of a trial, and what the next one makes of what it left."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mortal_worker import MortalWorker

from search.backends import start_worker
from search.data.images import Images
from search.data.stored import describe, store
from search.train.checkpoint import kept
from search.train.result import TrialResult
from search.trial import TrialOutcome, TrialTask, run_trial
from studies.data import DataSpec, ValidationSpec
from studies.spec import AugmentationSpec, TrainingSpec
from studies.training import EarlyStoppingSpec

EPOCHS, KEY = 12, "0123456789abcdef"


def train(pool: MortalWorker, task: TrialTask) -> TrialResult:
    """Train, with a checkpoint after each epoch."""
    outcome: TrialOutcome = pool.call(run_trial, task, checkpoint_seconds=0.0)
    return outcome.result


@pytest.fixture(scope="module")
def pool() -> Iterator[MortalWorker]:
    made = MortalWorker(start_worker)
    yield made
    made.executor.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> TrialTask:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 700).astype(np.int32)
    x = (rng.random((700, 18, 18, 1)) * 200 + labels[:, None, None, None] * 50).astype(np.uint8)
    images = Images(x[:600], labels[:600], x[600:], labels[600:], ("dark", "bright"))
    data = describe(images, "noise", tmp_path_factory.mktemp("data"))
    store(images, data)
    return TrialTask(
        key=KEY,
        arm="plain",
        setting={"placement": "after_activation", "rate": 0.3, "batch_norm": True, "optimizer": "adam"},
        seed=3,
        model="two_block_cnn",
        training=TrainingSpec(
            epochs=EPOCHS,
            batch_size=16,
            augmentation=AugmentationSpec(crop=16, shift=0.1),
            early_stopping=EarlyStoppingSpec(metric="validation_loss", patience=EPOCHS),
        ),
        data=data,
        data_spec=DataSpec(validation=ValidationSpec(fraction=0.25)),
        watched=True,
    )


@pytest.fixture(scope="module")
def undisturbed(pool: MortalWorker, task: TrialTask) -> TrialResult:
    return train(pool, task)


@pytest.fixture(scope="module")
def left(
    pool: MortalWorker, task: TrialTask, undisturbed: TrialResult, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return the folder of checkpoints that a worker left which was killed with -9."""
    folder = tmp_path_factory.mktemp("checkpoints")
    pool.kill_after(5, run_trial, replace(task, checkpoints=folder), checkpoint_seconds=0.0)
    assert kept(folder) == [KEY]
    return folder


@pytest.fixture
def folder(left: Path, tmp_path: Path) -> Path:
    """Return a copy of it that a test may change."""
    return Path(shutil.copytree(left, tmp_path / "checkpoints"))


def same_bits(a: TrialResult, b: TrialResult) -> bool:
    curves = list(a.history) == list(b.history) and all(np.array_equal(a.history[x], b.history[x]) for x in a.history)
    return a.metrics == b.metrics and curves and np.array_equal(a.predicted, b.predicted)


def test_a_killed_trial_goes_on_to_the_bits_of_an_undisturbed_one(
    pool: MortalWorker, task: TrialTask, undisturbed: TrialResult, folder: Path
) -> None:
    result = train(pool, replace(task, checkpoints=folder))
    [said] = pool.said
    done = int(said.removeprefix("plain seed 3: goes on after epoch ").partition(" ")[0])
    assert 4 <= done < EPOCHS
    assert same_bits(result, undisturbed)
    # Who prunes hears of every epoch, of those before the kill again.
    assert pool.epochs == list(range(1, EPOCHS + 1))


def test_a_trial_that_is_killed_twice_goes_on_twice(
    pool: MortalWorker, task: TrialTask, undisturbed: TrialResult, folder: Path
) -> None:
    checkpointed = replace(task, checkpoints=folder)
    pool.kill_after(10, run_trial, checkpointed, checkpoint_seconds=0.0)
    assert same_bits(train(pool, checkpointed), undisturbed)
    assert "goes on after epoch" in pool.said[0]
    assert len(list((folder / KEY).iterdir())) == 2, "one card and its arrays, and nothing of the checkpoints before"


def arrays_of(home: Path) -> Path:
    """Return the file that the card names: a kill may have left that of the checkpoint before, or after, beside it."""
    return home / str(json.loads((home / "checkpoint.json").read_text())["arrays"])


def cut_arrays(home: Path) -> None:
    arrays = arrays_of(home)
    arrays.write_bytes(arrays.read_bytes()[:-100])


def lose_arrays(home: Path) -> None:
    arrays_of(home).unlink()


def cut_card(home: Path) -> None:
    card = home / "checkpoint.json"
    card.write_text(card.read_text()[:200])


def change(old: str, new: str) -> Callable[[Path], None]:
    def changed(home: Path) -> None:
        card = home / "checkpoint.json"
        assert old in card.read_text()
        card.write_text(card.read_text().replace(old, new))

    return changed


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (cut_arrays, "is not what was written"),
        (lose_arrays, "its arrays are missing"),
        (cut_card, "checkpoint.json cannot be read"),
        (change(KEY, "fedcba9876543210"), "it is of trial fedcba9876543210"),
    ],
)
def test_a_checkpoint_that_cannot_be_used_is_set_aside_and_the_trial_begins_anew(
    pool: MortalWorker,
    task: TrialTask,
    undisturbed: TrialResult,
    folder: Path,
    damage: Callable[[Path], None],
    reason: str,
) -> None:
    damage(folder / KEY)
    assert same_bits(train(pool, replace(task, checkpoints=folder)), undisturbed)
    [said] = pool.said
    assert said.startswith("plain seed 3: its checkpoint cannot be used (")
    assert reason in said
    assert (folder / f"{KEY}.damaged" / "checkpoint.json").is_file()


def test_a_checkpoint_of_another_model_is_set_aside(pool: MortalWorker, task: TrialTask, folder: Path) -> None:
    train(pool, replace(task, checkpoints=folder, setting={"batch_norm": False}))
    assert "it is of another model" in pool.said[0]


def test_a_folder_that_cannot_be_written_costs_the_trial_nothing(
    pool: MortalWorker, task: TrialTask, undisturbed: TrialResult, tmp_path: Path
) -> None:
    (tmp_path / "checkpoints").write_text("a file where the folder should be")
    assert same_bits(train(pool, replace(task, checkpoints=tmp_path / "checkpoints")), undisturbed)
    [said] = pool.said
    assert "its checkpoint cannot be written (" in said


def test_a_short_trial_has_none(pool: MortalWorker, task: TrialTask, tmp_path: Path) -> None:
    checkpointed = replace(task, checkpoints=tmp_path / "checkpoints")
    pool.call(run_trial, checkpointed)
    assert not (tmp_path / "checkpoints").exists()
