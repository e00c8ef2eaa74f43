"""Three convolutions and a dense head: the plain start of the CIFAR-100 architecture ablation."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from search.models.dense_head import with_head


def build(hp: Any, *, input_shape: Sequence[int], classes: int) -> keras.Model:
    """Return the compiled model that the values in `hp` describe.

    Convolutions 3x3 same of 32, 64 and 128 filters with ReLU, MaxPool 2 after each; Flatten; the head of `dense_head`.
    Its source names the convolutions and the Dense 512 only; with these poolings 32x32x3 inputs give 2048 features, as
    many as the other networks of the ablation have.

    Args:
        hp: Keras Tuner hyperparameters.
        input_shape: height, width and channels of an image as the model sees it.
        classes: number of classes.
    """
    x = inputs = keras.Input(tuple(input_shape), name="image")
    for number, filters in enumerate((32, 64, 128), start=1):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv{number}")(x)
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    features = layers.Flatten(name="flatten")(x)
    return with_head(hp, inputs=inputs, features=features, classes=classes, name="three_conv_net")
