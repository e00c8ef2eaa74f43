"""Two strided convolutions and a classifier, nothing between them: what batch normalisation and dropout improve on."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from search.models.activations import ACTIVATIONS
from search.models.optimizers import declared_optimizer


def build(hp: Any, *, input_shape: Sequence[int], classes: int) -> keras.Model:
    """Return the compiled model that the values in `hp` describe.

    Conv 10 4x4 and Conv 20 3x3, both of stride 2 and padding "same"; Flatten; Dense softmax. Without activations, as
    published, it is a linear classifier. For 32x32x3 inputs the shapes are 16x16x10, 8x8x20, 1280, classes.

    Args:
        hp: Keras Tuner hyperparameters.
        input_shape: height, width and channels of an image as the model sees it.
        classes: number of classes.
    """
    activation = hp.Choice("activation", ACTIVATIONS, default="linear")
    inputs = keras.Input(tuple(input_shape), name="image")
    x = layers.Conv2D(10, 4, strides=2, padding="same", activation=activation, name="conv1")(inputs)
    x = layers.Conv2D(20, 3, strides=2, padding="same", activation=activation, name="conv2")(x)
    outputs = layers.Dense(classes, activation="softmax", name="classes")(layers.Flatten(name="flatten")(x))

    model = keras.Model(inputs, outputs, name="naive_convnet")
    model.compile(optimizer=declared_optimizer(hp, learning_rate=2e-4), loss="sparse_categorical_crossentropy")
    return model
