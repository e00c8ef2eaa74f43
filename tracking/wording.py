"""The conclusion in sentences, generated from the numbers: first the facts, then what follows from them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from tracking.comparison import GIVEN_UP, STOPPED_EARLY, THIS_TEST_SET_ONLY
from tracking.scale import Scale, p_equals, with_interval
from tracking.stats import TOO_FEW

if TYPE_CHECKING:
    from tracking.comparison import Comparison, Design

REASONS = 5
"""Missing trials of an arm that are named; more are counted."""


class TrialState(Protocol):
    """What became of a planned trial."""

    @property
    def seed(self) -> int:
        """Tells it from the other trials of its arm."""

    @property
    def state(self) -> str:
        """`done`, `failed`, `damaged` or `pending`."""

    @property
    def reason(self) -> str:
        """Why it is not done."""


class ArmTrials(Protocol):
    """The planned trials of an arm, of a study or from any other tool."""

    @property
    def name(self) -> str:
        """The arm's name."""

    @property
    def planned(self) -> int:
        """Trials asked for."""

    @property
    def done(self) -> int:
        """Trials with a result."""

    @property
    def trials(self) -> Sequence[TrialState]:
        """One per planned trial."""

    @property
    def flags(self) -> Sequence[str]:
        """What is wrong with the arm as a whole."""


def facts(comparisons: "Sequence[Comparison]", design: "Design", scale: Scale) -> tuple[str, ...]:
    """Return one sentence per comparison with what was measured."""
    return tuple(_fact(one, design, scale) for one in comparisons)


def claims(
    comparisons: "Sequence[Comparison]", arms: Sequence[ArmTrials], design: "Design", scale: Scale
) -> tuple[str, ...]:
    """Return what may be concluded and what may not: verdicts, missing trials, what could have been shown."""
    said = [
        _interim(comparisons, arms),
        _shown(comparisons, design, scale),
        _this_test_set_only(comparisons),
        _stopped(comparisons),
        _given_up(comparisons),
        _equivalent(comparisons, design, scale),
        *_not_shown(comparisons, design, scale),
        *_untested(comparisons),
        _missing(arms),
        _unreached(arms),
        _could_show(comparisons, design, scale),
    ]
    return tuple(sentence for sentence in said if sentence)


