"""All arms at once: whether any of them differ, which decides nothing, and every pair of them, on request."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from numpy.typing import ArrayLike

from tracking.stats import (
    BOTH_CONSTANT,
    NO_VALUES,
    NOT_REPRESENTABLE,
    ONE_CONSTANT,
    ONE_VALUE,
    TOO_FEW,
    Values,
    constant,
    finite,
    number,
    quiet,
)

ONE_ARM = "fewer than two arms: no test over all arms"
SHORT_ARM = "an arm has fewer than two trials: no test over all arms"
CONSTANT_ARM = "an arm has no variance: no test over all arms"


@dataclass(frozen=True)
class Omnibus:
    """A test of whether all arms have the same mean; a description, and never a gate for other tests."""

    statistic: float | None = None
    """Chi-square with arms - 1 degrees of freedom, if they have."""
    p: float | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class PairDifference:
    """One arm minus another, with the error rate of all pairs together."""

    first: str
    second: str
    n_first: int
    n_second: int
    difference: float | None = None
    low: float | None = None
    """Lower end of the interval; the intervals of all pairs cover together."""
    high: float | None = None
    p: float | None = None
    """Corrected for the number of arms: nothing is to be added to it."""
    flags: tuple[str, ...] = ()


@quiet()
def omnibus(samples: Sequence[ArrayLike]) -> Omnibus:
    """Test whether samples of shapes (n1,), (n2,), ... have the same mean; their variances may differ.

    Alexander & Govern (1994). There is no answer, but a reason, where a sample has no variance or fewer than
    two values.

    Raises:
        ValueError: a sample is not one-dimensional or not finite.
    """
    from scipy import stats

    values = [finite(sample) for sample in samples]
    if len(values) < 2:
        return Omnibus(flags=(ONE_ARM,))
    if min(sample.size for sample in values) < 2:
        return Omnibus(flags=(SHORT_ARM,))
    if any(constant(sample) for sample in values):
        return Omnibus(flags=(CONSTANT_ARM,))
    result = stats.alexandergovern(*values)
    statistic, p = number(result.statistic), number(result.pvalue)
    if statistic is None or p is None:
        return Omnibus(flags=(NOT_REPRESENTABLE,))
    return Omnibus(statistic, p, (TOO_FEW,) if min(sample.size for sample in values) < 3 else ())


@quiet()
def games_howell(samples: Mapping[str, ArrayLike], confidence: float = 0.95) -> tuple[PairDifference, ...]:
    """Compare every pair of arms, first minus second in the order of `samples`; their variances may differ.

    Games & Howell (1976): Welch's statistic against the studentized range of as many means as there are arms.
    An arm with fewer than two values is in no tested pair, so it does not count among those means; its pairs say
    why they are not tested, and so does a pair without variance on both sides. `confidence` is that of all
    intervals together. It takes 0.06 s a pair.

    Raises:
        ValueError: a sample is not one-dimensional or not finite.
    """
    from scipy import stats

    values = {name: finite(sample) for name, sample in samples.items()}
    tested = [name for name, sample in values.items() if sample.size > 1]
    spread = any(not constant(values[name]) for name in tested)
    enough = len(tested) > 1 and spread
    result = stats.tukey_hsd(*(values[name] for name in tested), equal_var=False) if enough else None
    found = []
    for first, second in combinations(values, 2):
        pair = _untested(first, second, values)
        if result is not None and not pair.flags:
            p = number(result.pvalue[tested.index(first), tested.index(second)])
            pair = _tested(pair, p, values, len(tested), confidence)
        found.append(pair)
    return tuple(found)


def _untested(first: str, second: str, values: Mapping[str, Values]) -> PairDifference:
    """Return a pair with its sizes and difference, and the reason why it cannot be tested, if there is one."""
    x, y = values[first], values[second]
    if 0 in (x.size, y.size):
        return PairDifference(first, second, x.size, y.size, flags=(NO_VALUES,))
    difference = number(x.mean() - y.mean())
    flags: tuple[str, ...] = ()
    if 1 in (x.size, y.size):
        flags = (ONE_VALUE,)
    elif constant(x) and constant(y):
        flags = (BOTH_CONSTANT,)
    return PairDifference(first, second, x.size, y.size, difference, flags=flags)


def _tested(
    pair: PairDifference, p: float | None, values: Mapping[str, Values], arms: int, confidence: float
) -> PairDifference:
    """Add p and interval. scipy's own interval inverts the range for every cell of the square: twice as slow."""
    from scipy import stats

    x, y = values[pair.first], values[pair.second]
    errors = float(x.std(ddof=1)) / math.sqrt(x.size), float(y.std(ddof=1)) / math.sqrt(y.size)
    largest = max(errors)
    flags: tuple[str, ...] = (ONE_CONSTANT,) if constant(x) or constant(y) else ()
    flags += (TOO_FEW,) if min(x.size, y.size) < 3 else ()
    if p is None or pair.difference is None or not 0 < largest < math.inf:
        return replace(pair, flags=(*flags, NOT_REPRESENTABLE))
    # Welch's degrees of freedom, relative to the larger standard error so that no square overflows.
    parts = (errors[0] / largest) ** 2, (errors[1] / largest) ** 2
    df = sum(parts) ** 2 / (parts[0] ** 2 / (x.size - 1) + parts[1] ** 2 / (y.size - 1))
    half = stats.studentized_range.ppf(confidence, arms, df) * largest * math.sqrt(sum(parts) / 2)
    low, high = number(pair.difference - half), number(pair.difference + half)
    if low is None or high is None:
        return replace(pair, flags=(*flags, NOT_REPRESENTABLE))
    return replace(pair, low=low, high=high, p=p, flags=flags)
