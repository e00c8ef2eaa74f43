"""Ten convolutions in four blocks and a dense head: the base of the CIFAR-100 architecture ablation.

It comes apart at Flatten: a trained base is frozen by computing its features once, and `dense_head` learns from them.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from search.models.dense_head import with_head

BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3))
"""Filters and number of convolutions of each block."""
EXTRA_BLOCK = BLOCKS[-1]


def build(hp: Any, *, input_shape: Sequence[int], classes: int) -> keras.Model:
    """Return the compiled model that the values in `hp` describe: `build_base`, and the head of `dense_head` on it.

    Args:
        hp: Keras Tuner hyperparameters.
        input_shape: height, width and channels of an image as the model sees it.
        classes: number of classes.
    """
    base = build_base(hp, input_shape=input_shape)
    return with_head(hp, inputs=base.input, features=base.output, classes=classes, name="vgg_small")


def build_base(hp: Any, *, input_shape: Sequence[int]) -> keras.Model:
    """Return the convolutional part, not compiled, from an image to its features.

    Each block is two or three convolutions 3x3 same with ReLU, batch norm, MaxPool 2; then Flatten. For 32x32x3 inputs
    the blocks end in 16x16x64, 8x8x128, 4x4x256 and 2x2x512, which is 2048 features; one more block of 512 leaves 512.

    Args:
        hp: Keras Tuner hyperparameters.
        input_shape: height, width and channels of an image as the model sees it.
    """
    blocks = (*BLOCKS, EXTRA_BLOCK) if hp.Boolean("extra_block", default=False) else BLOCKS
    x = inputs = keras.Input(tuple(input_shape), name="image")
    for number, (filters, convolutions) in enumerate(blocks, start=1):
        for part in range(1, convolutions + 1):
            name = f"conv{number}_{part}"
            x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
        x = layers.BatchNormalization(name=f"norm{number}")(x)
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    return keras.Model(inputs, layers.Flatten(name="flatten")(x), name="vgg_small_base")
