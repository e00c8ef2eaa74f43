"""Crops and random changes of training images in JAX: what `search.train.augmentation` does, with traced strengths.

The arithmetic is that of the TensorFlow side, and the tests hold one against the other; the random numbers are JAX's,
so the same seed draws other changes on the two backends.

Shapes: M images in a dataset, B in a batch, N in an epoch, H x W as stored, h x w as the model sees them, C channels.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from studies.training import AugmentationSpec

_COLUMNS = 9
"""Uniform numbers for each image and epoch, always all of them, so that members share those of what both do."""


class Strengths(NamedTuple):
    """The numbers of an augmentation: members of a group may differ in them. Scalars, or (G,) for a group."""

    rotation: Any
    """Radians."""
    shift: Any
    """A share of the side."""
    brightness: Any
    saturation: Any
    """(2,) lowest and highest factor."""
    contrast: Any
    """(2,)."""


def strengths(spec: AugmentationSpec) -> Strengths:
    """Return the numbers of `spec`; what is off has numbers that change nothing."""
    return Strengths(
        rotation=jnp.float32(math.radians(spec.rotation)),
        shift=jnp.float32(spec.shift),
        brightness=jnp.float32(spec.brightness),
        saturation=jnp.array(spec.saturation or (1.0, 1.0), jnp.float32),
        contrast=jnp.array(spec.contrast or (1.0, 1.0), jnp.float32),
    )


def without_strengths(spec: AugmentationSpec) -> dict[str, object]:
    """Return what of `spec` makes another program: its windows, its mirrors, and which changes are made at all."""
    numbers = ("rotation", "shift", "brightness", "saturation", "contrast")
    given = spec.model_dump(mode="json")
    return {name: bool(value) if name in numbers else value for name, value in given.items()}


class Draws(NamedTuple):
    """What chance decided for each of N images."""

    offsets: Any
    """(N, 2) int32: top and left of the window."""
    uniform: Any
    """(N, 9) in [0, 1), one column for each kind of change; None where no change is random."""


@dataclass(frozen=True)
class Cutter:
    """Cuts h x w windows out of H x W images, and changes them; vectors pass as they are."""

    stored: tuple[int, ...]
    seen: tuple[int, ...]
    spec: AugmentationSpec

    @property
    def is_for_images(self) -> bool:
        """Whether there is anything to cut."""
        return len(self.stored) == 2

    def draw(self, key: Any, count: int) -> Draws:
        """Return the draws for `count` images from JAX's random `key`."""
        room = jnp.array([stored - seen + 1 for stored, seen in zip(self.stored, self.seen, strict=True)], jnp.int32)
        where, changes = jax.random.split(key)
        offsets = jax.random.randint(where, (count, len(self.stored)), 0, room)
        return Draws(offsets, jax.random.uniform(changes, (count, _COLUMNS)) if self.spec.is_random else None)

    def centred(self, images: Any, rows: Any) -> Any:
        """Return the middle windows (B, h, w, C) of `images` (M, H, W, C) at `rows` (B,), as float32 in [0, 1]."""
        if not self.is_for_images:
            return images[rows]
        middle = [(stored - seen) // 2 for stored, seen in zip(self.stored, self.seen, strict=True)]
        return _as_float(self._windows(images, rows, jnp.tile(jnp.array([middle], jnp.int32), (len(rows), 1)), None))

    def changed(self, images: Any, rows: Any, labels: Any, draws: Draws, by: Strengths) -> Any:
        """Return the windows (B, h, w, C) float32 of `images` at `rows` (B,), changed as `draws` and `by` say."""
        if not self.is_for_images:
            return images[rows]
        if draws.uniform is None:
            return _as_float(self._windows(images, rows, draws.offsets, None))
        turn, down, right, upside_down, mirrored, in_class, brightness, saturation, contrast = draws.uniform.T
        mirrors = self._mirrors(labels, upside_down, mirrored, in_class)
        if self.spec.rotation or self.spec.shift:
            angle = _between(turn, -by.rotation, by.rotation)
            shift = jnp.stack([_between(down, -by.shift, by.shift), _between(right, -by.shift, by.shift)], 1)
            seen = self._moved(_as_float(images[rows]), draws.offsets, angle, shift, mirrors)
        else:
            seen = _as_float(self._windows(images, rows, draws.offsets, mirrors))
        if self.spec.brightness:
            seen = seen + _between(brightness, -by.brightness, by.brightness)[:, None, None, None]
        if self.spec.saturation:
            seen = _saturated(seen, _between(saturation, *by.saturation))
        if self.spec.contrast:
            seen = _contrasted(seen, _between(contrast, *by.contrast))
        return jnp.clip(seen, 0.0, 1.0) if self.spec.recolours and self.spec.clip else seen

    def _mirrors(self, labels: Any, upside_down: Any, mirrored: Any, in_class: Any) -> Any:
        """Return (B, 2) bool, upside down and left to right; None if no image is mirrored."""
        spec, never = self.spec, jnp.zeros(labels.shape, bool)
        if not spec.flip and not spec.flip_classes:
            return None
        up_down = upside_down < 0.5 if spec.flip in ("vertical", "both") else never
        left_right = mirrored < 0.5 if spec.flip in ("horizontal", "both") else never
        if spec.flip_classes:
            may_be = (labels[:, None] == jnp.array(spec.flip_classes)).any(1)
            left_right = (in_class < 0.5) & may_be
        return jnp.stack([up_down, left_right], 1)

    def _windows(self, images: Any, rows: Any, offsets: Any, mirrors: Any) -> Any:
        if self.stored == self.seen and mirrors is None:
            return images[rows]
        y, x = (
            offsets[:, axis, None] + _from_either_end(side, None if mirrors is None else mirrors[:, axis])
            for axis, side in enumerate(self.seen)
        )
        return images[rows[:, None, None], y[:, :, None], x[:, None, :]]

    def _moved(self, images: Any, offsets: Any, angle: Any, shift: Any, mirrors: Any) -> Any:
        """Return (B, h, w, C): windows that were mirrored, turned and shifted, in one bilinear interpolation.

        A pixel of the window is looked up at R (m(pixel) + corner - shift - centre) + centre of the image, with m for
        the mirrors; outside of the image, at its nearest edge.
        """
        centre_y, centre_x = ((side - 1) / 2 for side in self.stored)
        y, x = (
            _from_either_end(side, None if mirrors is None else mirrors[:, axis]) + offsets[:, axis, None]
            for axis, side in enumerate(self.seen)
        )
        y = (y - shift[:, :1] * self.stored[0] - centre_y)[:, :, None]
        x = (x - shift[:, 1:] * self.stored[1] - centre_x)[:, None, :]
        cos, sin = jnp.cos(angle)[:, None, None], jnp.sin(angle)[:, None, None]
        return _interpolated(images, cos * y - sin * x + centre_y, cos * x + sin * y + centre_x)


def _interpolated(images: Any, y: Any, x: Any) -> Any:
    """Return (B, h, w, C): `images` (B, H, W, C) at the points (y, x), (B, h, w) each, bilinear between four pixels."""
    height, width = images.shape[1:3]
    batch = jnp.arange(len(images))[:, None, None]
    top, left = jnp.floor(y), jnp.floor(x)

    def at(row: Any, column: Any) -> Any:
        inside = jnp.clip(row, 0, height - 1).astype(jnp.int32), jnp.clip(column, 0, width - 1).astype(jnp.int32)
        return images[batch, *inside]

    down, right = (y - top)[..., None], (x - left)[..., None]
    upper = at(top, left) * (1 - right) + at(top, left + 1) * right
    lower = at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right
    return upper * (1 - down) + lower * down


def _saturated(images: Any, factors: Any) -> Any:
    """Return RGB `images` with S of HSV multiplied by `factors` (B,) and limited to 1, as TensorFlow's side does."""
    value, least = images.max(-1, keepdims=True), images.min(-1, keepdims=True)
    spread = value - least
    to_the_limit = jnp.where(spread > 0, jnp.maximum(value, 0.0) / jnp.where(spread > 0, spread, 1.0), 0.0)
    return value - (value - images) * jnp.minimum(factors[:, None, None, None], to_the_limit)


def _contrasted(images: Any, factors: Any) -> Any:
    """Return `images` with distances from the mean of each channel multiplied by `factors` (B,)."""
    mean = images.mean((1, 2), keepdims=True)
    return mean + (images - mean) * factors[:, None, None, None]


def _from_either_end(count: int, backwards: Any) -> Any:
    """Return (1, count) or (B, count): 0, 1, ..., or from the end where `backwards` (B,) says so."""
    forwards = jnp.arange(count)[None, :]
    return forwards if backwards is None else jnp.where(backwards[:, None], count - 1 - forwards, forwards)


def _between(uniform: Any, low: Any, high: Any) -> Any:
    return low + (high - low) * uniform


def _as_float(images: Any) -> Any:
    """Return `images` as float32; bytes as numbers in [0, 1]."""
    return images.astype(jnp.float32) * jnp.float32(1 / 255) if images.dtype == jnp.uint8 else images
