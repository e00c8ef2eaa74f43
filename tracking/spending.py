"""How much of the error rate each look at a growing sample may spend, and the p-values that follow from it.

Lan & DeMets (1983) with O'Brien-Fleming-type spending. Each of the two sides of a test at level alpha has spent
2 - 2 Phi(z(alpha / 4) / sqrt(t)) when the fraction t of the replicates is in, z(q) the upper q quantile of the
normal distribution. Looks are the replicates per arm at which the study looks at its results, ascending; t is
the look divided by the last look.

The statistic at a look is the normal quantile of its two-sided p, so that t tests, which have few degrees of
freedom at the first looks, keep their level at each look.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from tracking.stats import Values

SMALLEST = 1e-12
"""Sequential p-values below this are given as this: nobody's error rate is that small."""
KNOTS = 121
"""Levels between 1 and SMALLEST at which the boundaries are computed; cubic splines through them are exact to
1e-7 of the p-value."""
FAR = 38.0
"""Standard deviations beyond which a normal density is smaller than any float."""
FINEST = 1e-290
"""A look that may spend less than this can never reject."""
NODES = 24
NODES_PER_WIDTH = 4.0
"""Gauss-Legendre nodes per standard deviation of the narrowest density, on top of NODES."""


@lru_cache(maxsize=1024)
def nominal_levels(alpha: float, looks: tuple[int, ...]) -> tuple[float, ...]:
    """Return the level of the two-sided test at each of `looks` that gives `alpha` over all of them.

    The level is 0.0 at a look that comes too early to reject anything.

    Raises:
        ValueError: `alpha` is not between 0 and 1, or `looks` do not ascend.
    """
    from scipy import special

    if not 0 < alpha <= 1:
        raise ValueError(f"`alpha` must be above 0 and at most 1. Received: {alpha}")
    levels: Values = 2 * special.ndtr(-_boundaries(np.array([alpha]), _fractions(looks))[0])
    return tuple(float(level) for level in levels)


def sequential_p(p_values: Sequence[float | None], looks: tuple[int, ...]) -> float:
    """Return the smallest alpha whose boundary has been crossed by now.

    Args:
        p_values: the two-sided p at each look so far, None where there was no test, which crosses nothing.
        looks: all looks that are planned.

    It never grows from one look to the next, is at most 1, and rejecting where it is at most alpha rejects with
    probability alpha at most, over all looks together.

    Raises:
        ValueError: there are more p-values than looks, one is outside [0, 1], or `looks` do not ascend.
    """
    if len(p_values) > len(looks):
        raise ValueError(f"at most one p-value per look. Received: {len(p_values)} p-values, looks={looks}")
    table = _table(looks)
    return min([1.0, *(table[look](p) for look, p in enumerate(p_values) if p is not None)])


@dataclass(frozen=True)
class _Inverse:
    """The smallest alpha that rejects at one look, by the two-sided p there."""

    first: float
    """Boundary at alpha = 1, in standard deviations."""
    last: float
    """Boundary at the smallest alpha that can reject at this look."""
    quantile: Callable[[float], Any]
    """z(alpha / 4), by the boundary."""

    def __call__(self, p: float) -> float:
        from scipy import special

        if not 0 <= p <= 1:
            raise ValueError(f"a p-value must be in [0, 1]. Received: {p}")
        z = math.inf if p == 0 else -float(special.ndtri(p / 2))
        if z < self.first:
            return 1.0
        return min(1.0, 4 * float(special.ndtr(-float(self.quantile(min(z, self.last))))))


@lru_cache(maxsize=64)
def _table(looks: tuple[int, ...]) -> tuple[_Inverse, ...]:
    """Return the inverse at each look. It takes 0.05 s for four looks and 1 s for twenty, so it is kept."""
    from scipy import interpolate, special

    first, last = -special.ndtri(1 / 4), -special.ndtri(SMALLEST / 4)
    # Closer together at large alpha, where the boundaries bend.
    quantiles = first + (last - first) * np.linspace(0, 1, KNOTS) ** 2
    boundaries = _boundaries(4 * special.ndtr(-quantiles), _fractions(looks))
    inverses = []
    for column in boundaries.T:
        usable = np.isfinite(column)
        knots = column[usable]
        # Where even alpha = 1 cannot reject, nothing can.
        if knots.size < 4:
            inverses.append(_Inverse(math.inf, math.inf, float))
            continue
        spline = interpolate.CubicSpline(knots, quantiles[usable])
        inverses.append(_Inverse(float(knots[0]), float(knots[-1]), spline))
    return tuple(inverses)


