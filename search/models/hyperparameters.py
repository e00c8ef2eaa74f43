"""Keras Tuner's hyperparameters, holding one setting whose names and values are checked against the model."""

from typing import Any

import keras_tuner

from studies.declaration import Scalar, Setting
from studies.errors import InputError, nearest, unknown


class CheckedHyperParameters(keras_tuner.HyperParameters):  # type: ignore[misc]  # untyped
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
