"""Random changes of training images inside the graph (see `studies.training.AugmentationSpec`).

Keras's augmentation layers hold random generators of their own, whose state a trial would have to reset, and clip
after each change; tf.image takes one factor for a whole batch. So the arithmetic is written out here, for whole
batches with a factor for each image, and the tests hold it against tf.image and SciPy.

Shapes: B images in a batch, N in an epoch, H x W as stored, h x w as the model sees them, C channels.
"""

import math
from typing import Any, NamedTuple

import tensorflow as tf

from search.train.batches import Crop, as_float
from studies.spec import AugmentationSpec


class Draws(NamedTuple):
    """What chance decided for each of N images; None where it was not asked."""

    offsets: Any
    """(N, 2) int32: top and left of the window."""
    angle: Any = None
    """(N,) radians, clockwise."""
    shift: Any = None
    """(N, 2) shares of height and width: down, and to the right."""
    mirrored: Any = None
    """(N, 2) bool: upside down, and left to right."""
    mirrored_in_class: Any = None
    """(N,) bool: left to right, if the image is of a class that may be."""
    brightness: Any = None
    """(N,) what is added."""
    saturation: Any = None
    """(N,) factors."""
    contrast: Any = None
    """(N,) factors."""

    def part(self, start: Any, stop: Any) -> "Draws":
        """Return the draws of the images from `start` to before `stop`."""
        return Draws(*(None if values is None else values[start:stop] for values in self))


_COLUMNS = 9
"""Uniform numbers for each image and epoch. All are always drawn, so that what one change does to an image does not
depend on which others are on: arms that differ in augmentation share the rest of it."""


class Augmentation:
    """What happens to the images of each epoch."""

    def __init__(self, spec: AugmentationSpec, crop: Crop) -> None:
        self._spec = spec
        self._crop = crop

    def draw(self, count: Any, stream: Any) -> Draws:
        """Return the draws for `count` images.

        Args:
            count: N.
            stream: (2,) int32, the seed of this epoch; the second word and the two that follow it are used up.
        """
        offsets = self._crop.random(count, stream)
        spec = self._spec
        if not spec.is_random:
            return Draws(offsets)
        uniform = tf.random.stateless_uniform([_COLUMNS, count], stream + tf.constant([0, 2], stream.dtype))
        turn, down, right, upside_down, mirrored, in_class, brightness, saturation, contrast = tf.unstack(uniform)
        angle = math.radians(spec.rotation)
        vertical, horizontal = spec.flip in ("vertical", "both"), spec.flip in ("horizontal", "both")
        never = tf.zeros_like(turn, tf.bool)
        flips = tf.stack([upside_down < 0.5 if vertical else never, mirrored < 0.5 if horizontal else never], 1)
        shift = tf.stack([_between(down, -spec.shift, spec.shift), _between(right, -spec.shift, spec.shift)], 1)
        return Draws(
            offsets,
            angle=_between(turn, -angle, angle) if spec.rotation else None,
            shift=shift if spec.shift else None,
            mirrored=flips if spec.flip else None,
            mirrored_in_class=in_class < 0.5 if spec.flip_classes else None,
            brightness=_between(brightness, -spec.brightness, spec.brightness) if spec.brightness else None,
            saturation=_between(saturation, *spec.saturation) if spec.saturation else None,
            contrast=_between(contrast, *spec.contrast) if spec.contrast else None,
        )

    def apply(self, images: Any, rows: Any, labels: Any, draws: Draws) -> Any:
        """Return (B, h, w, C) float32, in [0, 1] unless `clip` is off.

        Args:
            images: (M, H, W, C) uint8 or float32 in [0, 1].
            rows: (B,) which of them.
            labels: (B,) the classes of those.
            draws: of those.
        """
        mirrored = self._mirrored(labels, draws)
        if draws.angle is None and draws.shift is None:
            seen = as_float(self._crop.take(images, rows, draws.offsets, mirrored))
        else:
            seen = _moved(as_float(tf.gather(images, rows)), self._crop, draws, mirrored)
        return self._recoloured(seen, draws)

    def _mirrored(self, labels: Any, draws: Draws) -> Any:
        if draws.mirrored_in_class is None:
            return draws.mirrored
        may_be = tf.reduce_any(labels[:, None] == tf.constant(self._spec.flip_classes, labels.dtype), axis=1)
        left_right = draws.mirrored_in_class & may_be
        up_down = tf.zeros_like(left_right) if draws.mirrored is None else draws.mirrored[:, 0]
        return tf.stack([up_down, left_right], 1)

    def _recoloured(self, images: Any, draws: Draws) -> Any:
        if draws.brightness is not None:
            images = images + draws.brightness[:, None, None, None]
        if draws.saturation is not None or draws.contrast is not None:
            # Sums and maxima over the channels or the pixels take a third of the time in this order.
            planes = tf.transpose(images, [3, 0, 1, 2])
            if draws.saturation is not None:
                planes = saturated(planes, draws.saturation)
            if draws.contrast is not None:
                planes = contrasted(planes, draws.contrast)
            images = tf.transpose(planes, [1, 2, 3, 0])
        return tf.clip_by_value(images, 0.0, 1.0) if self._spec.recolours and self._spec.clip else images


