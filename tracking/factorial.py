"""What the components of a factorial study do: main effects and two-way interactions, from its arms.

Effect coding: each effect is an average over all levels of the other components, each combination of them counted
once, however many of its trials failed. So an effect is a weighted sum of the arms' means. Its standard error and
degrees of freedom are Welch's (Satterthwaite 1946): each arm brings its own variance. The estimates and standard errors
are those of ordinary least squares on all interactions with HC2 covariance, which the tests check by statsmodels. HC3
with residual degrees of freedom was tried instead, on two by two arms whose spreads differ by up to a factor of 20:
with three trials each, both keep a nominal 0.05 at 0.066 or less, but HC3 rejects 0.022 where the spreads are equal
and Satterthwaite 0.034; HC3 with normal limits, which is statsmodels' own, rejects up to 0.098.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np

from tracking.comparison import Samples
from tracking.stats import (
    NOT_REPRESENTABLE,
    TOO_FEW,
    Difference,
    Values,
    constant,
    finite,
    holm,
    number,
    paired,
    quiet,
)

Cells = Mapping[str, Mapping[str, str]]
"""Arm to component to level: every combination of levels once."""
Kind = Literal["main effect", "interaction"]

EMPTY_ARM = "no finished trial in {arms}: the effect is not defined"
SINGLE_TRIAL = "one trial in {arms}: no interval or test"
NO_VARIANCE = "no variance in any of its arms: no test"
SOME_CONSTANT = "no variance in {arms}"
NO_COMMON_SEED = "no seed is finished in all of its arms"
LOOKS = "the looks of the study allow for comparisons with the control, not for these effects: no test"
NAMED = 3
"""Arms that a reason names; more are counted."""


@dataclass(frozen=True)
class Step:
    """From one level of a component to another."""

    component: str
    level: str
    reference: str
    """The component's first level."""


@dataclass(frozen=True)
class FactorialEffect:
    """One or two steps, and what they change in the mean."""

    steps: tuple[Step, ...]
    test: Difference
    """A main effect is the mean at the level minus the mean at the reference. An interaction is the effect of one step
    where the other has been made, minus its effect where it has not. Sizes are the trials on the side that counts
    positive, and on the other; in a paired study, both are the seeds that all arms have."""
    p_holm: float | None = None

    @property
    def kind(self) -> Kind:
        """How many components it is about."""
        return "main effect" if len(self.steps) == 1 else "interaction"


@quiet()
def factorial_effects(
    samples: Samples, cells: Cells, *, paired_by_seed: bool = False, looks: bool = False, confidence: float = 0.95
) -> tuple[FactorialEffect, ...]:
    """Return all main effects, then all two-way interactions, with Holm's correction over all of them.

    A component of m levels has m - 1 main effects, each against its first level, and two components of m and l levels
    have (m - 1)(l - 1) interactions.

    Args:
        samples: arm to seed to value.
        cells: which levels each arm has.
        paired_by_seed: whether seeds are shared and an effect is computed within each that all of its arms have.
        looks: whether arms may have stopped early, so that no p-value holds.
        confidence: that of each interval.

    Raises:
        ValueError: the arms are not every combination of the levels of two or more components, or a value is
            not finite.
    """
    levels = _levels(cells)
    steps = {
        component: [Step(component, level, names[0]) for level in names[1:]] for component, names in levels.items()
    }
    mains = [(step,) for found in steps.values() for step in found]
    twos = [(one, other) for first, second in combinations(steps, 2) for one in steps[first] for other in steps[second]]
    contrast = _paired if paired_by_seed else _welch
    tests = [contrast(samples, _weights(chosen, cells), confidence) for chosen in (*mains, *twos)]
    if looks:
        tests = [replace(one, t=None, df=None, p=None, flags=(*one.flags, LOOKS)) for one in tests]
    corrected = holm([one.p for one in tests])
    return tuple(FactorialEffect(*row) for row in zip((*mains, *twos), tests, corrected, strict=True))


def _levels(cells: Cells) -> dict[str, list[str]]:
    """Return component to levels in their order; the arms must be every combination once."""
    components = list(next(iter(cells.values()), {}))
    if len(components) < 2 or any(list(cell) != components for cell in cells.values()):
        raise ValueError(f"each arm needs a level of the same two or more components. Received: {dict(cells)}")
    levels = {name: list(dict.fromkeys(cell[name] for cell in cells.values())) for name in components}
    combined = {tuple(cell.values()) for cell in cells.values()}
    if len(combined) < len(cells) or len(combined) < math.prod(map(len, levels.values())):
        raise ValueError(f"the arms must be every combination of the levels once. Received: {dict(cells)}")
    return levels


