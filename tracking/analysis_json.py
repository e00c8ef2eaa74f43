"""An analysis as JSON, for other programs: full precision, null where a thing is not defined, never NaN."""

import json
from collections.abc import Sequence
from dataclasses import replace

from tracking.analysis import Analysis, ArmAnalysis, analyse
from tracking.comparison import Comparison
from tracking.effects import RankTest, mann_whitney

Json = str | int | float | bool | None | Sequence["Json"] | dict[str, "Json"]
LEVEL = 0.95
"""Of the intervals, whatever alpha is: their key says so."""
NO_MARGIN = "no margin was given: equivalence is not asked"


def to_json(analysis: Analysis) -> str:
    """Return `analysis` as one JSON object, indented.

    `p_holm`, `significant` and `verdict` follow the design's alpha; intervals are at 95%. What is not defined
    is null, and the reason stands among the flags of the comparisons it touches. `mann_whitney_p` takes the two
    samples as unpaired in a paired design too, whose own rank test, by sign flips, stands among the flags.
    """
    level = 1 - analysis.design.alpha
    at_level = analysis if level == LEVEL else _at_level(analysis)
    found = {
        "metric": analysis.metric,
        "alpha": analysis.design.alpha,
        "paired": analysis.design.paired,
        "control": analysis.design.control,
        "arms": [_arm(arm) for arm in at_level.arms],
        "comparisons": [
            _comparison(one, intervals, analysis)
            for one, intervals in zip(analysis.comparisons, at_level.comparisons, strict=True)
        ],
        "omnibus": {"statistic": analysis.omnibus.statistic, "p": analysis.omnibus.p},
        "conclusion": analysis.conclusion,
    }
    return json.dumps(found, indent=2, allow_nan=False)


def _at_level(analysis: Analysis) -> Analysis:
    """Return the same analysis with intervals of `LEVEL`."""
    design = replace(analysis.design, alpha=1 - LEVEL, all_pairs=False)
    return analyse([arm.replicates for arm in analysis.arms], analysis.metric, design)


def _arm(arm: ArmAnalysis) -> Json:
    found = arm.description
    return {
        "name": arm.name,
        "n": found.n,
        "failed": arm.replicates.planned - found.n,
        "mean": found.mean,
        "sd": found.sd,
        "median": found.median,
        "min": found.minimum,
        "max": found.maximum,
        "ci95": _interval(found.low, found.high),
    }


def _comparison(one: Comparison, intervals: Comparison, analysis: Analysis) -> Json:
    """Return a comparison, its intervals taken from `intervals`."""
    test, rank = one.test, _mann_whitney(one, analysis)
    return {
        "arm": one.arm,
        "n": [test.n_treatment, test.n_control],
        "difference": test.difference,
        "ci95": _interval(intervals.test.low, intervals.test.high),
        "t": test.t,
        "df": test.df,
        "p": test.p,
        "p_holm": one.p_holm,
        "hedges_g": one.effect.value,
        "hedges_g_ci95": _interval(intervals.effect.low, intervals.effect.high),
        "a12": one.a12,
        "mann_whitney_p": rank.p,
        "significant": one.p_holm is not None and one.p_holm <= analysis.design.alpha,
        "verdict": one.verdict,
        "equivalence_p": one.equivalence_p,
        "flags": _flags(one, intervals, rank, analysis),
    }


def _interval(low: float | None, high: float | None) -> Json:
    return None if low is None or high is None else [low, high]


def _mann_whitney(one: Comparison, analysis: Analysis) -> RankTest:
    """Return the test of the values that are compared; of a paired design, those of the pairs."""
    if not analysis.design.paired or one.rank == RankTest():  # What has left one rank test out holds for the other.
        return one.rank
    samples = {arm.name: arm.replicates.sample for arm in analysis.arms}
    treatment, control = samples[one.arm], samples[one.control]
    pairs = sorted(treatment.keys() & control.keys())
    return mann_whitney([treatment[seed] for seed in pairs], [control[seed] for seed in pairs])


def _flags(one: Comparison, intervals: Comparison, rank: RankTest, analysis: Analysis) -> list[str]:
    """Return every reason for caution and for a null, each once."""
    flags = [*one.flags, *intervals.test.flags, *intervals.effect.flags, *rank.flags]
    if analysis.design.paired and one.rank.p is not None:
        flags.append(f"sign-flip permutation test of the pairs: p = {one.rank.p:.6g}")
    if analysis.design.margin is None:
        flags.append(NO_MARGIN)
    described = {arm.name: arm.description for arm in analysis.arms}
    flags += [f"{name}: {flag}" for name in (one.arm, one.control) for flag in described[name].flags]
    flags += [f"omnibus: {flag}" for flag in analysis.omnibus.flags]
    return list(dict.fromkeys(flags))
