"""How the convolutions of a group are taken: as one grouped convolution, or as products of patches with kernels.

`jax.vmap` makes a grouped convolution of those of many members, for which libraries have few fast programs. A product
of patches, batched over the members, is what processors are fastest at; patches take as many times the memory of their
images as a kernel has places.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import keras

from tracking.record import Convolution

Way = Convolution | None
"""None: as Keras does."""
_WORTH = 10
"""Another way is tried if what is left to train takes this many times as long as compiling it."""


def ways_of(model: keras.Model) -> tuple[Way, ...]:
    """Return in which ways the convolutions of `model` may be fast here, the likeliest first."""
    if not _convolutions(model):
        return (None,)
    # XLA's grouped convolutions take 15 to 30 times as long on a CPU (docs/benchmarks.md).
    return ("patches",) if jax.devices()[0].platform == "cpu" else ("patches", "grouped")


class Choice:
    """Which way a group takes: what is fast is found by training an epoch with each, which had to be trained anyway."""

    def __init__(self, ways: Sequence[Way]) -> None:
        self._untried = list(ways)
        self._epoch_seconds: dict[Way, float] = {}
        self._compile_seconds = 0.0

    @property
    def fastest(self) -> Way:
        """The fastest of those that were tried; before that, the likeliest."""
        known = self._epoch_seconds
        return min(known, key=lambda way: known[way]) if known else self._untried[0]

    @property
    def is_open(self) -> bool:
        """Whether there is a choice, and nothing was tried yet."""
        return not self._epoch_seconds and len(self._untried) > 1

    def trial(self, epochs: int) -> Way:
        """Return the way that it pays to try for one epoch, if `epochs` are left and there is one."""
        if not self._untried or not self._epoch_seconds:
            return None
        pays = epochs * self._epoch_seconds[self.fastest] > _WORTH * self._compile_seconds
        return self._untried[0] if pays else None

    def note(self, way: Way, epoch_seconds: float, compile_seconds: float) -> None:
        """Remember what an epoch took, and compiling before the first; infinity: it cannot be."""
        if way in self._untried:
            self._untried.remove(way)
            self._compile_seconds = compile_seconds
        self._epoch_seconds[way] = epoch_seconds


@contextmanager
def convolving(model: keras.Model, way: Way) -> Iterator[None]:
    """While `model` is traced, take its convolutions in this way; those that are dilated or grouped are left alone."""
    changed = _convolutions(model) if way == "patches" else []
    for layer in changed:
        layer.convolution_op = partial(_by_patches, layer)
    try:
        yield
    finally:
        for layer in changed:
            del layer.convolution_op  # What the class has, shows again.


def _convolutions(model: keras.Model) -> list[Any]:
    return [
        layer
        for layer in model._flatten_layers()
        if type(layer) is keras.layers.Conv2D
        and (layer.groups, tuple(layer.dilation_rate), layer.data_format) == (1, (1, 1), "channels_last")
    ]


def _by_patches(layer: Any, inputs: Any, kernel: Any) -> Any:
    """Return the convolution of (B, H, W, C) `inputs` with the (h, w, C, F) `kernel`, as `layer` has it."""
    height, width, channels, filters = kernel.shape
    padding = jax.lax.padtype_to_pads(inputs.shape[1:3], (height, width), layer.strides, layer.padding.upper())
    x = jnp.pad(inputs, ((0, 0), *padding, (0, 0)))
    down, right = layer.strides
    rows, columns = (x.shape[1] - height) // down + 1, (x.shape[2] - width) // right + 1
    patches = [
        x[:, top : top + down * (rows - 1) + 1 : down, left : left + right * (columns - 1) + 1 : right]
        for top in range(height)
        for left in range(width)
    ]
    by_place = keras.ops.convert_to_tensor(kernel).reshape(height * width * channels, filters)
    return jnp.concatenate(patches, -1) @ by_place
