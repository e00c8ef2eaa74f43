"""Optimizers by name, declared as hyperparameters of the model that they train."""

import inspect
from typing import Any

import keras

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "adamax": keras.optimizers.Adamax,
    "adagrad": keras.optimizers.Adagrad,
    "adadelta": keras.optimizers.Adadelta,
    "nadam": keras.optimizers.Nadam,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


def declared_optimizer(
    hp: Any, *, default: str = "adam", learning_rate: float | None = None, momentum: float | None = None
) -> keras.optimizers.Optimizer:
    """Return the optimizer that `hp` chooses, having declared `optimizer`, `learning_rate` and perhaps `momentum`.

    Args:
        hp: Keras Tuner hyperparameters.
        default: name of the optimizer, unless the setting says otherwise.
        learning_rate: the rate, unless the setting says otherwise. None: Keras's own for the chosen optimizer, which
            is ten times higher for SGD than for the others.
        momentum: of SGD, unless the setting says otherwise. None: not a hyperparameter of this model.
    """
    name = hp.Choice("optimizer", list(OPTIMIZERS), default=default)
    if learning_rate is None:
        learning_rate = inspect.signature(OPTIMIZERS[name]).parameters["learning_rate"].default
    rate = hp.Float("learning_rate", 1e-6, 10.0, sampling="log", default=learning_rate)
    if momentum is not None:
        with hp.conditional_scope("optimizer", ["sgd"]):
            momentum = hp.Float("momentum", 0.0, 0.999, default=momentum)
        if name == "sgd":
            return keras.optimizers.SGD(rate, momentum=momentum)
    return OPTIMIZERS[name](rate)
