"""Vectors with numbers as targets: a loss, no accuracy, and the numbers that are predicted."""

from collections.abc import Mapping

import keras
import numpy as np
import pytest

from search.models.hypermodel import HyperModel
from search.train.batches import on_device
from search.train.engine import train
from search.train.parts import Parts
from search.train.program import Program
from studies.spec import TrainingSpec

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3)).astype(np.float32)
Y = (X @ np.array([1.0, -2.0, 0.5]) + 3).astype(np.float32)
PARTS = Parts(on_device(X[:80], Y[:80]), on_device(X[80:100], Y[80:100]), on_device(X[100:], Y[100:]))
TRAINING = TrainingSpec(epochs=60, batch_size=16)


def program(pixels: str = "unit") -> Program:
    model = HyperModel("dense_shortcut", (3,), 1)
    return Program(lambda seed: model.build({}, seed), TRAINING, PARTS.train, pixels)  # type: ignore[arg-type]


def go_on(epoch: int, values: Mapping[str, float]) -> bool:
    return False


def test_a_regression_learns_and_has_losses_only() -> None:
    made = program()
    [result] = train(made, TRAINING, PARTS, [1], go_on)
    assert list(result.metrics) == list(result.history) == ["train_loss", "validation_loss", "test_loss"]
    assert result.metrics["test_loss"] < 0.1 * Y.var()
    assert result.correct is None
    assert result.predicted.dtype == np.float32
    assert result.metrics["test_loss"] == pytest.approx(np.square(result.predicted - Y[100:]).mean(), rel=1e-4)
    assert made.model.evaluate(X[100:], Y[100:], verbose=0) == pytest.approx(result.metrics["test_loss"], rel=1e-4)


def test_vectors_are_not_scaled_to_the_range_of_pixels() -> None:
    a, b = (next(train(program(pixels), TRAINING, PARTS, [1], go_on)) for pixels in ("unit", "centred"))
    assert a.metrics == b.metrics


def test_a_model_with_several_outputs_is_none_for_one_number() -> None:
    def build(seed: int) -> keras.Model:
        inputs = keras.Input((3,))
        model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
        model.compile(optimizer="sgd", loss="mean_squared_error")
        return model

    with pytest.raises(ValueError, match=r"one output for each example. Received: \(None, 2\)"):
        Program(build, TRAINING, PARTS.train)
