"""Early stopping: held against Keras's own callback, and what is left of a training that ended early."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import pytest

from search.models.hypermodel import HyperModel
from search.train.batches import on_device
from search.train.engine import train
from search.train.parts import Parts
from search.train.program import Program
from search.train.result import TrialPrunedError, TrialResult
from search.train.stopping import EarlyStopping
from studies.spec import TrainingSpec
from studies.training import EarlyStoppingSpec

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (90, 16, 16, 1)).astype(np.uint8)
LABELS = RNG.integers(0, 2, 90).astype(np.int32)
DATA = on_device(IMAGES, LABELS)
PARTS = Parts(DATA.part(np.arange(50)), DATA.part(np.arange(50, 70)), DATA.part(np.arange(70, 90)))
OVERFITTING = TrainingSpec(
    epochs=30,
    batch_size=10,
    early_stopping=EarlyStoppingSpec(patience=3),
)


class Weights:
    """A model of one weight, for both to save and restore."""

    def __init__(self) -> None:
        self.stop_training = False
        self.weights = [np.array(0.0)]

    def get_weights(self) -> list[np.ndarray]:
        return [weight.copy() for weight in self.weights]

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        self.weights = list(weights)


def with_keras(values: Sequence[float], spec: EarlyStoppingSpec) -> tuple[int, float]:
    """Return the epochs that Keras trains, and the epoch whose weights it leaves."""
    callback = keras.callbacks.EarlyStopping(
        monitor=spec.metric,
        mode="max" if spec.metric.endswith("accuracy") else "min",
        patience=spec.patience,
        min_delta=spec.min_delta,
        restore_best_weights=spec.restore_best,
    )
    model: Any = Weights()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.weights = [np.array(float(epoch))]
        callback.on_epoch_end(epoch, {spec.metric: value})
        if model.stop_training:
            break
    callback.on_train_end()
    return epoch + 1, float(model.weights[0])


def with_ours(values: Sequence[float], spec: EarlyStoppingSpec) -> tuple[int, float]:
    model = Weights()
    stopping = EarlyStopping(spec, model)
    for epoch, value in enumerate(values):
        model.weights = [np.array(float(epoch))]
        if stopping.is_over({spec.metric: value}):
            break
    stopping.restore()
    return epoch + 1, float(model.weights[0])


@pytest.mark.parametrize("restore_best", [True, False])
@pytest.mark.parametrize("min_delta", [0.0, 0.05])
@pytest.mark.parametrize("patience", [1, 3])
@pytest.mark.parametrize("metric", ["validation_loss", "validation_accuracy"])
def test_it_ends_where_keras_ends_and_restores_what_keras_restores(
    metric: Any, patience: int, min_delta: float, restore_best: bool
) -> None:
    spec = EarlyStoppingSpec(metric=metric, patience=patience, min_delta=min_delta, restore_best=restore_best)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        values = (np.linspace(0.5, 0.3, 12) + 0.1 * rng.random(12)).round(2).tolist()
        assert with_ours(values, spec) == with_keras(values, spec), values


def go_on(epoch: int, values: Mapping[str, float]) -> bool:
    return False


def trained(training: TrainingSpec, on_epoch: Any = go_on) -> TrialResult:
    model = HyperModel("two_block_cnn", (16, 16, 1), 2)
    program = Program(lambda seed: model.build({"learning_rate": 0.003}, seed), training, DATA)
    [result] = train(program, training, PARTS, [1], on_epoch)
    return result


def test_a_training_that_overfits_ends_early_and_is_scored_as_it_was_best() -> None:
    whole = trained(OVERFITTING.model_copy(update={"early_stopping": None}))
    stopped = trained(OVERFITTING)
    losses = stopped.history["validation_loss"]
    assert len(losses) < 30
    assert np.array_equal(losses, whole.history["validation_loss"][: len(losses)])
    assert {len(curve) for curve in stopped.history.values()} == {len(losses)}
    best = len(losses) - 1 - 3
    assert losses.argmin() == best
    for metric in ("validation_loss", "validation_accuracy", "test_loss", "test_accuracy"):
        assert stopped.metrics[metric] == stopped.history[metric][best]
    assert stopped.correct is not None
    assert stopped.metrics["test_accuracy"] == pytest.approx(stopped.correct.mean(), abs=1e-6)


def test_without_restoring_it_is_scored_as_it_ended() -> None:
    stopping = EarlyStoppingSpec(patience=3, restore_best=False)
    result = trained(OVERFITTING.model_copy(update={"early_stopping": stopping}))
    assert result.metrics["test_loss"] == result.history["test_loss"][-1]
    assert result.metrics["test_loss"] > result.history["test_loss"][-4]


def test_a_pruned_trial_brings_its_history_so_far() -> None:
    with pytest.raises(TrialPrunedError, match="pruned after 2 epochs") as caught:
        trained(OVERFITTING, lambda epoch, values: epoch == 2)
    assert {name: len(curve) for name, curve in caught.value.history.items()} == {
        f"{part}_{measure}": 2 for part in ("train", "validation", "test") for measure in ("accuracy", "loss")
    }
    assert caught.value.cost.seconds > 0


def test_a_trial_pruned_in_its_last_epoch_is_complete() -> None:
    training = TrainingSpec(epochs=2, batch_size=10)
    result = trained(training, lambda epoch, values: epoch == 2)
    assert len(result.history["train_loss"]) == 2
