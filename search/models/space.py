"""The hyperparameters that a model declares; free of Keras, so that whoever receives them need not import it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from studies.declaration import Scalar

Kind = Literal["float", "int", "choice", "boolean", "fixed"]


@dataclass(frozen=True)
class Condition:
    """Another hyperparameter, and the values of it under which this one is read."""

    parent: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Hyperparameter:
    """What a model says that one of its hyperparameters can be."""

    name: str
    kind: Kind
    default: Scalar
    low: int | float | None = None
    """Least value of a number."""
    high: int | float | None = None
    """Greatest value of a number, included."""
    step: int | float | None = None
    """Distance of neighbouring values, counted from `low`; with `log`, their ratio. None: any number in the range."""
    log: bool = False
    """Whether the model asks for a logarithmic scale."""
    choices: tuple[Scalar, ...] = ()
    """The values of a choice or a boolean, and the one value of a fixed one."""
    conditions: tuple[Condition, ...] = ()
    """All must hold, outermost first; empty for what every setting has."""

    def is_active(self, setting: Mapping[str, Scalar]) -> bool:
        """Return whether a model with the values in `setting` reads this hyperparameter."""
        return all(
            condition.parent in setting and setting[condition.parent] in condition.values
            for condition in self.conditions
        )


Space = tuple[Hyperparameter, ...]
"""In the order in which the model reads them, parents before their children.

A name may come twice, with different conditions: it is then a different range in each branch.
"""
