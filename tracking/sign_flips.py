"""The sign-flip permutation test of paired samples: a rank test's counterpart for pairs."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tracking.effects import RankTest
from tracking.stats import NO_PAIRS, Values, constant_differences, finite, number

NO_FLIPS = "no pair differs: no sign-flip test"
RESAMPLED = "sign-flip test from 99,999 random flips: too many to list"
APPROXIMATE_FLIPS = "sign-flip test by normal approximation: too many pairs to flip"
LISTED = 28
"""Pairs whose 2**n flips are all counted, in a few milliseconds."""
FLIPPED = 300
"""Pairs up to which flips are drawn at random; beyond, the normal approximation is as good."""
DRAWN = 99_999
ROUNDING = 1e-12
"""Sums that differ by less than this, relative to the sum of all sizes, are equal."""
_BLOCK = 8
"""Pairs that one random byte flips."""


def sign_flip(treatment: ArrayLike, control: ArrayLike) -> RankTest:
    """Return the sign-flip permutation test of the mean difference of two (pairs,) samples.

    Fisher (1935): under the null hypothesis each difference d is as likely to have the other sign, so that p is the
    share of all 2**pairs flips whose sum is at least as far from 0 as the observed one. The smallest p is
    2 / 2**pairs. Beyond 28 pairs, 99,999 random flips from a fixed stream stand for all; beyond 300, the sum is as
    good as normal with variance sum(d**2), and flagged.

    Raises:
        ValueError: the samples differ in length, or one is not one-dimensional or not finite.
    """
    x, y = finite(treatment), finite(control)
    if x.size != y.size:
        raise ValueError(f"paired samples must have equal lengths. Received: {x.size} and {y.size}")
    if x.size == 0:
        return RankTest(flags=(NO_PAIRS,))
    smallest = math.ldexp(2.0, -x.size)
    differences = x - y
    if constant_differences(x, y) and np.abs(differences).max() == 0:
        return RankTest(None, smallest, (NO_FLIPS,))
    scaled = differences / np.abs(differences).max()
    if x.size > FLIPPED:
        return RankTest(_normal_p(scaled), smallest, (APPROXIMATE_FLIPS,))
    if x.size > LISTED:
        return RankTest(_drawn_p(scaled), smallest, (RESAMPLED,))
    return RankTest(_listed_p(scaled), smallest)


def _listed_p(differences: Values) -> float:
    """Return the share of all flips: sums of one half of the pairs, each with those of the other that go far enough.

    That is 2**(n / 2) sums twice instead of 2**n. The sums are symmetric around 0, so that one side is counted.
    """
    half = differences.size // 2
    first, second = _sums(differences[:half]), np.sort(_sums(differences[half:]))
    least = _least(differences)
    if least <= 0:
        return 1.0
    enough = second.size - np.searchsorted(second, least - np.sort(first)[::-1])
    return min(1.0, 2 * float(enough.sum()) / (first.size * second.size))


def _drawn_p(differences: Values) -> float:
    """Return the share of random flips, the observed one counted as another of them (Phipson & Smyth 2010)."""
    blocks = [differences[start : start + _BLOCK] for start in range(0, differences.size, _BLOCK)]
    rng = np.random.default_rng(0)  # A fixed stream: the same records give the same report.
    sums = np.zeros(DRAWN)
    for block in blocks:
        sums += _sums(block)[rng.integers(0, 2**block.size, DRAWN, dtype=np.uint8, endpoint=False)]
    least = _least(differences)
    return float((np.abs(sums) >= least).sum() + 1) / (DRAWN + 1)


def _normal_p(differences: Values) -> float | None:
    from scipy import special

    return number(2 * special.ndtr(-abs(differences.sum()) / math.sqrt((differences**2).sum())))


def _sums(differences: Values) -> NDArray[np.float64]:
    """Return the sum under each of the 2**n choices of signs."""
    sums = np.zeros(1)
    for difference in differences:
        sums = np.concatenate([sums + difference, sums - difference])
    return sums


def _least(differences: Values) -> float:
    """Return the sum that is as far out as the observed one, rounding allowed for."""
    return float(abs(differences.sum()) - ROUNDING * np.abs(differences).sum())
