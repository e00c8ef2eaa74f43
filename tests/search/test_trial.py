"""The worker's side of a trial: what it measures, what it never meets, and that it can be told to stop."""

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from search import progress
from search.backends import start_worker
from search.data.images import Images
from search.data.stored import PreparedData, describe, store
from search.executors import LocalExecutor
from search.progress import EpochDone
from search.train.result import TrialPrunedError
from search.trial import (
    TrialFailedError,
    TrialTask,
    declared_by,
    describe_model,
    run_trial,
    seconds_per_epoch,
)
from studies.data import DataSpec, ValidationSpec
from studies.errors import InputError
from studies.spec import AugmentationSpec, TrainingSpec

RNG = np.random.default_rng(0)
HELD = DataSpec(validation=ValidationSpec(fraction=0.25))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    x, y = RNG.integers(0, 256, (120, 18, 18, 1)).astype(np.uint8), RNG.integers(0, 2, 120).astype(np.int32)
    images = Images(x[:80], y[:80], x[80:], y[80:], ("a", "b"))
    described = describe(images, "noise", tmp_path_factory.mktemp("data"))
    store(images, described)
    return described


@pytest.fixture(scope="module")
def task(data: PreparedData) -> TrialTask:
    return TrialTask(
        key="k",
        arm="plain",
        setting={},
        seed=1,
        model="two_block_cnn",
        training=TrainingSpec(epochs=3, batch_size=16),
        data=data,
        data_spec=HELD,
    )


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[EpochDone]:
    seen: list[EpochDone] = []
    monkeypatch.setattr(progress, "send", seen.append)
    return seen


def test_a_trial_is_measured_on_each_part_after_each_epoch(task: TrialTask) -> None:
    result = run_trial(task).result
    names = [f"{part}_{measure}" for part in ("train", "validation", "test") for measure in ("accuracy", "loss")]
    assert list(result.history) == list(result.metrics) == names
    assert {len(curve) for curve in result.history.values()} == {3}
    assert len(result.predicted) == task.data.n_test
    assert result.model is None


def test_a_trial_that_chooses_never_meets_the_test_set(task: TrialTask, events: list[EpochDone]) -> None:
    result = run_trial(replace(task, scored_on="validation", watched=True)).result
    assert not [name for name in [*result.metrics, *result.history, *events[0].scores] if name.startswith("test")]
    assert len(result.predicted) == task.data.n_train // 4
    assert result.correct is not None
    assert result.metrics["validation_accuracy"] == pytest.approx(result.correct.mean(), abs=1e-6)


def test_what_a_trial_learns_does_not_depend_on_what_it_is_scored_on(task: TrialTask) -> None:
    on_test, on_validation = run_trial(task).result, run_trial(replace(task, scored_on="validation")).result
    for name, curve in on_validation.history.items():
        assert np.array_equal(curve, on_test.history[name])


def test_watched_trials_report_every_epoch_with_its_scores(task: TrialTask, events: list[EpochDone]) -> None:
    result = run_trial(replace(task, watched=True)).result
    assert [event.epoch for event in events] == [1, 2, 3]
    assert [event.scores["validation_loss"] for event in events] == result.history["validation_loss"].tolist()
    assert all(event.key == "k" and event.images_per_second > 0 for event in events)


def test_a_trial_that_is_not_watched_cannot_be_stopped(task: TrialTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "stop_asked", lambda key: True)
    assert len(run_trial(task).result.history["train_loss"]) == 3
    with pytest.raises(TrialPrunedError, match="after 1 epochs"):
        run_trial(replace(task, watched=True))


def test_trials_of_other_folds_and_seeds_share_a_program_and_others_do_not(task: TrialTask) -> None:
    assert replace(task, seed=2, fold=1).program == task.program
    centred = replace(task, data_spec=DataSpec(range="centred"))
    augmented = replace(task, training=TrainingSpec(epochs=3, batch_size=16, augmentation=AugmentationSpec(shift=0.1)))
    assert len({task.program, centred.program, augmented.program}) == 3


def test_the_time_of_an_epoch_grows_with_the_images(task: TrialTask) -> None:
    larger = replace(task.data, n_train=task.data.n_train * 1000)
    assert seconds_per_epoch(replace(task, data=larger)) > 20 * seconds_per_epoch(task) > 0


def test_what_a_model_declares_is_found_and_what_cannot_be_built_is_an_input_error() -> None:
    names = {parameter.name for parameter in declared_by("two_block_cnn", (28, 28, 3), 10)}
    assert {"placement", "rate", "learning_rate"} <= names
    with pytest.raises(InputError, match=r"`study.model` 'two_block_cnn' cannot be built"):
        declared_by("two_block_cnn", (4, 4, 3), 10)


def test_a_loss_that_is_no_number_fails_the_trial(task: TrialTask) -> None:
    with pytest.raises(TrialFailedError) as caught:
        run_trial(replace(task, setting={"optimizer": "sgd", "learning_rate": 10.0, "activation": "linear"}))
    assert "in epoch" in caught.value.reason


@pytest.fixture
def executor() -> Iterator[tuple[LocalExecutor, list[EpochDone]]]:
    seen: list[EpochDone] = []
    made = LocalExecutor(1, 100, start_worker, seen.append)
    yield made, seen
    made.shutdown(cancel_futures=True)


def test_a_trial_in_another_process_is_pruned_and_its_worker_goes_on(
    task: TrialTask, executor: tuple[LocalExecutor, list[EpochDone]]
) -> None:
    pool, seen = executor
    endless = replace(task, training=TrainingSpec(epochs=100_000, batch_size=16), watched=True)
    future = pool.submit(run_trial, endless)
    deadline = time.monotonic() + 120
    while len(seen) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    pool.prune(future)
    error = future.exception(timeout=30)
    assert isinstance(error, TrialPrunedError)
    assert len(error.history["validation_loss"]) >= 3
    assert error.history["validation_loss"].tolist() == [event.scores["validation_loss"] for event in seen]
    assert len(pool.submit(run_trial, task).result(timeout=120).result.history["train_loss"]) == 3


def test_asking_costs_microseconds(executor: tuple[LocalExecutor, list[EpochDone]]) -> None:
    pool, _ = executor
    assert pool.submit(seconds_of_a_question).result() < 200e-6


def seconds_of_a_question() -> float:
    progress.stop_asked()
    clock = time.process_time()
    for _ in range(1000):
        progress.stop_asked()
    return (time.process_time() - clock) / 1000


def test_the_summary_of_a_model_has_its_parameters_however_narrow_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    summary = describe_model("two_block_cnn", "original", {}, (28, 28, 3), 43).summary
    for expected in ("Param #", "2,432", "51,264", "44,075"):
        assert expected in summary
