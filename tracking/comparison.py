"""What is claimed about each treatment against the control: the declared procedure, in one place."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tracking.effects import Effect, RankTest, a12, hedges_g, mann_whitney, sign_flip
from tracking.power import detectable_difference, detectable_paired_difference
from tracking.stats import Difference, Values, equivalence, holm, paired, welch

Verdict = Literal["better", "worse", "equivalent within the margin", "inconclusive"]
Samples = Mapping[str, Mapping[int, float]]
"""Arm to seed to value: the finished trials in one metric; an arm without any has an empty mapping."""

UNREACHABLE = "the rank test cannot reach significance with so few trials"
RANKS_DISAGREE = "the rank test alone does not show the difference"
SMALLER_THAN_MARGIN = "a difference is shown, and also that it is smaller than the margin"


@dataclass(frozen=True)
class Design:
    """What was declared before anything ran."""

    control: str
    greater_is_better: bool
    paired: bool = False
    alpha: float = 0.05
    """Family-wise error rate; intervals cover 1 - alpha."""
    margin: float | None = None
    """In the metric's unit; None where equivalence is not asked."""


@dataclass(frozen=True)
class Comparison:
    """One treatment against the control in one metric; differences are treatment minus control."""

    arm: str
    control: str
    test: Difference
    """Welch's, or the paired one if the design says so."""
    effect: Effect
    """Hedges g. A paired design takes the pairs as two samples here, so that the interval is conservative."""
    a12: float | None
    """Share of pairs of trials in which the treatment's value is greater; ties count half."""
    share_better: float | None
    """Share of pairs of trials in which the treatment is better; ties count half."""
    rank: RankTest
    """Mann-Whitney, or sign flips if paired: the sensitivity row."""
    equivalence_p: float | None
    """TOST against the margin, for this comparison alone; None where it is not asked or not defined."""
    detectable: float | None
    """Smallest true difference found with 80% power, at these sizes and sds and Holm's first step."""
    p_holm: float | None = None
    rank_p_holm: float | None = None
    verdict: Verdict = "inconclusive"
    flags: tuple[str, ...] = ()


def compare(samples: Samples, design: Design) -> tuple[Comparison, ...]:
    """Compare every other arm with the control, in the order of `samples`, with Holm's correction over all.

    Raises:
        ValueError: the control is not one of the arms, or a value is not finite.
    """
    if design.control not in samples:
        raise ValueError(f"`control` must be one of {list(samples)}. Received: {design.control!r}")
    treatments = [arm for arm in samples if arm != design.control]
    found = [_comparison(arm, samples, design) for arm in treatments]
    p_holm = holm([one.test.p for one in found])
    rank_p_holm = holm([one.rank.p for one in found])
    corrected = [
        replace(one, p_holm=p, rank_p_holm=rank_p) for one, p, rank_p in zip(found, p_holm, rank_p_holm, strict=True)
    ]
    return tuple(_judged(one, design, len(treatments)) for one in corrected)


def _comparison(arm: str, samples: Samples, design: Design) -> Comparison:
    x, y = _matched(samples[arm], samples[design.control], design.paired)
    above = a12(x, y)
    turned = above if above is None or design.greater_is_better else 1 - above
    margin = design.margin
    return Comparison(
        arm=arm,
        control=design.control,
        test=(paired if design.paired else welch)(x, y, 1 - design.alpha),
        effect=hedges_g(x, y, 1 - design.alpha),
        a12=above,
        share_better=turned,
        rank=(sign_flip if design.paired else mann_whitney)(x, y),
        equivalence_p=None if margin is None else equivalence(x, y, margin, paired=design.paired),
        detectable=_detectable(x, y, design, len(samples) - 1),
    )


def _judged(one: Comparison, design: Design, family: int) -> Comparison:
    """Add the verdict and the reasons for caution."""
    shown = one.p_holm is not None and one.p_holm <= design.alpha
    equivalent = one.equivalence_p is not None and one.equivalence_p <= design.alpha
    flags = [*one.test.flags, *one.rank.flags]
    # Where there is no test, the gaps in the effect have the same reason, which has been given.
    flags += one.effect.flags if one.test.p is not None else ()
    reachable = one.rank.smallest_p is not None and one.rank.smallest_p * family <= design.alpha
    if one.rank.p is not None and not reachable:
        flags.append(UNREACHABLE)
    elif shown and one.rank_p_holm is not None and one.rank_p_holm > design.alpha:
        flags.append(RANKS_DISAGREE)
    if shown and equivalent:
        flags.append(SMALLER_THAN_MARGIN)
    verdict = _verdict(one.test.difference, shown, equivalent, design.greater_is_better)
    return replace(one, verdict=verdict, flags=tuple(dict.fromkeys(flags)))


def _verdict(difference: float | None, shown: bool, equivalent: bool, greater_is_better: bool) -> Verdict:
    if shown and difference is not None:
        return "better" if (difference > 0) == greater_is_better else "worse"
    return "equivalent within the margin" if equivalent else "inconclusive"


def _matched(treatment: Mapping[int, float], control: Mapping[int, float], pairs: bool) -> tuple[Values, Values]:
    """Return both samples by ascending seed; in pairs, only the seeds that both arms have."""
    common = treatment.keys() & control.keys()
    first, second = (sorted(common if pairs else sample) for sample in (treatment, control))
    return (
        np.array([treatment[seed] for seed in first], dtype=np.float64),
        np.array([control[seed] for seed in second], dtype=np.float64),
    )


def _detectable(x: Values, y: Values, design: Design, family: int) -> float | None:
    if min(x.size, y.size) < 2:
        return None
    if design.paired:
        found = detectable_paired_difference(float((x - y).std(ddof=1)), x.size, design.alpha / family)
    else:
        sds = float(x.std(ddof=1)), float(y.std(ddof=1))
        found = detectable_difference(sds, (x.size, y.size), design.alpha / family)
    return found if found is not None and math.isfinite(found) else None
