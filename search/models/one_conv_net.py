"""One wide convolution and a dense head: the flattest network of the CIFAR-100 architecture ablation."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from search.models.dense_head import with_head


def build(hp: Any, *, input_shape: Sequence[int], classes: int) -> keras.Model:
    """Return the compiled model that the values in `hp` describe.

    One block as in `vgg_small`: Conv 256 3x3 same with ReLU, batch norm, MaxPool 2; Flatten; the head of `dense_head`.
    For 32x32x3 inputs that leaves 65536 features, and the first dense layer has 33.5 of 33.6 million parameters.

    Args:
        hp: Keras Tuner hyperparameters.
        input_shape: height, width and channels of an image as the model sees it.
        classes: number of classes.
    """
    inputs = keras.Input(tuple(input_shape), name="image")
    x = layers.Conv2D(256, 3, padding="same", activation="relu", name="conv")(inputs)
    x = layers.MaxPooling2D(2, name="pool")(layers.BatchNormalization(name="norm")(x))
    features = layers.Flatten(name="flatten")(x)
    return with_head(hp, inputs=inputs, features=features, classes=classes, name="one_conv_net")
