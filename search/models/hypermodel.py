"""From a setting to a compiled Keras model, with every name and value checked against what the model declares."""

import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import keras_tuner

from search.models import locate
from studies.errors import InputError, nearest, unknown
from studies.spec import Scalar, Setting
from tracking.manifest import LayerCard, ModelCard


@dataclass(frozen=True)
class HyperModel:
    """A model that a study names, ready to be built for images of one shape."""

    model: str
    input_shape: tuple[int, int, int]
    classes: int

    def build(self, setting: Setting, seed: int) -> keras.Model:
        """Return the compiled model for `setting`, with the weights that `seed` gives.

        Raises:
            InputError: a name that the model does not declare, or a value that it does not allow.
        """
        return self._build(setting, seed)[0]

    def card(self, setting: Setting) -> ModelCard:
        """Return what the model for `setting` looks like (and raise as `build` does)."""
        model, values = self._build(setting, seed=0)
        lines: list[str] = []
        model.summary(print_fn=lambda line, **_: lines.append(line), line_length=90)
        return ModelCard(layers=tuple(_layer_cards(model)), summary="\n".join(lines), values=values)

    def _build(self, setting: Setting, seed: int) -> tuple[keras.Model, Setting]:
        keras.utils.set_random_seed(seed)
        hp = _CheckedHyperParameters(setting)
        model = _build_function(self.model, self.input_shape, self.classes)(hp)
        hp.check_names()
        if not isinstance(model, keras.Model):
            raise InputError(f"`study.model` must build a keras.Model. Received: {type(model).__name__}.")
        if not model.compiled:
            raise InputError(f"`study.model` must compile what it builds. Received: {self.model!r}, not compiled.")
        return model, {name: value for name, value in hp.values.items() if value is not None}


def _build_function(model: str, input_shape: tuple[int, ...], classes: int) -> Callable[[Any], Any]:
    """Return `build(hp)` of a function or of a Keras Tuner hypermodel class, given the shapes if it asks for them."""
    module_name, attribute = locate(model)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise InputError(f"`study.model` cannot be imported. Received: {model!r}; {error}.") from None
    if attribute not in vars(module):
        raise unknown(f"study.model ({module_name})", attribute, [name for name in vars(module) if name[0] != "_"])
    target: Any = vars(module)[attribute]
    given = {"input_shape": input_shape, "classes": classes}
    accepted = {name: value for name, value in given.items() if name in inspect.signature(target).parameters}
    if inspect.isclass(target):
        hypermodel: keras_tuner.HyperModel = target(**accepted)
        return hypermodel.build  # type: ignore[no-any-return]  # nor has Keras Tuner
    return lambda hp: target(hp, **accepted)


class _CheckedHyperParameters(keras_tuner.HyperParameters):  # type: ignore[misc]  # untyped
    """Keras Tuner's hyperparameters with fixed values, each checked when the model reads it."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self._setting = dict(setting)
        self.values = dict(setting)

    def _retrieve(self, hp: Any) -> Any:
        if hp.name in self._setting:
            _check_value(hp, self._setting[hp.name])
        return super()._retrieve(hp)

    def check_names(self) -> None:
        """Raise if a value was given for something that the model did not read."""
        declared = {hp.name: hp for hp in self.space}
        for name, value in self._setting.items():
            if name not in declared:
                error = unknown("hyperparameter", name, declared)
                raise InputError(str(error).replace("`hyperparameter`", "A hyperparameter's name"))
            if not any(self.is_active(hp) for hp in self.space if hp.name == name):
                conditions = " and ".join(
                    f"{condition.name} is one of {condition.values}" for condition in declared[name].conditions
                )
                raise InputError(f"`{name}` applies only where {conditions}. Received: {name}={value!r}.")


def _check_value(hp: Any, value: Scalar) -> None:
    """Raise unless `value` is one that the declaration `hp` allows.

    Keras Tuner itself accepts any value for any name.
    """
    expected = ""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match type(hp).__name__:
        case "Choice":
            # True == 1 in Python, but not to someone who wrote one of them into a study.
            if not any(value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in hp.values):
                raise unknown(hp.name, value, map(str, hp.values))
        case "Boolean":
            expected = "" if isinstance(value, bool) else "true or false"
        case "Int":
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not (whole and hp.min_value <= value <= hp.max_value):
                expected = f"a whole number from {hp.min_value} to {hp.max_value}"
        case "Float":
            if not (number and hp.min_value <= value <= hp.max_value):
                expected = f"a number from {hp.min_value} to {hp.max_value}"
        case "Fixed":
            expected = "" if value == hp.value else f"{hp.value!r}, which the model fixes"
    if expected:
        raise InputError(f"`{hp.name}` must be {expected}. Received: {value!r}.{nearest(value, ())}")


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
                params=sum(int(weight.value.shape.num_elements()) for weight in layer.trainable_weights),
                frozen_params=sum(int(weight.value.shape.num_elements()) for weight in layer.non_trainable_weights),
                inputs=tuple(_inbound(layer, model)),
            )
        )
    return cards


def _inbound(layer: Any, model: keras.Model) -> list[str]:
    names = {inner.name for inner in model.layers}
    parents = [parent.operation.name for node in layer._inbound_nodes for parent in node.parent_nodes]
    return list(dict.fromkeys(name for name in parents if name in names))
