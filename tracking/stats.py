"""Descriptions and tests of samples: pure functions on arrays, on top of scipy and statsmodels.

What may be claimed from which test is settled in `tracking.comparison`; effect sizes and rank tests are in
`tracking.effects`, power in `tracking.power`. A value that is not defined is None, with the reason among the
flags; no result ever holds a NaN or an infinity.
"""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]

FLOAT_NOISE = 1e-12
"""A relative spread below this is rounding, not variance."""

NO_VALUES = "no finished trial"
ONE_VALUE = "one trial: no spread, interval or test"
CONSTANT = "all trials have the same value"
BOTH_CONSTANT = "no variance in both arms: no test"
ONE_CONSTANT = "no variance in one arm"
NO_PAIRS = "no seed is finished in both arms"
ONE_PAIR = "one pair of trials: no interval or test"
CONSTANT_DIFFERENCES = "no variance of the paired differences: no test"
TOO_FEW = "fewer than three trials in an arm: the test's error rate is not assured"
NOT_REPRESENTABLE = "a value too large or too small to represent is left out"


@dataclass(frozen=True)
class Description:
    """A sample in numbers, each in the unit of the sample."""

    n: int
    mean: float | None = None
    sd: float | None = None
    """With n - 1 in the denominator."""
    median: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    low: float | None = None
    """Lower end of the mean's Student-t interval."""
    high: float | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """Treatment minus control, tested two-sided."""

    n_treatment: int
    n_control: int
    """In a paired test, both are the number of pairs."""
    difference: float | None = None
    low: float | None = None
    """Lower end of the interval of the difference."""
    high: float | None = None
    t: float | None = None
    df: float | None = None
    p: float | None = None
    flags: tuple[str, ...] = ()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep numpy's and scipy's warnings about extreme numbers off the terminal; the results are checked."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


@quiet()
def describe(sample: ArrayLike, confidence: float = 0.95) -> Description:
    """Describe `sample`, of shape (n,), with the Student-t interval of its mean.

    The interval is mean +- t(1 - (1 - confidence) / 2, n - 1) sd / sqrt(n). A bootstrap is not offered: at
    n <= 10 a nominal 95% BCa interval covers 72% to 90%.

    Raises:
        ValueError: the sample is not one-dimensional or not finite.
    """
    from scipy import special

    values = finite(sample)
    if values.size == 0:
        return Description(0, flags=(NO_VALUES,))
    mean = number(values.mean())
    points = number(np.median(values)), number(values.min()), number(values.max())
    if values.size == 1:
        return Description(1, mean, None, *points, flags=(ONE_VALUE,))
    if constant(values):
        return Description(values.size, mean, 0.0, *points, flags=(CONSTANT,))
    sd = values.std(ddof=1)
    half = special.stdtrit(values.size - 1, (1 + confidence) / 2) * sd / math.sqrt(values.size)
    spread = number(sd), number(values.mean() - half), number(values.mean() + half)
    if None in (mean, *spread):
        return Description(values.size, mean, None, *points, flags=(NOT_REPRESENTABLE,))
    return Description(values.size, mean, spread[0], *points, *spread[1:])


@quiet()
def welch(treatment: ArrayLike, control: ArrayLike, confidence: float = 0.95) -> Difference:
    """Compare the means of two independent samples of shapes (n_treatment,) and (n_control,).

    Their variances may differ. Welch (1947): t = (m1 - m2) / sqrt(v1 / n1 + v2 / n2), with Satterthwaite's
    degrees of freedom.

    Raises:
        ValueError: a sample is not one-dimensional or not finite.
    """
    from scipy import stats

    x, y = finite(treatment), finite(control)
    sizes = (x.size, y.size)
    if 0 in sizes:
        return Difference(*sizes, flags=(NO_VALUES,))
    difference = number(x.mean() - y.mean())
    if 1 in sizes:
        return Difference(*sizes, difference, flags=(ONE_VALUE,))
    if constant(x) and constant(y):
        return Difference(*sizes, difference, flags=(BOTH_CONSTANT,))
    flags = (ONE_CONSTANT,) if constant(x) or constant(y) else ()
    return _tested(stats.ttest_ind(x, y, equal_var=False), difference, confidence, sizes, flags)


