"""How large a difference is (Hedges g, A12), and rank tests that assume no distribution."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracking.stats import NO_PAIRS, NO_VALUES, constant, constant_differences, finite, number, quiet

NO_EFFECT_SIZE = "no spread to measure the effect in"
NO_EFFECT_INTERVAL = "the interval of Hedges g cannot be computed"
APPROXIMATE = "rank test by normal approximation: too many arrangements to list"
RESAMPLED = "sign-flip test from 99,999 random flips: too many to list"
APPROXIMATE_FLIPS = "sign-flip test by normal approximation: too many pairs to flip"
NO_RANKS = "all values are equal: no rank test"

LISTED = 200_000
"""Arrangements that are enumerated at most; ten against ten has 184,756."""
COUNTED = 2_500
"""Pairs of untied values up to which the exact distribution is counted."""
BATCH = 20_000
FLIPS = 16
"""Pairs whose 2**n sign flips are enumerated."""
FLIPPED = 300
"""Pairs up to which flips are drawn at random; more would take seconds and gigabytes."""


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
    from scipy import stats

    x, y = finite(treatment), finite(control)
    if 0 in (x.size, y.size):
        return None
    return number(stats.mannwhitneyu(x, y, method="asymptotic").statistic / (x.size * y.size))


def mann_whitney(treatment: ArrayLike, control: ArrayLike) -> RankTest:
    """Return the exact Mann-Whitney test of samples of shapes (n1,) and (n2,).

    The smallest p is 2 / C(n1 + n2, n1). Without ties the p is scipy's exact one; with ties all arrangements
    of the mid-ranks are listed. Where that takes too long (beyond ten against ten with ties, fifty against
    fifty without) the normal approximation with tie correction is used, and flagged.

    Raises:
        ValueError: a sample is not one-dimensional or not finite.
    """
    from scipy import stats

    x, y = finite(treatment), finite(control)
    if 0 in (x.size, y.size):
        return RankTest(flags=(NO_VALUES,))
    arrangements = math.comb(x.size + y.size, x.size)
    smallest = min(1.0, 2 / arrangements)
    ranks = stats.rankdata(np.concatenate([x, y]))
    if np.ptp(ranks) == 0:
        return RankTest(None, smallest, (NO_RANKS,))
    if len(set(ranks.tolist())) == ranks.size and x.size * y.size <= COUNTED:
        return RankTest(number(stats.mannwhitneyu(x, y, method="exact").pvalue), smallest)
    if arrangements > LISTED:
        return RankTest(number(stats.mannwhitneyu(x, y, method="asymptotic").pvalue), smallest, (APPROXIMATE,))
    if 1 in (x.size, y.size):
        # scipy refuses to permute a single value; its rank is equally likely to be any of the others'.
        single = ranks[0] if x.size == 1 else ranks[-1]
        return RankTest(min(1.0, 2 * float(min((ranks <= single).mean(), (ranks >= single).mean()))), smallest)
    groups = (ranks[: x.size], ranks[x.size :])
    listed = stats.permutation_test(groups, _rank_sum, vectorized=True, n_resamples=LISTED, batch=BATCH)
    return RankTest(number(listed.pvalue), smallest)


def sign_flip(treatment: ArrayLike, control: ArrayLike) -> RankTest:
    """Return the sign-flip permutation test of the mean difference of two (pairs,) samples.

    The smallest p is 2 / 2**pairs. Beyond 16 pairs, 99,999 random flips from a fixed stream stand for all; beyond
    300, the sum of the flipped differences d is as good as normal with variance sum(d**2), and flagged.

    Raises:
        ValueError: the samples differ in length, or one is not one-dimensional or not finite.
    """
    from scipy import stats

    x, y = finite(treatment), finite(control)
    if x.size != y.size:
        raise ValueError(f"paired samples must have equal lengths. Received: {x.size} and {y.size}")
    if x.size == 0:
        return RankTest(flags=(NO_PAIRS,))
    smallest = math.ldexp(2.0, -x.size)
    if constant_differences(x, y) and np.abs(x - y).max() == 0:
        return RankTest(None, smallest, (NO_RANKS,))
    if x.size == 1:
        return RankTest(1.0, smallest)
    if x.size > FLIPPED:
        return RankTest(_normal_flips(x - y), smallest, (APPROXIMATE_FLIPS,))
    listed = x.size <= FLIPS
    result = stats.permutation_test(
        (x, y),
        _mean_difference,
        permutation_type="samples",
        vectorized=True,
        n_resamples=2**FLIPS if listed else 99_999,
        batch=BATCH,
        rng=np.random.default_rng(0),  # A fixed stream: the same records give the same report.
    )
    return RankTest(number(result.pvalue), smallest, () if listed else (RESAMPLED,))


def _normal_flips(differences: NDArray[np.float64]) -> float | None:
    from scipy import special

    scaled = differences / np.abs(differences).max()
    return number(2 * special.ndtr(-abs(scaled.sum()) / math.sqrt((scaled**2).sum())))


def _rank_sum(x: NDArray[Any], y: NDArray[Any], axis: int) -> Any:
    del y  # The two sums add up to a constant.
    return x.sum(axis=axis)


def _mean_difference(x: NDArray[Any], y: NDArray[Any], axis: int) -> Any:
    return x.mean(axis=axis) - y.mean(axis=axis)
