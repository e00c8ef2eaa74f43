"""What is claimed about each treatment against the control: the declared procedure, in one place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from tracking.effects import Effect, RankTest, a12, hedges_g, mann_whitney
from tracking.sensitivity import detectable, detectable_by_now
from tracking.sequential import ArmDecision, Decision
from tracking.sign_flips import sign_flip
from tracking.stats import Difference, Values, constant, equivalence, holm, paired, welch
from tracking.two_level import NewData, new_data

Verdict = Literal["better", "worse", "equivalent within the margin", "inconclusive"]
Samples = Mapping[str, Mapping[int, float]]
"""Arm to seed to value: the finished trials in one metric; an arm without any has an empty mapping."""

UNREACHABLE = "the rank test cannot reach significance with so few trials"
RANKS_DISAGREE = "the rank test alone does not show the difference"
SMALLER_THAN_MARGIN = "a difference is shown, and also that it is smaller than the margin"
UNPAIRED = "trials whose seed is not finished in the other arm are left out of the pairs"
THIS_TEST_SET_ONLY = "the difference is shown on this test set, not for new data from the same source"
STOPPED_EARLY = "stopped early: its difference is likely to be overestimated"
GIVEN_UP = "given up early: little chance of showing a difference"
LAST_LOOK_ONLY = "equivalence is tested at the last look only: its p does not allow for looking early"


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
    all_pairs: bool = False
    """Whether every arm is also compared with every other, without regard to pairing (see `tracking.omnibus`)."""


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
    """Share of pairs of trials in which the treatment's value is greater; ties count half. None with one trial."""
    share_better: float | None
    """Share of pairs of trials in which the treatment is better; ties count half."""
    rank: RankTest
    """Mann-Whitney, or sign flips if paired: the sensitivity row. Nothing with one trial, or where none varies."""
    equivalence_p: float | None
    """TOST against the margin, for this comparison alone; None where it is not asked or not defined."""
    detectable: float | None
    """Smallest true difference found with 80% power, at these sizes and sds and Holm's first step; in a sequential
    design, at the level of the arm's latest look."""
    p_holm: float | None = None
    rank_p_holm: float | None = None
    verdict: Verdict = "inconclusive"
    flags: tuple[str, ...] = ()
    new_data: NewData | None = None
    """The difference for new test examples; None where it is not about answers that are right or wrong."""
    new_data_p_holm: float | None = None
    decision: ArmDecision | None = None
    """What the looks of a sequential design decided; `p_holm` is then its."""


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
    return tuple(_judged(one, design, _ranked(found)) for one in corrected)


def with_new_data(
    comparisons: Sequence[Comparison], correctness: Mapping[str, ArrayLike], design: Design
) -> tuple[Comparison, ...]:
    """Add what the comparisons say about new test examples, where the metric is the accuracy on the test set.

    Args:
        comparisons: those of `compare`.
        correctness: arm to (trials, examples) bool, one row per finished trial; arms without trials may be missing.
        design: that of the comparisons.

    Raises:
        ValueError: two arms were not tested on the same examples.
    """
    control = correctness.get(design.control)
    found = [
        new_data(correctness[one.arm], control, 1 - design.alpha)
        if control is not None and one.arm in correctness
        else None
        for one in comparisons
    ]
    p_holm = holm([None if new is None else new.p for new in found])
    return tuple(_on_new_data(*row, design.alpha) for row in zip(comparisons, found, p_holm, strict=True))


def with_decision(comparisons: Sequence[Comparison], decision: Decision, design: Design) -> tuple[Comparison, ...]:
    """Judge the comparisons of `compare` by the looks of a sequential design, which allow for looking early.

    Holm's p becomes that of the sequential p-values, and the verdict follows from it. Equivalence is judged only of
    an arm that has come to the last look. `design` is that of the comparisons, with the alpha of `decision.design`.
    Comes before `with_new_data`, which reads the verdicts.
    """
    return tuple(_decided(one, decision, design, _ranked(comparisons)) for one in comparisons)


