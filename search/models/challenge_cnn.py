"""Three convolutional blocks with batch normalisation and dropout: the network of the traffic-sign challenge."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from search.models.activations import ACTIVATIONS
from search.models.dropout import Dropout
from search.models.optimizers import declared_optimizer

BLOCKS = ((32, 5, 0.25), (64, 5, 0.5), (128, 3, 0.5))
"""Filters, kernel side and dropout rate of each block."""


def build(hp: Any, *, input_shape: Sequence[int], classes: int) -> keras.Model:
    """Return the compiled model that the values in `hp` describe.

    Each block is Conv valid, batch norm, activation, MaxPool 2, dropout; then Flatten, Dense softmax. For 28x28x3
    inputs the blocks end in 12x12x32, 4x4x64 and 1x1x128. The learning rate of 0.05 is as its source printed it.

    Args:
        hp: Keras Tuner hyperparameters.
        input_shape: height, width and channels of an image as the model sees it.
        classes: number of classes.
    """
    activation = hp.Choice("activation", ACTIVATIONS, default="elu")
    bias = keras.initializers.TruncatedNormal(
        mean=hp.Float("bias_mean", -1.0, 1.0, default=0.05),
        stddev=hp.Float("bias_stddev", 0.0, 1.0, default=0.01),
    )
    x = inputs = keras.Input(tuple(input_shape), name="image")
    for number, (filters, side, rate) in enumerate(BLOCKS, start=1):
        x = layers.Conv2D(filters, side, bias_initializer=bias.clone(), name=f"conv{number}")(x)
        x = layers.BatchNormalization(name=f"norm{number}")(x)
        x = layers.Activation(activation, name=f"activation{number}")(x)
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
        x = Dropout(hp.Float(f"rate{number}", 0.0, 0.999, default=rate), name=f"dropout{number}")(x)
    outputs = layers.Dense(classes, activation="softmax", name="classes")(layers.Flatten(name="flatten")(x))

    model = keras.Model(inputs, outputs, name="challenge_cnn")
    model.compile(optimizer=declared_optimizer(hp, learning_rate=0.05), loss="sparse_categorical_crossentropy")
    return model
