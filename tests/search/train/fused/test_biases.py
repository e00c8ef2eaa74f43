"""A bias is left out of training only where no value of it could change what is trained."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from search.models.hypermodel import HyperModel
from search.train.fused.biases import cancelled_biases
from search.train.fused.skeleton import skeleton_of

IMAGES = np.random.default_rng(0).normal(size=(8, 12, 12, 3)).astype(np.float32)


def network(*between: Any, before: Any = None) -> keras.Model:
    """Return a network with `between` after a convolution."""
    x = inputs = keras.Input((12, 12, 3))
    for layer in (before or layers.Conv2D(4, 3, name="conv"), *between, layers.Flatten(), layers.Dense(2, name="end")):
        x = layer(x)
    return keras.Model(inputs, x)


def two_takers() -> keras.Model:
    inputs = keras.Input((12, 12, 3))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    return keras.Model(inputs, layers.Add()([x, layers.BatchNormalization()(x)]))


def shown() -> keras.Model:
    inputs = keras.Input((12, 12, 3))
    x = layers.Conv2D(4, 3, name="conv")(inputs)
    return keras.Model(inputs, [x, layers.BatchNormalization()(x)])


def with_frozen_norm() -> keras.Model:
    norm = layers.BatchNormalization()
    norm.trainable = False
    return network(norm)


def paths(model: keras.Model) -> set[str]:
    return {model.trainable_variables[place].path for place in cancelled_biases(model)}


def shifted(model: keras.Model, place: int) -> float:
    """Return by how much the outputs in training change when the variable at `place` does."""
    before = np.asarray(model(IMAGES, training=True))
    variable = model.trainable_variables[place]
    variable.assign(variable + np.linspace(1.0, 3.0, variable.shape[-1], dtype=np.float32))
    return float(np.abs(np.asarray(model(IMAGES, training=True)) - before).max())


CANCELLED: dict[str, Callable[[], keras.Model]] = {
    "a convolution": lambda: network(layers.BatchNormalization()),
    "its axis by number": lambda: network(layers.BatchNormalization(axis=3)),
    "a dense layer": lambda: network(layers.BatchNormalization(), before=layers.Dense(4, name="conv")),
}


@pytest.mark.parametrize("build", CANCELLED.values(), ids=CANCELLED)
def test_a_bias_straight_before_a_batch_norm_is_found_and_changes_nothing(build: Callable[[], keras.Model]) -> None:
    model = build()
    assert paths(model) == {"conv/bias"}
    [place] = cancelled_biases(model)
    assert shifted(model, place) < 1e-4


NOT: dict[str, Callable[[], keras.Model]] = {
    "no batch norm": network,
    "an activation between": lambda: network(layers.ReLU(), layers.BatchNormalization()),
    "an activation in the layer": lambda: network(
        layers.BatchNormalization(), before=layers.Conv2D(4, 3, activation="elu", name="conv")
    ),
    "another axis": lambda: network(layers.BatchNormalization(axis=1)),
    "a norm that is frozen": with_frozen_norm,
    "a norm of each example": lambda: network(layers.LayerNormalization()),
    "another layer takes it too": two_takers,
    "the model returns it too": shown,
}


@pytest.mark.parametrize("build", NOT.values(), ids=NOT)
def test_any_other_bias_is_trained(build: Callable[[], keras.Model]) -> None:
    assert paths(build()) == set()


def test_a_bias_that_the_loss_looks_at_is_trained() -> None:
    decayed = layers.Conv2D(4, 3, bias_regularizer="l2", name="conv")
    assert paths(network(layers.BatchNormalization(), before=decayed)) == set()


def test_a_dropout_between_is_seen_where_it_was_lifted_out() -> None:
    model = network(layers.Dropout(0.5), layers.BatchNormalization())
    model.compile("sgd", "mse")
    skeleton = skeleton_of(model)
    assert paths(skeleton.with_dropouts(())) == {"conv/bias"}
    assert paths(skeleton.with_dropouts(skeleton.rates)) == set()


def test_the_layers_of_a_skeleton_count_as_joined_in_it_alone() -> None:
    built = HyperModel("two_block_cnn", (16, 16, 3), 4).build({"batch_norm": True, "placement": "after_flatten"}, 1)
    skeleton = skeleton_of(built)
    assert paths(skeleton.with_dropouts(skeleton.rates)) == {"conv1/bias", "conv2/bias"}
