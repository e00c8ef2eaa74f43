"""Whether a difference on this test set would hold on another one: the variance over seeds and over examples."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tracking.stats import (
    NO_VALUES,
    ONE_VALUE,
    TOO_FEW,
    Values,
    constant,
    constant_differences,
    number,
    quiet,
)

ONE_EXAMPLE = "fewer than two test examples: nothing can be said about new ones"
SEEDS_CONSTANT = "no variance over seeds: normal limits"
NO_VARIANCE = "no variance over seeds or examples: no test"


@dataclass(frozen=True)
class NewData:
    """Treatment minus control in accuracy, for new seeds and new test examples from the same source."""

    difference: float | None = None
    """A fraction, as are the ends of the interval."""
    se: float | None = None
    df: float | None = None
    """Of Student's t; None where the normal distribution takes its place."""
    low: float | None = None
    high: float | None = None
    p: float | None = None
    """Two-sided, for this comparison alone."""
    seed_part: float | None = None
    """V, a variance: what other seeds alone would change."""
    example_part: float | None = None
    """E, a variance: what other test examples alone would change."""
    residual_part: float | None = None
    """W, a variance: what V and E both contain."""
    flags: tuple[str, ...] = ()


@quiet()
def new_data(treatment: ArrayLike, control: ArrayLike, confidence: float = 0.95) -> NewData:
    """Compare two arms on new test examples, from whether each of their trials was right on each of these.

    Args:
        treatment: A, (R1, n) bool: trials by test examples.
        control: B, (R2, n) bool, on the same examples in the same order.
        confidence: that of the interval.

    Whether trial r of an arm is right on example i is taken as mu + s(r) + e(i) + rest(r, i): seeds and examples
    are both drawn at random, the examples are the same for all trials. The difference of two arms' means then
    has, for new seeds and examples, the variance

        sum over arms of var(s) / R  +  var(e of A - e of B) / n  +  sum over arms of var(rest) / (R n).

    It is estimated from three parts, all with ddof 1. V = var over seeds of (mean over examples of A) / R1 + the
    same for B contains the first and the third term. E = var over examples of (mean over seeds of A - of B) / n
    contains the second and the third. So the third is in V + E twice, and W = mean over examples of (var over
    seeds of A) / (n R1) + the same for B is taken off once; W is that term plus 1/n of the first, which is
    nothing. Since parts are estimates, what remains is never less than V or E alone:

        SE^2 = max(V + E - W, V, E),   df = SE^4 / (V^2 / df_Welch),

    Satterthwaite's degrees of freedom with only V's part uncertain, as n is large and R small; df_Welch is that of
    the seeds' means, so that V^2 / df_Welch = v(A)^2 / (R1 - 1) + v(B)^2 / (R2 - 1). This is the cross-classified
    (two-way random) analysis of variance, as in multi-reader studies (Obuchowski & Rockette 1995). Seeds are taken
    as independent even where arms share them, which is cautious if sharing makes the arms alike.

    Raises:
        ValueError: the matrices do not have two axes, or not the same examples.
    """
    a, b = _matrix(treatment), _matrix(control)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"both arms need the same test examples. Received: {a.shape[1]} and {b.shape[1]}")
    if 0 in (len(a), len(b)) or a.shape[1] == 0:
        return NewData(flags=(NO_VALUES,))
    difference = number(a.mean() - b.mean())
    if 1 in (len(a), len(b)):
        return NewData(difference, flags=(ONE_VALUE,))
    if a.shape[1] == 1:
        return NewData(difference, flags=(ONE_EXAMPLE,))
    return _tested(a, b, float(a.mean() - b.mean()), confidence)


def _tested(a: Values, b: Values, difference: float, confidence: float) -> NewData:
    from scipy import stats

    n = a.shape[1]
    seeds = [_seed_part(arm) for arm in (a, b)]
    v, e = sum(seeds), _example_part(a, b)
    w = float(sum(arm.var(axis=0, ddof=1).mean() / (n * len(arm)) for arm in (a, b)))
    parts = {"seed_part": v, "example_part": e, "residual_part": w}
    squared = max(v + e - w, v, e)
    if squared == 0:
        return NewData(difference, **parts, flags=(NO_VARIANCE,))
    flags: tuple[str, ...] = (TOO_FEW,) if min(len(a), len(b)) < 3 else ()
    flags += (SEEDS_CONSTANT,) if v == 0 else ()
    uncertain = sum(part**2 / (len(arm) - 1) for part, arm in zip(seeds, (a, b), strict=True))
    # With infinitely many degrees of freedom, t is the normal distribution.
    df = squared**2 / uncertain if uncertain > 0 else math.inf
    se = math.sqrt(squared)
    half = float(stats.t.ppf((1 + confidence) / 2, df)) * se
    p = float(2 * stats.t.sf(abs(difference) / se, df))
    return NewData(difference, se, number(df), difference - half, difference + half, p, **parts, flags=flags)


def _matrix(correct: ArrayLike) -> Values:
    matrix = np.asarray(correct, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"correctness must have the shape (trials, examples). Received: shape {matrix.shape}")
    return matrix


def _seed_part(arm: Values) -> float:
    """Return the variance of an arm's mean over seeds: 0.0 where they differ by rounding alone."""
    means = arm.mean(axis=1)
    return 0.0 if constant(means) else float(means.var(ddof=1)) / len(arm)


def _example_part(a: Values, b: Values) -> float:
    """Return the variance of the difference over examples: 0.0 where they differ by rounding alone."""
    ours, theirs = a.mean(axis=0), b.mean(axis=0)
    return 0.0 if constant_differences(ours, theirs) else float((ours - theirs).var(ddof=1)) / ours.size