@quiet()
def paired(treatment: ArrayLike, control: ArrayLike, confidence: float = 0.95) -> Difference:
    """Compare two (pairs,) samples whose entries at one position share a seed: Student's paired t test.

    Raises:
        ValueError: the samples differ in length, or one is not one-dimensional or not finite.
    """
    from scipy import stats

    x, y = finite(treatment), finite(control)
    if x.size != y.size:
        raise ValueError(f"paired samples must have equal lengths. Received: {x.size} and {y.size}")
    sizes = (x.size, y.size)
    if x.size == 0:
        return Difference(*sizes, flags=(NO_PAIRS,))
    difference = number((x - y).mean())
    if x.size == 1:
        return Difference(*sizes, difference, flags=(ONE_PAIR,))
    if constant_differences(x, y):
        return Difference(*sizes, difference, flags=(CONSTANT_DIFFERENCES,))
    return _tested(stats.ttest_rel(x, y), difference, confidence, sizes)


@quiet()
def equivalence(treatment: ArrayLike, control: ArrayLike, margin: float, *, paired: bool = False) -> float | None:
    """Return the p of two one-sided tests against -margin and +margin (TOST), Welch's or the paired ones.

    Schuirmann (1987): equivalence is shown at level alpha if this p is under alpha. None where `welch` or
    `paired` gives no p. `margin` is in the samples' unit.

    Raises:
        ValueError: `margin` is not positive, or a sample is not one-dimensional or not finite.
    """
    from statsmodels.stats.weightstats import ttost_ind, ttost_paired

    if not margin > 0:
        raise ValueError(f"`margin` must be positive. Received: {margin}")
    x, y = finite(treatment), finite(control)
    if min(x.size, y.size) < 2:
        return None
    if constant_differences(x, y) if paired else constant(x) and constant(y):
        return None
    if paired:
        return number(ttost_paired(x, y, -margin, margin)[0])
    return number(ttost_ind(x, y, -margin, margin, usevar="unequal")[0])


def holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return Holm's (1979) step-down adjusted p-values; None is not a member of the family and stays None.

    With p(1) <= ... <= p(m), the i-th is the largest of (m - j + 1) p(j) over j <= i, at most 1. Written out
    because statsmodels' runs a full garbage collection on each call, which takes longer than all else here.
    """
    family = np.array([p for p in p_values if p is not None], dtype=np.float64)
    order = np.argsort(family, kind="stable")
    factors = np.arange(family.size, 0, -1)
    adjusted = np.empty_like(family)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * family[order]))
    members = iter(adjusted.tolist())
    return tuple(None if p is None else next(members) for p in p_values)


def finite(sample: ArrayLike) -> Values:
    """Return `sample` as a (n,) array of finite floats.

    Raises:
        ValueError: it is not one-dimensional or not finite.
    """
    values = np.asarray(sample, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"a sample must have one axis. Received: shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("a sample must be finite; a failed trial is left out before it gets here")
    return values


def constant(values: Values) -> bool:
    """Return whether the spread of `values`, of shape (n,), is zero or float noise."""
    return bool(np.ptp(values) <= FLOAT_NOISE * np.abs(values).max())


def constant_differences(x: Values, y: Values) -> bool:
    """Return whether the paired differences of two (pairs,) samples have no spread beyond float noise."""
    scale = max(np.abs(x).max(), np.abs(y).max())
    return bool(np.ptp(x - y) <= FLOAT_NOISE * scale)


def number(value: Any) -> float | None:
    """Return `value` as a plain float, or None if it is not finite."""
    plain = float(value)
    return plain if math.isfinite(plain) else None


def _tested(
    result: Any,
    difference: float | None,
    confidence: float,
    sizes: tuple[int, int],
    flags: tuple[str, ...] = (),
) -> Difference:
    """Return scipy's `TtestResult` in our words."""
    interval = result.confidence_interval(confidence)
    low, high = number(interval.low), number(interval.high)
    t, df, p = number(result.statistic), number(result.df), number(result.pvalue)
    if min(sizes) < 3:
        flags = (*flags, TOO_FEW)
    if None in (low, high, t, df, p):
        return Difference(*sizes, difference, flags=(*flags, NOT_REPRESENTABLE))
    return Difference(*sizes, difference, low, high, t, df, p, flags)
