"""Dense layers with a shortcut from the input to the last of them: a regression."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from search.models.activations import ACTIVATIONS
from search.models.optimizers import declared_optimizer


def build(hp: Any, *, input_shape: Sequence[int]) -> keras.Model:
    """Return the compiled model that the values in `hp` describe: one number for each input, by mean squared error.

    Dense 64, Dense 32, the input joined to its 32 outputs unless `shortcut` is false, Dense 1 without an activation.

    Args:
        hp: Keras Tuner hyperparameters.
        input_shape: number of features, as a shape of length 1.
    """
    activation = hp.Choice("activation", ACTIVATIONS, default="relu")
    inputs = keras.Input(tuple(input_shape), name="features")
    x = layers.Dense(64, activation=activation, name="dense1")(inputs)
    x = layers.Dense(32, activation=activation, name="dense2")(x)
    if hp.Boolean("shortcut", default=True):
        x = layers.Concatenate(name="shortcut")([inputs, x])
    outputs = layers.Dense(1, name="value")(x)

    model = keras.Model(inputs, outputs, name="dense_shortcut")
    model.compile(optimizer=declared_optimizer(hp), loss="mean_squared_error")
    return model
