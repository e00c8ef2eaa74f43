"""A network without its dropouts: two networks of one skeleton are one program, whatever they drop and where."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras

from search.train.fused.chance import PlacedDropout


@dataclass(frozen=True)
class Skeleton:
    """What is left of a model when its dropouts are lifted out.

    A place is named after the layer whose output is dropped out: its number in the skeleton, and its kind. Dropouts
    that are not lifted out stay as the layers that they are, with random states of their own: those in a model that is
    neither functional nor sequential, inside of another layer, with a noise shape, or two in a row.
    """

    model: keras.Model
    """As it was built."""
    bare: keras.Model
    """The same layers without the dropouts."""
    lifted: Mapping[int, str]
    """By the id of a dropout layer of `model`: its place."""

    @property
    def rates(self) -> dict[str, float]:
        """The share that is dropped, by place."""
        return {self.lifted[id(layer)]: float(layer.rate) for layer in self.model.layers if id(layer) in self.lifted}

    def with_dropouts(self, places: Collection[str]) -> keras.Model:
        """Return the bare network, on the same layers, with a `PlacedDropout` at each of `places`."""
        named = _places(self.bare)

        def called(layer: Any, *args: Any, **kwargs: Any) -> Any:
            output = layer(*args, **kwargs)
            place = named[id(layer)]
            return PlacedDropout(place)(output) if place in places else output

        return _rewired(self.bare, called) if places else self.bare

    @cached_property
    def signature(self) -> str | None:
        """What two models have in common that are one program but for numbers: layers, how they are joined, shapes.

        None for a model that does not say what it computes: one without a graph, or with a layer without a config.
        """
        if not _has_graph(self.bare):
            return None
        try:
            config = {**self.bare.get_config(), "name": None}
        except NotImplementedError:
            return None
        shapes = [(tuple(one.shape), one.dtype) for one in [*self.model.trainable_variables, *self.other_variables()]]
        names = {layer.name: place for layer, place in zip(self.bare.layers, _places(self.bare).values(), strict=True)}
        return json.dumps([_renamed(config, names), shapes], sort_keys=True, default=repr)

    def other_variables(self) -> list[Any]:
        """Return the variables that training does not differentiate by, without the states of lifted dropouts."""
        theirs = {id(one) for layer in self.model.layers if id(layer) in self.lifted for one in layer.variables}
        return [one for one in self.model.non_trainable_variables if id(one) not in theirs]


def skeleton_of(model: keras.Model) -> Skeleton:
    """Return `model` with its dropouts lifted out; `model` stays as it is."""
    if not _has_graph(model):
        return Skeleton(model, model, {})
    before = {id(layer): found for layer in model.layers if (found := _layer_before(layer)) is not None}

    def called(layer: Any, *args: Any, **kwargs: Any) -> Any:
        return args[0] if id(layer) in before else layer(*args, **kwargs)

    bare = _rewired(keras.Model(model.inputs, model.outputs), called)
    named = _places(bare)
    return Skeleton(model, bare, {dropout: named[id(layer)] for dropout, layer in before.items()})


def _layer_before(layer: Any) -> Any:
    """Return the layer whose output is dropped out by `layer`; None if `layer` cannot be lifted out."""
    if not isinstance(layer, keras.layers.Dropout) or layer.noise_shape is not None:
        return None
    parents = [parent for node in layer._inbound_nodes for parent in node.parent_nodes]
    if len(parents) != 1 or isinstance(parents[0].operation, (keras.layers.Dropout, keras.layers.InputLayer)):
        return None
    before = parents[0].operation
    # Of an output that others take too, or of a layer that is called twice, only some is dropped out.
    takers = {id(node.operation) for node in before._outbound_nodes}
    return before if len(before._inbound_nodes) == 1 and takers == {id(layer)} else None


def _rewired(model: keras.Model, called: Any) -> keras.Model:
    return keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=called)


def _places(model: keras.Model) -> dict[int, str]:
    """Return a name for each layer, by its id, that does not depend on what Keras had built before."""
    return {id(layer): f"{number}_{type(layer).__name__}" for number, layer in enumerate(model.layers)}


def _renamed(config: Any, names: Mapping[str, str]) -> Any:
    """Return `config` with the names of layers replaced wherever they stand."""
    if isinstance(config, Mapping):
        return {key: _renamed(value, names) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [_renamed(value, names) for value in config]
    return names.get(config, config) if isinstance(config, str) else config


def _has_graph(model: keras.Model) -> bool:
    return type(model).__name__ in ("Functional", "Sequential")  # Keras has no public name for the first.
