"""From a setting to a compiled Keras model, with every name and value checked against what the model declares."""

import importlib
import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import keras_tuner

from search.models import locate
from search.models.hyperparameters import CheckedHyperParameters
from studies.declaration import Setting
from studies.errors import InputError, unknown
from tracking.manifest import LayerCard, ModelCard


@dataclass(frozen=True)
class HyperModel:
    """A model that a study names, ready to be built for inputs of one shape."""

    model: str
    input_shape: tuple[int, ...]
    """Height, width and channels of an image as the model sees it, or a number of features as (features,)."""
    classes: int
    """Number of classes; 1 where a number is to be predicted."""

    def build(self, setting: Setting, seed: int) -> keras.Model:
        """Return the compiled model for `setting`, with the weights that `seed` gives.

        Raises:
            InputError: a name that the model does not declare, or a value that it does not allow.
        """
        return self._build(setting, seed)[0]

    def card(self, setting: Setting) -> ModelCard:
        """Return what the model for `setting` looks like.

        Raises:
            InputError: as `build` does, and if the model takes other inputs or gives other outputs than the data have.
        """
        model, values = self._build(setting, seed=0)
        self._check_shapes(model)
        lines: list[str] = []
        model.summary(print_fn=lambda line, **_: lines.append(line), line_length=90)
        return ModelCard(layers=tuple(_layer_cards(model)), summary="\n".join(lines), values=values)

    def build_function(self) -> Callable[[Any], Any]:
        """Return `build(hp)` of the function, hypermodel class or hypermodel that `model` names.

        Functions and classes are given `input_shape` and `classes` if they have parameters of these names.

        Raises:
            InputError: there is nothing to import under the name of the model.
        """
        target = _imported(self.model)
        if isinstance(target, keras_tuner.HyperModel):
            return _build_of(target)
        given = {"input_shape": self.input_shape, "classes": self.classes}
        accepted = {name: value for name, value in given.items() if name in inspect.signature(target).parameters}
        if inspect.isclass(target):
            return _build_of(target(**accepted))
        return lambda hp: target(hp, **accepted)

    def _build(self, setting: Setting, seed: int) -> tuple[keras.Model, Setting]:
        keras.utils.set_random_seed(seed)
        hp = CheckedHyperParameters(setting)
        model = self.build_function()(hp)
        hp.check_names()
        if not isinstance(model, keras.Model):
            raise InputError(f"`study.model` must build a keras.Model. Received: {type(model).__name__}.")
        if not model.compiled:
            raise InputError(f"`study.model` must compile what it builds. Received: {self.model!r}, not compiled.")
        if not model.built:
            model.build((None, *self.input_shape))  # A Sequential without an Input, as Keras Tuner's guide has them.
        return model, {name: value for name, value in hp.values.items() if value is not None}

    def _check_shapes(self, model: keras.Model) -> None:
        try:
            outputs = model(keras.Input(self.input_shape))
        except ValueError as error:
            raise InputError(
                f"`study.model` must take inputs of shape {_text(self.input_shape)}, as the dataset has them. "
                f"Received: {self.model!r}; {str(error).splitlines()[0]}"
            ) from None
        shapes = [tuple(output.shape[1:]) for output in keras.tree.flatten(outputs)]
        # One probability is enough for two classes.
        if shapes != [(self.classes,)] and not (self.classes == 2 and shapes == [(1,)]):
            raise InputError(
                f"`study.model` must give one output of shape {self.classes}, a score for each class (or one number). "
                f"Received: {self.model!r}, which gives {' and '.join(map(_text, shapes))}."
            )


def _text(shape: Sequence[int | None]) -> str:
    return "x".join(map(str, shape))


def _imported(model: str) -> Any:
    module_name, attribute = locate(model)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise InputError(f"`study.model` cannot be imported. Received: {model!r}; {error}.") from None
    if attribute not in vars(module):
        raise unknown(f"study.model ({module_name})", attribute, [name for name in vars(module) if name[0] != "_"])
    return vars(module)[attribute]


def _build_of(hypermodel: keras_tuner.HyperModel) -> Callable[[Any], Any]:
    def build(hp: Any) -> Any:
        hypermodel.declare_hyperparameters(hp)  # Nothing, unless the user's class says something here.
        return hypermodel.build(hp)

    return build


def _layer_cards(model: keras.Model) -> list[LayerCard]:
    """Return the layers of `model` in order, with the layers that feed each."""
    cards = []
    for layer in model.layers:
        output = getattr(layer, "output", None)
        shapes: Sequence[Any] = keras.tree.flatten(output) if output is not None else ()
        cards.append(
            LayerCard(
                name=layer.name,
                kind=type(layer).__name__,
                output_shape=tuple(shapes[0].shape) if shapes else (),
                params=sum(math.prod(weight.shape) for weight in layer.trainable_weights),
                frozen_params=sum(math.prod(weight.shape) for weight in layer.non_trainable_weights),
                inputs=tuple(_inbound(layer, model)),
            )
        )
    return cards


def _inbound(layer: Any, model: keras.Model) -> list[str]:
    names = {inner.name for inner in model.layers}
    parents = [parent.operation.name for node in layer._inbound_nodes for parent in node.parent_nodes]
    return list(dict.fromkeys(name for name in parents if name in names))