def listed(names: Sequence[str]) -> str:
    """Return names as `a`, `a and b`, or `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def shortfall(arm: ArmTrials) -> str:
    """Return why an arm has fewer trials than planned, such as `seed 3: NaN loss`, or nothing; the first of many."""
    missing = [f"seed {row.seed}: {row.reason}" for row in arm.trials if row.state != "done"]
    more = [f"and {len(missing) - REASONS} more"] if len(missing) > REASONS else []
    return "; ".join([*missing[:REASONS], *more])


def _fact(one: "Comparison", design: "Design", scale: Scale) -> str:
    test = one.test
    if test.difference is None:
        return f"{one.arm} against {one.control}: {'; '.join(one.flags)}."
    unit = " pp" if scale.unit else ""
    parts = [f"{scale.difference(test.difference)}{unit} {scale.label}"]
    if test.low is not None:
        parts.append(f"{100 * (1 - design.alpha):g}% CI {scale.interval(test.low, test.high, signed=True)}")
    holm = "Holm p" if one.decision is None else "sequential Holm p"
    parts.append(f"{holm} {p_equals(one.p_holm)}" if one.p_holm is not None else "not tested")
    if one.effect.value is not None:
        parts.append(f"g = {with_interval(one.effect.value, one.effect.low, one.effect.high)}")
    if one.share_better is not None:
        # Not the pairs by seed: every trial of one arm with every trial of the other.
        pairs = f"all {test.n_treatment * test.n_control} pairings" if design.paired else "pairs"
        parts.append(f"better in {100 * one.share_better:.0f}% of {pairs}")
    pairs = "pair" if test.n_treatment == 1 else "pairs"
    sample = f" ({test.n_treatment} {pairs} by seed)" if design.paired else ""
    return f"{one.arm} against {one.control}{sample}: {', '.join(parts)}."


def _shown(comparisons: "Sequence[Comparison]", design: "Design", scale: Scale) -> str:
    """Return the differences that were shown, the better arms first."""
    parts: list[str] = []
    for verdict in ("better", "worse"):
        arms = [one.arm for one in comparisons if one.verdict == verdict]
        if arms:
            against = "" if parts else f" than {design.control} in {scale.label}"
            parts.append(f"{listed(arms)} {'is' if len(arms) == 1 else 'are'} {verdict}{against}")
    looks = " over all looks" if any(one.decision is not None for one in comparisons) else ""
    few = any(TOO_FEW in one.flags for one in comparisons if one.verdict in ("better", "worse"))
    rate = f"family-wise error rate {100 * design.alpha:g}%{looks}"
    rate += ", not assured with fewer than three trials in an arm" if few else ""
    return f"{', and '.join(parts)} ({rate})." if parts else ""


def _this_test_set_only(comparisons: "Sequence[Comparison]") -> str:
    """Return the differences that other test examples could undo."""
    found = [one for one in comparisons if THIS_TEST_SET_ONLY in one.flags]
    if not found:
        return ""
    least = "" if len(found) == 1 else "smallest "
    p = p_equals(min(one.new_data_p_holm for one in found if one.new_data_p_holm is not None))
    return (
        f"For {listed([one.arm for one in found])} the difference is shown on this test set, not for new data from "
        f"the same source ({least}Holm p {p} when the test examples count as a sample too)."
    )


def _stopped(comparisons: "Sequence[Comparison]") -> str:
    """Return the arms that a shown difference has stopped before the last look."""
    found = [one for one in comparisons if STOPPED_EARLY in one.flags]
    if not found:
        return ""
    one_arm = len(found) == 1
    difference = "its difference is" if one_arm else "their differences are"
    return f"{_when(found)} stopped early: {difference} likely to be overestimated."


def _given_up(comparisons: "Sequence[Comparison]") -> str:
    found = [one for one in comparisons if GIVEN_UP in one.flags]
    if not found:
        return ""
    were, each = ("was", "it") if len(found) == 1 else ("were", "each")
    return f"{_when(found)} {were} given up: {each} had a chance under 10% of showing a difference at the last look."


def _when(stopped: "Sequence[Comparison]") -> str:
    """Return arms with the replicates after which they stopped."""
    return listed([f"{one.arm} (after {one.decision.replicates} replicates)" for one in stopped if one.decision])


def _equivalent(comparisons: "Sequence[Comparison]", design: "Design", scale: Scale) -> str:
    found = [one for one in comparisons if one.verdict == "equivalent within the margin"]
    if not found or design.margin is None:
        return ""
    arms = listed([f"{one.arm} (TOST p {p_equals(one.equivalence_p or 0.0)})" for one in found])
    verb = "is" if len(found) == 1 else "are"
    return f"{arms} {verb} equivalent to {design.control} within {scale.margin(design.margin)}."


def _not_shown(comparisons: "Sequence[Comparison]", design: "Design", scale: Scale) -> list[str]:
    """Return for the undecided arms that no difference was shown, which is not to say that there is none."""
    undecided = [one for one in comparisons if one.verdict == "inconclusive" and one.p_holm is not None]
    asked = [one for one in undecided if one.equivalence_p is not None]
    sentences = []
    for group in (asked, [one for one in undecided if one.equivalence_p is None]):
        if not group:
            continue
        least = "" if len(group) == 1 else "smallest "
        holm = p_equals(min(one.p_holm for one in group if one.p_holm is not None))
        sentence = f"For {listed([one.arm for one in group])} no difference was shown ({least}Holm p {holm})"
        if group is asked and design.margin is not None:
            tost = p_equals(min(one.equivalence_p for one in group if one.equivalence_p is not None))
            within = scale.margin(design.margin)
            sentence += f", and equivalence within {within} was not shown either ({least}TOST p {tost})"
        sentences.append(f"{sentence}.")
    return sentences


def _untested(comparisons: "Sequence[Comparison]") -> list[str]:
    return [
        f"Nothing can be concluded about {one.arm}: {one.flags[0]}."
        for one in comparisons
        if one.p_holm is None and one.flags
    ]


def _interim(comparisons: "Sequence[Comparison]", arms: Sequence[ArmTrials]) -> str:
    planned, done = sum(arm.planned for arm in arms), sum(arm.done for arm in arms)
    decisions = [one.decision for one in comparisons if one.decision is not None]
    if decisions:
        if all(one.state != "running" for one in decisions):
            return ""
        return (
            f"This is an interim view, {done} of at most {planned} trials: "
            "its Holm p-values allow for the looks that were declared."
        )
    if not any(row.state == "pending" for arm in arms for row in arm.trials):
        return ""
    return f"This is an interim view, {done} of {planned} trials: its p-values do not allow for looking early."


def _missing(arms: Sequence[ArmTrials]) -> str:
    """Return which trials failed or were lost; those not trained yet are counted elsewhere."""
    short = [arm for arm in arms if any(row.state in ("failed", "damaged") for row in arm.trials)]
    if not short:
        return ""
    counts = [f"{arm.name} has {arm.done} of {arm.planned} trials ({shortfall(arm)})" for arm in short]
    return f"{'; '.join(counts)}."


def _unreached(arms: Sequence[ArmTrials]) -> str:
    flagged = [arm for arm in arms if arm.flags]
    return " ".join(f"{arm.name}: {'; '.join(arm.flags)}." for arm in flagged)


def _could_show(comparisons: "Sequence[Comparison]", design: "Design", scale: Scale) -> str:
    """Return the smallest difference that the study could reliably have found, from the arms that could be tested."""
    found = [one for one in comparisons if one.detectable is not None]
    if not found:
        return ""
    sizes = sorted(one.detectable for one in found if one.detectable is not None)
    seeds = sorted({size for one in found for size in (one.test.n_treatment, one.test.n_control)})
    count = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    low, high = scale.points(sizes[0]), scale.points(sizes[-1])
    size = low if low == high else f"{low.removesuffix(' pp')} to {high}, depending on the arm"
    trials = "pairs by seed" if design.paired else "seeds per arm"
    power = "80% power at this look" if any(one.decision is not None for one in found) else "80% power"
    return f"With {count} {trials} this study could reliably detect ({power}) a difference of {size}."
