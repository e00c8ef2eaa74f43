"""Three convolutions of three kinds of padding and size: the exercise in counting shapes."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from search.models.activations import ACTIVATIONS
from search.models.optimizers import declared_optimizer


def build(hp: Any, *, input_shape: Sequence[int], classes: int) -> keras.Model:
    """Return the compiled model that the values in `hp` describe.

    Conv 16 5x5 valid, MaxPool 2, Conv 8 3x3 same, MaxPool 2, Conv 4 3x3 valid, Flatten, Dense 50, Dense softmax. For
    32x32x3 inputs the shapes are 28x28x16, 14x14x16, 14x14x8, 7x7x8, 5x5x4, 100, 50, classes.

    Args:
        hp: Keras Tuner hyperparameters.
        input_shape: height, width and channels of an image as the model sees it.
        classes: number of classes.
    """
    activation = hp.Choice("activation", ACTIVATIONS, default="relu")
    inputs = keras.Input(tuple(input_shape), name="image")
    x = layers.Conv2D(16, 5, activation=activation, name="conv1")(inputs)
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = layers.Conv2D(8, 3, padding="same", activation=activation, name="conv2")(x)
    x = layers.MaxPooling2D(2, name="pool2")(x)
    x = layers.Conv2D(4, 3, activation=activation, name="conv3")(x)
    x = layers.Dense(50, activation=activation, name="dense")(layers.Flatten(name="flatten")(x))
    outputs = layers.Dense(classes, activation="softmax", name="classes")(x)

    model = keras.Model(inputs, outputs, name="dimension_check")
    model.compile(optimizer=declared_optimizer(hp), loss="sparse_categorical_crossentropy")
    return model
