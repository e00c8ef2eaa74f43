"""Which hyperparameters a model declares, found by building it as Keras Tuner does before a search."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import keras_tuner

from search.models.hypermodel import HyperModel
from search.models.space import Condition, Hyperparameter, Space
from studies.declaration import Setting


def declared_space(model: HyperModel, branches: Mapping[str, Setting] = MappingProxyType({})) -> Space:
    """Return the hyperparameters that `model` declares, those in conditional scopes included.

    The model is built once with its defaults, and once more for each conditional scope that no build has entered yet:
    inside it, others may be declared. What a build function hides behind a plain `if` is found on its default branch
    only, as in Keras Tuner.

    Args:
        model: the model.
        branches: by the name of a hyperparameter, a setting under which the model is to declare it. It is built with
            that too, if nothing else has brought the name to light.
    """
    build = model.build_function()
    known, entered, tried = keras_tuner.HyperParameters(), [], []
    waiting: list[Any] = [[]]
    while waiting:
        conditions = waiting[0]
        tried.append(conditions)
        hp = keras_tuner.HyperParameters()
        hp.values = {condition.name: condition.values[0] for condition in conditions}
        build(hp)
        known.merge(hp.space, overwrite=False)
        entered += hp.active_scopes
        waiting = [scope for scope in waiting + hp.inactive_scopes if scope not in entered + tried]
    for name, setting in branches.items():
        if name not in {one.name for one in known.space}:
            hp = keras_tuner.HyperParameters()
            hp.values = dict(setting)
            build(hp)
            known.merge(hp.space, overwrite=False)
    return tuple(_declaration(hp) for hp in known.space)


def _declaration(hp: Any) -> Hyperparameter:
    conditions = tuple(Condition(condition.name, tuple(condition.values)) for condition in hp.conditions)
    kind = type(hp).__name__
    if kind in {"Int", "Float"}:
        return Hyperparameter(
            name=hp.name,
            kind="int" if kind == "Int" else "float",
            default=hp.default,
            low=hp.min_value,
            high=hp.max_value,
            # Every whole number is what Keras Tuner calls a step of 1.
            # Of a reversed scale, which Optuna does not have, any number in the range is proposed.
            step=None if (kind == "Int" and hp.step == 1) or hp.sampling == "reverse_log" else hp.step,
            log=hp.sampling == "log",
            conditions=conditions,
        )
    return Hyperparameter(
        name=hp.name,
        kind="boolean" if kind == "Boolean" else "choice" if kind == "Choice" else "fixed",
        default=hp.default,
        choices=tuple(hp.values),
        conditions=conditions,
    )
