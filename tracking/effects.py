"""How large a difference is (Hedges g, A12), and rank tests that assume no distribution."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracking.stats import NO_VALUES, constant, finite, number, quiet

NO_EFFECT_SIZE = "no spread to measure the effect in"
NO_EFFECT_INTERVAL = "the interval of Hedges g cannot be computed"
APPROXIMATE = "rank test by normal approximation: too many values to count their arrangements"
NO_RANKS = "all values are equal: no rank test"

COUNTED = 2_500
"""Pairs of untied values up to which the exact distribution is counted."""
TIED = 400
"""The same for tied values, which have more possible sums: twenty against twenty takes a millisecond."""


@dataclass(frozen=True)
class Effect:
    """A standardised difference with its interval, in standard deviations."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class RankTest:
    """A two-sided test from ranks or signs."""

    p: float | None = None
    smallest_p: float | None = None
    """The smallest p that samples of this size can give, whatever their values."""
    flags: tuple[str, ...] = ()


@quiet()
def hedges_g(treatment: ArrayLike, control: ArrayLike, confidence: float = 0.95) -> Effect:
    """Return the standardised mean difference of samples of shapes (n1,) and (n2,), bias removed.

    Hedges (1981): g = J(n1 + n2 - 2) (m1 - m2) / pooled sd, J(v) = gamma(v/2) / (sqrt(v/2) gamma((v-1)/2)).
    The interval inverts the noncentral t distribution (Steiger & Fouladi 1997) and carries the same factor J.

    Raises:
        ValueError: a sample is not one-dimensional or not finite.
    """
    from scipy.special import gammaln

    x, y = finite(treatment), finite(control)
    if min(x.size, y.size) < 2 or (constant(x) and constant(y)):
        return Effect(flags=(NO_EFFECT_SIZE,))
    # The result has no unit; in a unit of their own size, no square of the values overflows or vanishes.
    size = max(np.abs(x).max(), np.abs(y).max())
    x, y = x / size, y / size
    df = x.size + y.size - 2
    pooled = math.sqrt(((x.size - 1) * x.var(ddof=1) + (y.size - 1) * y.var(ddof=1)) / df)
    d = number((x.mean() - y.mean()) / pooled) if pooled > 0 else None
    if d is None:
        return Effect(flags=(NO_EFFECT_SIZE,))
    unbias = math.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / math.sqrt(df / 2)
    root = math.sqrt(x.size * y.size / (x.size + y.size))
    ends = noncentrality(d * root, df, confidence)
    if ends is None:
        return Effect(unbias * d, flags=(NO_EFFECT_INTERVAL,))
    return Effect(unbias * d, unbias * ends[0] / root, unbias * ends[1] / root)


def noncentrality(t: float, df: float, confidence: float = 0.95) -> tuple[float, float] | None:
    """Return the interval of an observed `t`'s noncentrality; None where scipy cannot compute it."""
    tail = (1 - confidence) / 2
    low = _noncentrality_at(1 - tail, t, df, direction=-1)
    high = _noncentrality_at(tail, t, df, direction=1)
    return None if low is None or high is None else (low, high)


def _noncentrality_at(probability: float, t: float, df: float, direction: int) -> float | None:
    """Return the noncentrality under which `t` has this cumulative `probability`, on one side of `t`."""
    from scipy import optimize, stats

    def excess(noncentrality: float) -> float:
        return float(stats.nct.cdf(t, df, noncentrality)) - probability

    # Approached in steps, since scipy's noncentral t gives NaN far out.
    reach = 1.0
    while direction * excess(t + direction * reach) > 0:
        reach *= 1.5
    try:
        found = float(optimize.brentq(excess, t, t + direction * reach))
    except (ValueError, RuntimeError):
        return None
    # It loses its precision before it fails: believe it only if it gives the probability back.
    return found if abs(excess(found)) < 1e-6 else None


@quiet()
def a12(treatment: ArrayLike, control: ArrayLike) -> float | None:
    """Return the probability that a treatment trial exceeds a control trial, ties counted half.

    Vargha & Delaney (2000): A12 = U / (n1 n2), U the Mann-Whitney statistic of the treatment. None if a
    sample is empty.

    Raises:
        ValueError: a sample is not one-dimensional or not finite.
    """
    x, y = finite(treatment), np.sort(finite(control))
    if 0 in (x.size, y.size):
        return None
    below, not_above = (np.searchsorted(y, x, side=side) for side in ("left", "right"))
    return float((below + not_above).mean()) / (2 * y.size)


def mann_whitney(treatment: ArrayLike, control: ArrayLike) -> RankTest:
    """Return the exact Mann-Whitney test of samples of shapes (n1,) and (n2,).

    The smallest p is 2 / C(n1 + n2, n1). Without ties the p is scipy's exact one; with ties, which scipy cannot
    count, it is that of all arrangements of the mid-ranks (Streitberg & Roehmel 1986). Beyond fifty against fifty
    (twenty against twenty with ties) the normal approximation with tie correction is used, and flagged.

    Raises:
        ValueError: a sample is not one-dimensional or not finite.
    """
    from scipy import stats

    x, y = finite(treatment), finite(control)
    if 0 in (x.size, y.size):
        return RankTest(flags=(NO_VALUES,))
    smallest = min(1.0, 2 / math.comb(x.size + y.size, x.size))
    ranks = stats.rankdata(np.concatenate([x, y]))
    if np.ptp(ranks) == 0:
        return RankTest(None, smallest, (NO_RANKS,))
    tied = np.unique(ranks).size < ranks.size
    if x.size * y.size > (TIED if tied else COUNTED):
        return RankTest(number(stats.mannwhitneyu(x, y, method="asymptotic").pvalue), smallest, (APPROXIMATE,))
    if tied:
        return RankTest(_tied_p(*((ranks, x.size) if x.size <= y.size else (ranks[::-1], y.size))), smallest)
    return RankTest(number(stats.mannwhitneyu(x, y, method="exact").pvalue), smallest)


def _tied_p(ranks: NDArray[np.float64], size: int) -> float:
    """Return the two-sided p of the first `size` of all `ranks`: twice the smaller tail of their sum.

    Row k of `counts` holds how many choices of k ranks have each sum; each rank in turn doubles the choices.
    """
    doubled = np.rint(2 * ranks).astype(int)  # Mid-ranks are halves.
    counts = np.zeros((size + 1, int(np.sort(doubled)[-size:].sum()) + 1))
    counts[0, 0] = 1.0
    for rank in doubled:
        counts[1:, rank:] += counts[:-1, : counts.shape[1] - rank]
    observed, total = int(doubled[:size].sum()), counts[-1].sum()
    tails = counts[-1, : observed + 1].sum(), counts[-1, observed:].sum()
    return min(1.0, 2 * float(min(tails)) / float(total))
