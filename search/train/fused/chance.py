"""Dropout as a number in the graph: which rate, and which random numbers, each member of a group has at each place."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import jax
import jax.numpy as jnp
import keras

_BITS = 16
"""Of each draw: a rate is rounded to the nearest multiple of 1/65536."""


@dataclass(frozen=True)
class Chance:
    """What decides about the dropouts of one step of one member."""

    rates: Mapping[str, Any]
    """By place: a scalar in [0, 1), which may be traced. 0: nothing is dropped."""
    key: Any
    """Of JAX's random numbers, for this member and this step."""


_CHANCE: ContextVar[Chance] = ContextVar("chance")


@contextmanager
def decided_by(chance: Chance) -> Iterator[None]:
    """While a training step is traced, let its dropouts be decided by `chance`."""
    token = _CHANCE.set(chance)
    try:
        yield
    finally:
        _CHANCE.reset(token)


class PlacedDropout(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Dropout at a place of a network; has no state, and no rate of its own.

    What is dropped depends on the member's seed, the step and the name of the place alone: not on which other places
    there are, nor on who else is in the group. So a trial drops the same in any company.
    """

    def __init__(self, place: str) -> None:
        super().__init__(name=f"dropout_after_{place}")
        self._place = place
        self._word = crc32(place.encode())

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return `inputs`, masked and scaled if `training`; any shape, same shape out."""
        if not training:
            return inputs
        chance = _CHANCE.get()
        dropped = jnp.round(chance.rates[self._place] * 2**_BITS)
        draws = _draws(jax.random.fold_in(chance.key, self._word), inputs.shape)
        keep = (draws >= dropped.astype(jnp.uint32)).astype(inputs.dtype)
        return inputs * (keep * (2**_BITS / (2**_BITS - dropped)).astype(inputs.dtype))


def _draws(key: Any, shape: tuple[int, ...]) -> Any:
    """Return `shape` uniform 16-bit integers as uint32, two of each 32-bit word, which is what costs."""
    size = 1
    for side in shape:
        size *= side
    words = jax.random.bits(key, ((size + 1) // 2,), jnp.uint32)
    halves = jnp.stack([words & 0xFFFF, words >> _BITS], 1)
    return halves.reshape(-1)[:size].reshape(shape)
