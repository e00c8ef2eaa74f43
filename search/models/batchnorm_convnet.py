"""Four convolutions with batch normalisation, and dropout before the classifier."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from search.models.activations import ACTIVATIONS
from search.models.dropout import Dropout
from search.models.optimizers import declared_optimizer

CONVOLUTIONS = ((32, 1), (32, 2), (64, 1), (64, 2))
"""Filters and stride of each."""


def build(hp: Any, *, input_shape: Sequence[int], classes: int) -> keras.Model:
    """Return the compiled model that the values in `hp` describe.

    Four times Conv 3x3 same, batch norm, activation; Flatten; Dense 128, batch norm, activation, dropout; Dense
    softmax. For 32x32x3 inputs the shapes are 32x32x32, 16x16x32, 16x16x64, 8x8x64, 4096, 128, classes. Adam's learning
    rate is that of the code published with the book it is from (D. Foster, Generative Deep Learning, 2019, chapter 2).

    Args:
        hp: Keras Tuner hyperparameters.
        input_shape: height, width and channels of an image as the model sees it.
        classes: number of classes.
    """
    activation = hp.Choice("activation", ACTIVATIONS, default="leaky_relu")
    with hp.conditional_scope("activation", ["leaky_relu"]):
        # Keras's layer leaks 0.3, which the source used, and its function of the same name 0.2.
        slope = hp.Float("negative_slope", 0.0, 1.0, default=0.3)
    dropout = hp.Float("dropout", 0.0, 0.999, default=0.5)

    def normalised(x: Any, name: str) -> Any:
        x = layers.BatchNormalization(name=f"norm{name}")(x)
        if activation == "leaky_relu":
            return layers.LeakyReLU(slope, name=f"activation{name}")(x)
        return layers.Activation(activation, name=f"activation{name}")(x)

    x = inputs = keras.Input(tuple(input_shape), name="image")
    for number, (filters, stride) in enumerate(CONVOLUTIONS, start=1):
        x = normalised(layers.Conv2D(filters, 3, stride, padding="same", name=f"conv{number}")(x), str(number))
    x = normalised(layers.Dense(128, name="dense")(layers.Flatten(name="flatten")(x)), "_dense")
    outputs = layers.Dense(classes, activation="softmax", name="classes")(Dropout(dropout, name="dropout")(x))

    model = keras.Model(inputs, outputs, name="batchnorm_convnet")
    model.compile(optimizer=declared_optimizer(hp, learning_rate=5e-4), loss="sparse_categorical_crossentropy")
    return model