def _weights(steps: Sequence[Step], cells: Cells) -> dict[str, float]:
    """Return the weight of each arm that the steps are about; they add up to 0."""
    signs = {}
    for arm, cell in cells.items():
        sides = [(cell[step.component] == step.level) - (cell[step.component] == step.reference) for step in steps]
        if sign := math.prod(sides):
            signs[arm] = sign
    others = len(signs) / 2 ** len(steps)
    return {arm: sign / others for arm, sign in signs.items()}


def _welch(samples: Samples, weights: Mapping[str, float], confidence: float) -> Difference:
    """Return the test of the weighted sum of the means of independent arms.

    With w the weights, s**2 / n an arm's squared standard error: SE**2 = sum(w**2 s**2 / n), and Satterthwaite's
    df = SE**4 / sum((w**2 s**2 / n)**2 / (n - 1)).
    """
    values = {arm: finite(list(samples[arm].values())) for arm in weights}
    sizes = _sizes({arm: sample.size for arm, sample in values.items()}, weights)
    if empty := [arm for arm, sample in values.items() if sample.size == 0]:
        return Difference(*sizes, flags=(EMPTY_ARM.format(arms=_named(empty)),))
    difference = number(sum(weights[arm] * sample.mean() for arm, sample in values.items()))
    if single := [arm for arm, sample in values.items() if sample.size == 1]:
        return Difference(*sizes, difference, flags=(SINGLE_TRIAL.format(arms=_named(single)),))
    same = [arm for arm, sample in values.items() if constant(sample)]
    if len(same) == len(values):
        return Difference(*sizes, difference, flags=(NO_VARIANCE,))
    flags: tuple[str, ...] = (SOME_CONSTANT.format(arms=_named(same)),) if same else ()
    flags += (TOO_FEW,) if min(sample.size for sample in values.values()) < 3 else ()
    return _tested(Difference(*sizes, difference, flags=flags), values, weights, confidence)


def _tested(found: Difference, values: Mapping[str, Values], weights: Mapping[str, float], level: float) -> Difference:
    from scipy import special

    errors = {arm: abs(weights[arm]) * sample.std(ddof=1) / math.sqrt(sample.size) for arm, sample in values.items()}
    largest = max(errors.values())
    # Relative to the largest standard error, so that no square overflows.
    parts = {arm: float(error / largest) ** 2 for arm, error in errors.items()}
    squared = sum(parts.values())
    df = squared**2 / sum(part**2 / (values[arm].size - 1) for arm, part in parts.items())
    se = float(largest) * math.sqrt(squared)
    difference = math.nan if found.difference is None else found.difference
    half = float(special.stdtrit(df, (1 + level) / 2)) * se
    t, low, high = number(difference / se), number(difference - half), number(difference + half)
    if t is None or low is None or high is None:
        return replace(found, flags=(*found.flags, NOT_REPRESENTABLE))
    return replace(found, low=low, high=high, t=t, df=df, p=float(2 * special.stdtr(df, -abs(t))))


def _paired(samples: Samples, weights: Mapping[str, float], confidence: float) -> Difference:
    """Return the one-sample t test of the weighted sums, one per seed that all arms have."""
    if empty := [arm for arm in weights if not samples[arm]]:
        return Difference(0, 0, flags=(EMPTY_ARM.format(arms=_named(empty)),))
    seeds = sorted(set.intersection(*(set(samples[arm]) for arm in weights)))
    if not seeds:
        return Difference(0, 0, flags=(NO_COMMON_SEED,))
    rows = {arm: finite([samples[arm][seed] for seed in seeds]) for arm in weights}
    # Both sides are means of as many arms: of them, the pairs are made.
    sides = [sum(abs(weight) * rows[arm] for arm, weight in weights.items() if weight * sign > 0) for sign in (1, -1)]
    return paired(np.asarray(sides[0]), np.asarray(sides[1]), confidence)


def _sizes(counts: Mapping[str, int], weights: Mapping[str, float]) -> tuple[int, int]:
    """Return the trials that count positive, and the others."""
    positive = sum(count for arm, count in counts.items() if weights[arm] > 0)
    return positive, sum(counts.values()) - positive


def _named(arms: Sequence[str]) -> str:
    more = [f"{len(arms) - NAMED} more"] if len(arms) > NAMED else []
    return ", ".join([*arms[:NAMED], *more])


def reasons(effects: Iterable[FactorialEffect]) -> tuple[str, ...]:
    """Return why effects are not tested or with which caution, each reason once."""
    return tuple(dict.fromkeys(flag for one in effects for flag in one.test.flags))
