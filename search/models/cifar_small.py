"""Up to three small convolutions on a small sample: how depth, pooling and dropout change what a network can hold."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from search.models.activations import ACTIVATIONS
from search.models.dropout import Dropout
from search.models.optimizers import declared_optimizer


def build(hp: Any, *, input_shape: Sequence[int], classes: int) -> keras.Model:
    """Return the compiled model that the values in `hp` describe.

    Convolutions 3x3 valid of 32 filters, MaxPool 2 after the first and the second; dropout after the last; Flatten;
    Dense 32; Dense, whose outputs are logits. The published variants are these settings:

    - small: the defaults
    - deeper: `convolutions: 3`
    - deeper with dropout: `convolutions: 3, dropout: 0.2`
    - no pooling: `pooling: false, dense_units: 0`
    - dense only: `convolutions: 0, dense_units: 100`

    Args:
        hp: Keras Tuner hyperparameters.
        input_shape: height, width and channels of an image as the model sees it.
        classes: number of classes.
    """
    convolutions = hp.Int("convolutions", 0, 3, default=2)
    with hp.conditional_scope("convolutions", [1, 2, 3]):
        pooling = hp.Boolean("pooling", default=True)
        dropout = hp.Float("dropout", 0.0, 0.999, default=0.0)
    dense_units = hp.Int("dense_units", 0, 4096, default=32)
    activation = hp.Choice("activation", ACTIVATIONS, default="relu")

    x = inputs = keras.Input(tuple(input_shape), name="image")
    for number in range(1, convolutions + 1):
        x = layers.Conv2D(32, 3, activation=activation, name=f"conv{number}")(x)
        if pooling and number < 3:
            x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    if dropout:
        x = Dropout(dropout, name="dropout")(x)
    x = layers.Flatten(name="flatten")(x)
    if dense_units:
        x = layers.Dense(dense_units, activation=activation, name="dense")(x)
    outputs = layers.Dense(classes, name="logits")(x)

    model = keras.Model(inputs, outputs, name="cifar_small")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=declared_optimizer(hp), loss=loss)
    return model