def _fractions(looks: Sequence[int]) -> Values:
    """Return the fraction of the replicates that is in at each look."""
    if not looks or looks[0] < 1 or any(later <= earlier for earlier, later in pairwise(looks)):
        raise ValueError(f"looks must ascend from 1 or more. Received: {looks}")
    return np.asarray(looks, dtype=np.float64) / looks[-1]


def _boundaries(alphas: Values, t: Values) -> Values:
    """Return the (alphas, looks) boundaries in standard deviations, by integrating from look to look.

    The sum of the increments so far is Brownian motion at times `t`, of shape (looks,). Its density where no
    boundary has been crossed yet is symmetric, and kept on Gauss-Legendre nodes from 0 to the boundary
    (Armitage, McPherson & Rowe 1969).
    """
    from scipy import special

    spent = 2 * special.ndtr(special.ndtri(alphas / 4)[:, None] / np.sqrt(t))
    widths = np.sqrt(np.diff(t, prepend=0.0))
    found = np.full_like(spent, np.inf)
    reached: _Density | None = None
    for look, width in enumerate(widths):
        increments = spent[:, look] - (spent[:, look - 1] if look else 0.0)
        if reached is None:
            limits = -special.ndtri(increments)
        else:
            guess = -special.ndtri(spent[:, look]) * np.sqrt(t[look])
            limits = reached.limit(increments, guess, width) / np.sqrt(t[look])
        found[:, look] = np.where(increments < FINEST, np.inf, np.maximum(limits, 0.0))
        if look + 1 < t.size:
            reach = np.minimum(found[:, look], FAR) * np.sqrt(t[look])
            reached = _step(reached, reach, width, min(width, widths[look + 1]))
    return found


@dataclass(frozen=True)
class _Density:
    """The density of a symmetric sum where no boundary has been crossed, for each alpha."""

    nodes: Values
    """(alphas, nodes), not negative."""
    mass: Values
    """(alphas, nodes): density times quadrature weight."""

    def limit(self, increments: Values, guess: Values, width: float) -> Values:
        """Return what the sum exceeds with probability `increments` after a step of sd `width`.

        Newton's method on the logarithm, which is concave: from the second step on it comes from above.
        """
        from scipy import special

        limit = guess
        for _ in range(100):
            beyond = (limit[:, None] - np.stack([self.nodes, -self.nodes])) / width
            tail = (self.mass * special.ndtr(-beyond).sum(axis=0)).sum(axis=1)
            slope = (self.mass * _normal(beyond).sum(axis=0)).sum(axis=1) / width
            with np.errstate(divide="ignore", invalid="ignore"):
                step = np.nan_to_num(tail / slope * np.log(tail / increments), nan=0.0, posinf=0.0, neginf=0.0)
            limit = limit + step
            if np.abs(step).max() < 1e-12:
                break
        return limit


def _step(before: _Density | None, reach: Values, width: float, narrowest: float) -> _Density:
    """Return the density up to `reach`, of shape (alphas,), after a step of sd `width` from `before`."""
    count = NODES + math.ceil(NODES_PER_WIDTH * float(reach.max()) / narrowest)
    x, weights = np.polynomial.legendre.leggauss(count)
    nodes = reach[:, None] * (x + 1) / 2
    if before is None:
        return _Density(nodes, reach[:, None] * weights / 2 * _normal(nodes / width) / width)
    density = np.empty_like(nodes)
    for row, (here, there, mass) in enumerate(zip(nodes, before.nodes, before.mass, strict=True)):
        # One alpha after the other: all at once would need (alphas, nodes, nodes) floats.
        jumps = _normal((here[:, None] - there) / width) + _normal((here[:, None] + there) / width)
        density[row] = jumps @ mass / width
    return _Density(nodes, reach[:, None] * weights / 2 * density)


def _normal(z: Values) -> Values:
    return np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
