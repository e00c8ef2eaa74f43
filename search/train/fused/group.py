"""What a group is made of: examples that all share, numbers that each has of its own, states that training changes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras

from search.train.fused.images import Strengths
from search.train.fused.skeleton import Skeleton


class Examples(NamedTuple):
    """Some rows of a dataset on the device; all members share it."""

    images: Any
    """(M, H, W, C) uint8 or float32 in [0, 1]; or (M, F) float32."""
    labels: Any
    """(M,) int32 classes, or float32 targets."""
    rows: Any
    """(N,) int32: which of the M."""


class Numbers(NamedTuple):
    """What may differ between the members of a group."""

    seed: Any
    """Scalar uint32."""
    rates: dict[str, Any]
    """Share that is dropped, by place; every member has every place."""
    weight_decay: Any
    """Scalar; without meaning where the optimizer has none."""
    smoothing: Any
    """Scalar: the share of the true class that the loss gives to all; without meaning where it is no such loss."""
    strengths: Strengths


class State(NamedTuple):
    """What training changes. The learning rate is one of the optimizer's variables."""

    trainable: list[Any]
    other: list[Any]
    optimizer: list[Any]


class Measured(NamedTuple):
    """A member's metrics on a whole part, in inference mode."""

    loss: Any
    accuracy: Any
    """Zero where labels are targets."""
    predicted: Any
    """(N,)."""


def beginning(skeleton: Skeleton) -> State:
    """Return the state in which a member begins whose freshly built model is that of `skeleton`."""
    built = keras.optimizers.deserialize(keras.optimizers.serialize(skeleton.model.optimizer))
    built.build(skeleton.model.trainable_variables)
    return State(
        [jnp.array(one) for one in skeleton.model.trainable_variables],
        [jnp.array(one) for one in skeleton.other_variables()],
        [jnp.array(one) for one in built.variables],
    )


def stacked(states: Sequence[Any]) -> Any:
    """Return equal trees of arrays as one tree of arrays with an axis G before the others."""
    return jax.tree.map(lambda *ones: jnp.stack(ones), *states)


def members_of(states: Any, chosen: Sequence[int]) -> Any:
    """Return the members at `chosen` of a stacked tree, stacked."""
    index = jnp.array(chosen, jnp.int32)
    return jax.tree.map(lambda values: values[index], states)
