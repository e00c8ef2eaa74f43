"""Biases that training cannot see, because a batch norm takes them out again."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

_WITH_BIAS = (layers.Dense, layers.Conv1D, layers.Conv2D, layers.Conv3D)
"""They add it last, before their activation."""


def cancelled_biases(model: keras.Model) -> frozenset[int]:
    """Return which of the model's trainable variables are biases with a gradient of zero, by their place in the list.

    The mean over a batch of x + b is that of x, plus b: normalised, both are the same, whatever b is (S. Ioffe and C.
    Szegedy, Batch Normalization, 2015, section 3.2). What is computed for the gradient are rounding errors, of which an
    optimizer that divides by a gradient's size, as Adam does, makes full steps. They are lost on training, but not on
    inference, whose moving mean follows them late.
    """
    takers = defaultdict(list)
    for nodes in getattr(model, "_nodes_by_depth", {}).values():  # Keras gives a graph alone such nodes.
        for node in nodes:
            for parent in node.parent_nodes:
                takers[id(parent.operation)].append(node.operation)
    shown = {id(output._keras_history.operation) for output in getattr(model, "outputs", None) or ()}
    found = {
        id(layer.bias)
        for layer in model.layers
        if id(layer) not in shown and _adds_a_bias(layer) and _all_normalise(takers[id(layer)])
    }
    return frozenset(place for place, one in enumerate(model.trainable_variables) if id(one) in found)


def _adds_a_bias(layer: Any) -> bool:
    """Return whether all that `layer` does with its bias, and all that is asked of it, is to add it to each channel."""
    if type(layer) not in _WITH_BIAS or not layer.use_bias or layer.activation is not keras.activations.linear:
        return False
    last = getattr(layer, "data_format", "channels_last") == "channels_last"
    return last and layer.bias_regularizer is None and layer.activity_regularizer is None


def _all_normalise(takers: Sequence[Any]) -> bool:
    return bool(takers) and all(_normalises(one) for one in takers)


def _normalises(layer: Any) -> bool:
    """Return whether `layer` takes the batch's mean out of each channel."""
    if type(layer) is not layers.BatchNormalization or not layer.trainable or layer.renorm:
        return False
    return bool(layer.axis in (-1, layer.input_spec.ndim - 1))