def _between(uniform: Any, low: float, high: float) -> Any:
    return low + (high - low) * uniform


def _moved(images: Any, crop: Crop, draws: Draws, mirrored: Any) -> Any:
    """Return (B, h, w, C): the windows of `images` (B, H, W, C) that were turned and shifted, in one interpolation.

    A pixel (x, y) of the window comes from R (m(x, y) + corner - shift - centre) + centre of the image, with m for the
    mirrors; that is affine, and the kernel wants it as (a0, a1, a2, b0, b1, b2, 0, 0): from x' = a0 x + a1 y + a2.
    """
    centre_y, centre_x = ((side - 1) / 2 for side in crop.stored)
    top, left = tf.unstack(tf.cast(draws.offsets, tf.float32), axis=1)
    zero = tf.zeros_like(top)
    sign_y = sign_x = tf.ones_like(top)
    if mirrored is not None:
        height, width = crop.seen
        sign_y, sign_x = (tf.where(mirrored[:, axis], -1.0, 1.0) for axis in (0, 1))
        top += tf.where(mirrored[:, 0], height - 1.0, 0.0)
        left += tf.where(mirrored[:, 1], width - 1.0, 0.0)
    if draws.shift is not None:
        top -= draws.shift[:, 0] * crop.stored[0]
        left -= draws.shift[:, 1] * crop.stored[1]
    angle = zero if draws.angle is None else draws.angle
    # Turning the image clockwise (y points down) by an angle looks it up turned back.
    cos, sin = tf.cos(angle), tf.sin(angle)
    y, x = top - centre_y, left - centre_x
    across = [cos * sign_x, sin * sign_y, cos * x + sin * y + centre_x]
    down = [-sin * sign_x, cos * sign_y, cos * y - sin * x + centre_y]
    # keras.ops.image.affine_transform calls this too, but cannot return a smaller image.
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([*across, *down, zero, zero], 1),
        output_shape=list(crop.seen),
        interpolation="BILINEAR",
        fill_mode="NEAREST",
        fill_value=0.0,
    )


def saturated(planes: Any, factors: Any) -> Any:
    """Return RGB `planes` (3, B, h, w) with S of HSV multiplied by `factors` (B,) and limited to 1.

    As V and H stay, each channel c goes to V - (V - c) S'/S, where V is the greatest and S = (V - least) / V: what
    tf.image.adjust_saturation computes by way of HSV. Pixels with V <= 0 become grey, as there.
    """
    value, least = tf.reduce_max(planes, 0), tf.reduce_min(planes, 0)
    to_the_limit = tf.math.divide_no_nan(tf.maximum(value, 0.0), value - least)
    return value - (value - planes) * tf.minimum(factors[:, None, None], to_the_limit)


def contrasted(planes: Any, factors: Any) -> Any:
    """Return `planes` (C, B, h, w) with distances from the mean of each plane multiplied by `factors` (B,).

    As tf.image.adjust_contrast.
    """
    mean = tf.reduce_mean(planes, [2, 3], keepdims=True)
    return mean + (planes - mean) * factors[:, None, None]