def _comparison(arm: str, samples: Samples, design: Design) -> Comparison:
    x, y = _matched(samples[arm], samples[design.control], design.paired)
    # With one trial in an arm there is a difference of means, and nothing to measure it by.
    above = a12(x, y) if min(x.size, y.size) > 1 else None
    turned = above if above is None or design.greater_is_better else 1 - above
    margin = design.margin
    test = (paired if design.paired else welch)(x, y, 1 - design.alpha)
    return Comparison(
        arm=arm,
        control=design.control,
        test=test,
        effect=hedges_g(x, y, 1 - design.alpha),
        a12=above,
        share_better=turned,
        rank=_rank_test(x, y, design),
        equivalence_p=None if margin is None else equivalence(x, y, margin, paired=design.paired),
        detectable=None
        if test.p is None
        else detectable(x, y, design.alpha / (len(samples) - 1), paired=design.paired),
        flags=(UNPAIRED,) if design.paired and samples[arm].keys() != samples[design.control].keys() else (),
    )


def _rank_test(x: Values, y: Values, design: Design) -> RankTest:
    """Return the sensitivity row; no p where `tracking.stats` has none for want of trials or of variance in both arms.

    Equal values are no independent trials: what was trained once would count as many times as it was repeated.
    """
    if min(x.size, y.size) < 2 or (constant(x) and constant(y)):
        return RankTest()
    return (sign_flip if design.paired else mann_whitney)(x, y)


def _ranked(comparisons: Sequence[Comparison]) -> int:
    """Return how many comparisons are in the family of the rank tests."""
    return sum(one.rank.p is not None for one in comparisons)


def _judged(one: Comparison, design: Design, family: int) -> Comparison:
    """Add the verdict and the reasons for caution; `family` is that of the rank tests."""
    shown = one.p_holm is not None and one.p_holm <= design.alpha
    flags = [*one.test.flags, *one.rank.flags]
    # Where there is no test, the gaps in the effect have the same reason, which has been given.
    flags += one.effect.flags if one.test.p is not None else ()
    reachable = one.rank.smallest_p is not None and one.rank.smallest_p * family <= design.alpha
    if one.rank.p is not None and not reachable:
        flags.append(UNREACHABLE)
    elif shown and one.rank_p_holm is not None and one.rank_p_holm > design.alpha:
        flags.append(RANKS_DISAGREE)
    if shown and _equivalent(one, design):
        flags.append(SMALLER_THAN_MARGIN)
    return replace(one, verdict=_verdict(one, design), flags=tuple(dict.fromkeys([*flags, *one.flags])))


def _verdict(one: Comparison, design: Design) -> Verdict:
    if one.p_holm is not None and one.p_holm <= design.alpha and one.test.difference is not None:
        return "better" if (one.test.difference > 0) == design.greater_is_better else "worse"
    return "equivalent within the margin" if _equivalent(one, design) else "inconclusive"


def _equivalent(one: Comparison, design: Design) -> bool:
    return one.equivalence_p is not None and one.equivalence_p <= design.alpha


def _on_new_data(one: Comparison, new: NewData | None, p_holm: float | None, alpha: float) -> Comparison:
    disagrees = one.verdict in ("better", "worse") and p_holm is not None and p_holm > alpha
    flags = (*one.flags, THIS_TEST_SET_ONLY) if disagrees else one.flags
    return replace(one, new_data=new, new_data_p_holm=p_holm, flags=flags)


def _decided(one: Comparison, decision: Decision, design: Design, family: int) -> Comparison:
    arm = decision.of(one.arm)
    early = arm.look is None or arm.look < decision.design.looks[-1]
    flags = [flag for flag in one.flags if flag not in (RANKS_DISAGREE, SMALLER_THAN_MARGIN)]
    if early and arm.state != "running":
        flags.append(STOPPED_EARLY if arm.state == "rejected" else GIVEN_UP)
    if early and one.equivalence_p is not None:
        flags.append(LAST_LOOK_ONLY)
    by_looks = replace(
        one,
        decision=arm,
        # What cannot be tested now has no p, whatever earlier looks gave.
        p_holm=None if one.test.p is None else arm.p_holm,
        equivalence_p=None if early else one.equivalence_p,
        detectable=detectable_by_now(one.test, arm, decision),
        flags=tuple(flags),
    )
    return _judged(by_looks, design, family)


def _matched(treatment: Mapping[int, float], control: Mapping[int, float], pairs: bool) -> tuple[Values, Values]:
    """Return both samples by ascending seed; in pairs, only the seeds that both arms have."""
    common = treatment.keys() & control.keys()
    first, second = (sorted(common if pairs else sample) for sample in (treatment, control))
    return (
        np.array([treatment[seed] for seed in first], dtype=np.float64),
        np.array([control[seed] for seed in second], dtype=np.float64),
    )
