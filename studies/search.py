"""How a search goes: the space, who proposes settings, when it stops, and the confirmation that it ends in."""

import math
import re
from datetime import time
from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, StrictFloat, StrictInt, field_validator, model_validator

from studies.declaration import Declaration, Scalar
from studies.errors import nearest

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h)")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class ParameterSpec(Declaration):
    """What a hyperparameter may be in this search: one of some choices, or a number in a range."""

    choices: list[Scalar] | None = None
    """The values to choose from."""
    low: StrictInt | StrictFloat | None = None
    """Least value. Two whole numbers make a range of whole numbers."""
    high: StrictInt | StrictFloat | None = None
    """Greatest value, included."""
    step: StrictInt | StrictFloat | None = Field(default=None, gt=0)
    """Distance of neighbouring values, counted from `low`. Null: any number in the range."""
    log: StrictBool = False
    """Propose on a logarithmic scale."""
    when: dict[str, list[Scalar]] = Field(default={})
    """Other hyperparameters, and the values of each under which this one is asked for. Empty: as the model says, which
    says nothing where it declares this one behind a plain `if` and in no conditional scope of Keras Tuner."""

    @model_validator(mode="after")
    def _is_a_space(self) -> Self:
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.step is not None or self.log:
                given = ", ".join(f"{name}={value}" for name, value in self.model_dump(exclude_defaults=True).items())
                raise ValueError(f"must be either choices or a range (low, high), not both. Received: {given}")
            if not self.choices:
                raise ValueError("must have at least one choice. Received: choices=[]")
            return self
        if self.low is None or self.high is None:
            raise ValueError(f"must give choices, or low and high. Received: low={self.low}, high={self.high}")
        if self.low > self.high:
            raise ValueError(f"must have low <= high. Received: low={self.low}, high={self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"must have low > 0 on a logarithmic scale. Received: low={self.low}")
        if self.log and self.step is not None:
            raise ValueError(f"must have no step on a logarithmic scale. Received: step={self.step}")
        return self

    @property
    def whole(self) -> bool:
        """Whether the range is one of whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int)


class ConfirmSpec(Declaration):
    """The end of a search: its best settings and the control are trained on fresh seeds and scored on the test set."""

    settings: StrictInt = Field(default=3, ge=1, le=50)
    """How many of the best settings are confirmed."""
    replicates: StrictInt = Field(default=6, ge=2, le=1000)
    """Trials of each, and of the control; none of their seeds was used while choosing."""


class SearchSpec(Declaration):
    """How settings are proposed and judged; the test set takes no part in it."""

    space: dict[str, ParameterSpec] = Field(default={})
    """Hyperparameters to vary. Empty: all that the model declares, but for those that `study.fixed` fixes."""
    sampler: Literal["tpe", "random", "grid", "gp", "cmaes", "qmc"] = "tpe"
    """Who proposes settings, by Optuna's name."""
    seed: StrictInt = Field(default=0, ge=0, lt=2**31)
    """Of the sampler."""
    pruner: Literal["none", "median", "hyperband", "wilcoxon"] = "none"
    """Who ends hopeless trials early: `median` and `hyperband` look at epochs, `wilcoxon` at seeds or folds."""
    settings: StrictInt = Field(default=30, ge=1, le=1_000_000)
    """How many different settings are tried."""
    replicates: StrictInt = Field(default=1, ge=1, le=1000)
    """Seeds that each setting is trained with; with folds, each seed trains every fold."""
    duration: str | None = None
    """No new trial starts after so long, such as `90m` or `1h30m`; the rest waits for the next start."""
    stop_at: str | None = None
    """No new trial starts after this time of day, such as `06:00`; the rest waits for the next start."""
    target: StrictFloat | None = None
    """The search is over once a setting's score reaches this value."""
    confirm: ConfirmSpec = ConfirmSpec()

    @field_validator("duration", mode="before")
    @classmethod
    def _is_a_duration(cls, given: object) -> object:
        if given is not None and not (isinstance(given, str) and seconds_of(given) > 0):
            raise ValueError(f"`study.search.duration` must be a time such as 90m or 1h30m. Received: {given!r}.")
        return given

    @field_validator("stop_at", mode="before")
    @classmethod
    def _is_a_time(cls, given: object) -> object:
        expected = "`study.search.stop_at` must be a time of day such as 06:00"
        if isinstance(given, int):  # YAML reads 22:30 without quotes as a number of base 60.
            raise ValueError(f"{expected}, in quotes in a file. Received: {given}, a number.")
        try:
            if given is not None:
                time.fromisoformat(str(given))
        except ValueError:
            raise ValueError(f"{expected}. Received: {given!r}.") from None
        return given

    @model_validator(mode="after")
    def _has_sound_conditions(self) -> Self:
        for name, parameter in self.space.items():
            if name in parameter.when:
                raise ValueError(
                    f"`study.search.space.{name}.when` must name other hyperparameters. Received: {name!r}."
                )
            seen, waiting = {name}, list(parameter.when)
            while waiting:
                parent = waiting.pop()
                if parent == name:
                    raise ValueError(
                        f"`study.search.space.{name}.when` must not depend on itself. "
                        f"Received: {name} -> {' -> '.join(parameter.when)} -> ... -> {name}."
                    )
                if parent not in seen and parent in self.space:
                    waiting.extend(self.space[parent].when)
                seen.add(parent)
            for parent, values in parameter.when.items():
                self._check_condition(name, parent, values)
        return self

    def _check_condition(self, name: str, parent: str, values: list[Scalar]) -> None:
        if not values:
            raise ValueError(f"`study.search.space.{name}.when.{parent}` must have at least one value. Received: [].")
        declared = self.space.get(parent)
        if declared is None or declared.choices is None:
            return
        for value in values:
            if value not in declared.choices:
                raise ValueError(
                    f"`study.search.space.{name}.when.{parent}` must hold choices of {parent!r}. Received: {value!r}."
                    f"{nearest(str(value), map(str, declared.choices))}"
                )


def seconds_of(duration: str) -> float:
    """Return a duration such as `1h30m` in seconds; NaN if it is none."""
    parts = _DURATION.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        return math.nan
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


Looks = Annotated[list[StrictInt], Field(min_length=1, max_length=20)]


class SequentialSpec(Declaration):
    """Replicates in stages: after each look, arms whose question is answered stop (see tracking.sequential)."""

    looks: Looks
    """Replicates per arm at which the study looks at its results, ascending, such as `[5, 10, 15, 20]`."""
    alpha: StrictFloat | None = Field(default=None, gt=0, lt=0.5)
    """Family-wise error rate over all looks. Null: the study's alpha."""
    futility: StrictBool = False
    """Also stop an arm whose chance of reaching significance at the last look has fallen under 10%."""

    @model_validator(mode="after")
    def _ascends(self) -> Self:
        if self.looks[0] < 2 or any(
            later <= earlier for earlier, later in zip(self.looks, self.looks[1:], strict=False)
        ):
            raise ValueError(f"`study.replicates.looks` must ascend from 2 or more. Received: {self.looks}.")
        return self
