"""Six convolutions and three dense layers, without regularisation: the example of overfitting."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from search.models.activations import ACTIVATIONS
from search.models.optimizers import declared_optimizer

FILTERS = (64, 64, 32, 32, 16, 16)


def build(hp: Any, *, input_shape: Sequence[int], classes: int) -> keras.Model:
    """Return the compiled model that the values in `hp` describe.

    Convolutions 3x3 same in pairs of 64, 32 and 16 filters, MaxPool 2 between the pairs; Flatten; Dense 512, Dense 64,
    Dense softmax. For 32x32x3 inputs the pairs end in 32x32x64, 16x16x32 and 8x8x16.

    Args:
        hp: Keras Tuner hyperparameters.
        input_shape: height, width and channels of an image as the model sees it.
        classes: number of classes.
    """
    activation = hp.Choice("activation", ACTIVATIONS, default="relu")
    x = inputs = keras.Input(tuple(input_shape), name="image")
    for number, filters in enumerate(FILTERS, start=1):
        x = layers.Conv2D(filters, 3, padding="same", activation=activation, name=f"conv{number}")(x)
        if number in {2, 4}:
            x = layers.MaxPooling2D(2, name=f"pool{number // 2}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(512, activation=activation, name="dense1")(x)
    x = layers.Dense(64, activation=activation, name="dense2")(x)
    outputs = layers.Dense(classes, activation="softmax", name="classes")(x)

    model = keras.Model(inputs, outputs, name="six_conv")
    optimizer = declared_optimizer(hp, default="sgd", learning_rate=0.001, momentum=0.5)
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy")
    return model
