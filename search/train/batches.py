"""A dataset that lives where the training runs, and the batches cut from it inside the graph.

Shapes: N images, B in a batch, H x W the stored image, h x w the image as the model sees it, C channels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from studies.spec import AugmentationSpec


@dataclass(frozen=True)
class Split:
    """One part of a dataset on the device."""

    images: Any
    """(N, H, W, C), uint8 or float32 in [0, 1]."""
    labels: Any
    """(N,) int32."""
    size: int


def on_device(images: np.ndarray, labels: np.ndarray) -> Split:
    """Copy one part of a dataset to the device, in the type it is stored in (a quarter of float32 for uint8)."""
    return Split(tf.constant(np.asarray(images)), tf.constant(np.asarray(labels), tf.int32), len(labels))


@dataclass(frozen=True)
class Crop:
    """Cuts h x w windows out of H x W images."""

    stored: tuple[int, int]
    seen: tuple[int, int]

    def centre(self, count: Any) -> Any:
        """Return (count, 2) offsets of the middle window."""
        middle = [(stored - seen) // 2 for stored, seen in zip(self.stored, self.seen, strict=True)]
        return tf.tile(tf.constant([middle], tf.int32), [count, 1])

    def random(self, count: int, seed: Any) -> Any:
        """Return (count, 2) offsets, each uniform over all windows that fit."""
        room = [stored - seen + 1 for stored, seen in zip(self.stored, self.seen, strict=True)]
        columns = [
            tf.random.stateless_uniform([count], seed + tf.constant([0, axis], seed.dtype), 0, high, tf.int32)
            for axis, high in enumerate(room)
        ]
        return tf.stack(columns, axis=1)

    def take(self, images: Any, rows: Any, offsets: Any) -> Any:
        """Return (B, h, w, C): the windows at `offsets` (B, 2) of the images at `rows` (B,), in one gather."""
        if self.stored == self.seen:
            return tf.gather(images, rows)
        # One index per pixel into the flat list of pixels: a third of the time of a gather_nd over (row, y, x).
        (stored_height, stored_width), (height, width) = self.stored, self.seen
        corners = (rows * stored_height + offsets[:, 0]) * stored_width + offsets[:, 1]
        window = tf.range(height)[:, None] * stored_width + tf.range(width)[None, :]
        return tf.gather(tf.reshape(images, [-1, images.shape[-1]]), corners[:, None, None] + window)


def crop_for(images: Split, augmentation: AugmentationSpec) -> Crop:
    """Return how `images` are cut for the model."""
    height, width = images.images.shape[1:3]
    side = augmentation.crop
    return Crop((height, width), (side, side) if side else (height, width))


def as_float(images: Any) -> Any:
    """Return `images` as float32 in [0, 1]."""
    if images.dtype == tf.uint8:
        return tf.cast(images, tf.float32) * np.float32(1 / 255)
    return tf.cast(images, tf.float32)
