"""A dataset that lives where the training runs, and the batches cut from it inside the graph.

Shapes: N examples, B in a batch, H x W the stored image, h x w the image as the model sees it, C channels. What is
said of images holds of vectors (N, F) too; these are never cut and never scaled.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from studies.spec import AugmentationSpec


@dataclass(frozen=True)
class Split:
    """One part of a dataset on the device: some rows of arrays that other parts may share."""

    images: Any
    """(M, H, W, C), uint8 or float32 in [0, 1]; or (M, F) float32."""
    labels: Any
    """(M,) int32 classes, or float32 targets."""
    rows: Any
    """(N,) int32: which of the M are in this part."""
    size: int
    """N."""

    def part(self, rows: np.ndarray) -> "Split":
        """Return the part that has only the examples at `rows` (N',) of the M; nothing is copied."""
        return replace(self, rows=tf.constant(rows, tf.int32), size=len(rows))

    def own_labels(self) -> np.ndarray:
        """Return the (N,) labels of the examples in this part."""
        labels: np.ndarray = tf.gather(self.labels, self.rows).numpy()
        return labels


def on_device(images: np.ndarray, labels: np.ndarray) -> Split:
    """Copy one part of a dataset to the device, in the type it is stored in (a quarter of float32 for uint8)."""
    kind = tf.float32 if labels.dtype.kind == "f" else tf.int32
    return Split(
        tf.constant(np.asarray(images)),
        tf.constant(np.asarray(labels), kind),
        tf.range(len(labels)),
        len(labels),
    )


@dataclass(frozen=True)
class Crop:
    """Cuts h x w windows out of H x W images."""

    stored: tuple[int, ...]
    seen: tuple[int, ...]

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

    def take(self, images: Any, rows: Any, offsets: Any, mirrored: Any = None) -> Any:
        """Return (B, h, w, C): the windows at `offsets` (B, 2) of the images at `rows` (B,), in one gather.

        Args:
            images: (M, H, W, C).
            rows: (B,) which of them.
            offsets: (B, 2) top and left of each window.
            mirrored: (B, 2) whether each window is turned upside down, and left to right; None: none is.
        """
        if self.stored == self.seen and mirrored is None:
            return tf.gather(images, rows)
        # One index per pixel into the flat list of pixels: a third of the time of a gather_nd over (row, y, x), and
        # half of that of tf.reverse and tf.where where windows are mirrored.
        (stored_height, stored_width), (height, width) = self.stored, self.seen
        corners = (rows * stored_height + offsets[:, 0]) * stored_width + offsets[:, 1]
        if mirrored is None:
            window = tf.range(height)[:, None] * stored_width + tf.range(width)[None, :]
        else:
            y, x = (_from_either_end(side, mirrored[:, axis]) for axis, side in enumerate(self.seen))
            window = y[:, :, None] * stored_width + x[:, None, :]
        return tf.gather(tf.reshape(images, [-1, images.shape[-1]]), corners[:, None, None] + window)


def _from_either_end(count: int, backwards: Any) -> Any:
    """Return (B, count): 0, 1, ..., or from the end where `backwards` (B,) says so."""
    forwards = tf.range(count)[None, :]
    return tf.where(backwards[:, None], count - 1 - forwards, forwards)


def crop_for(images: Split, augmentation: AugmentationSpec) -> Crop:
    """Return how `images` are cut for the model."""
    if len(images.images.shape) == 2:
        length = images.images.shape[1]
        return Crop((length,), (length,))
    height, width = images.images.shape[1:3]
    side = augmentation.crop
    return Crop((height, width), (side, side) if side else (height, width))


def as_float(images: Any) -> Any:
    """Return `images` as float32 in [0, 1]; float32 as it is."""
    if images.dtype == tf.uint8:
        return tf.cast(images, tf.float32) * np.float32(1 / 255)
    return tf.cast(images, tf.float32)


def in_range(images: Any, pixels: Literal["unit", "centred"]) -> Any:
    """Return float images of [0, 1] in the range that the model is to see; vectors as they are."""
    return images - 0.5 if pixels == "centred" and len(images.shape) == 4 else images
