"""The conclusion in sentences, generated from the numbers: first the facts, then what follows from them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tracking.scale import Scale, p_equals

if TYPE_CHECKING:
    from tracking.comparison import Comparison, Design
    from tracking.summary import ArmSummary


def facts(comparisons: "Sequence[Comparison]", design: "Design", scale: Scale) -> tuple[str, ...]:
    """Return one sentence per comparison with what was measured."""
    return tuple(_fact(one, design, scale) for one in comparisons)


def claims(
    comparisons: "Sequence[Comparison]", arms: "Sequence[ArmSummary]", design: "Design", scale: Scale
) -> tuple[str, ...]:
    """Return what may be concluded and what may not: verdicts, missing trials, what could have been shown."""
    said = [
        _interim(arms),
        _shown(comparisons, design, scale),
        _equivalent(comparisons, design, scale),
        *_not_shown(comparisons, design, scale),
        *_untested(comparisons),
        _missing(arms),
        _unreached(arms),
        _could_show(comparisons, arms, scale),
    ]
    return tuple(sentence for sentence in said if sentence)


def listed(names: Sequence[str]) -> str:
    """Return names as `a`, `a and b`, or `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def shortfall(arm: "ArmSummary") -> str:
    """Return why an arm has fewer trials than planned, such as `seed 3: NaN loss`, or nothing."""
    return "; ".join(f"seed {row.seed}: {row.reason}" for row in arm.trials if row.state != "done")


def _fact(one: "Comparison", design: "Design", scale: Scale) -> str:
    test = one.test
    if test.difference is None:
        return f"{one.arm} against {one.control}: {'; '.join(one.flags)}."
    unit = " pp" if scale.unit else ""
    parts = [f"{scale.difference(test.difference)}{unit} {scale.label}"]
    if test.low is not None:
        parts.append(f"{100 * (1 - design.alpha):g}% CI {scale.interval(test.low, test.high, signed=True)}")
    parts.append(f"Holm p {p_equals(one.p_holm)}" if one.p_holm is not None else "not tested")
    if one.effect.value is not None:
        interval = f" [{one.effect.low:.2f}, {one.effect.high:.2f}]" if one.effect.low is not None else ""
        parts.append(f"g = {one.effect.value:.2f}{interval}")
    if one.share_better is not None:
        parts.append(f"better in {100 * one.share_better:.0f}% of pairs")
    sample = f" ({test.n_treatment} pairs by seed)" if design.paired else ""
    return f"{one.arm} against {one.control}{sample}: {', '.join(parts)}."


def _shown(comparisons: "Sequence[Comparison]", design: "Design", scale: Scale) -> str:
    """Return the differences that were shown, the better arms first."""
    parts: list[str] = []
    for verdict in ("better", "worse"):
        arms = [one.arm for one in comparisons if one.verdict == verdict]
        if arms:
            against = "" if parts else f" than {design.control} in {scale.label}"
            parts.append(f"{listed(arms)} {'is' if len(arms) == 1 else 'are'} {verdict}{against}")
    return f"{', and '.join(parts)} (family-wise error rate {100 * design.alpha:g}%)." if parts else ""


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


def _interim(arms: "Sequence[ArmSummary]") -> str:
    planned, done = sum(arm.planned for arm in arms), sum(arm.done for arm in arms)
    if not any(row.state == "pending" for arm in arms for row in arm.trials):
        return ""
    return f"This is an interim view, {done} of {planned} trials: its p-values do not allow for looking early."


def _missing(arms: "Sequence[ArmSummary]") -> str:
    """Return which trials failed or were lost; those not trained yet are counted elsewhere."""
    short = [arm for arm in arms if any(row.state in ("failed", "damaged") for row in arm.trials)]
    if not short:
        return ""
    counts = [f"{arm.name} has {arm.done} of {arm.planned} trials ({shortfall(arm)})" for arm in short]
    return f"{'; '.join(counts)}."


def _unreached(arms: "Sequence[ArmSummary]") -> str:
    flagged = [arm for arm in arms if arm.flags]
    return " ".join(f"{arm.name}: {'; '.join(arm.flags)}." for arm in flagged)


def _could_show(comparisons: "Sequence[Comparison]", arms: "Sequence[ArmSummary]", scale: Scale) -> str:
    """Return the smallest difference that the study could reliably have found."""
    sizes = sorted(one.detectable for one in comparisons if one.detectable is not None)
    if not sizes:
        return ""
    seeds = sorted({arm.done for arm in arms})
    count = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    low, high = scale.points(sizes[0]), scale.points(sizes[-1])
    size = low if low == high else f"{low.removesuffix(' pp')} to {high}, depending on the arm"
    return f"With {count} seeds per arm this study could reliably detect (80% power) a difference of {size}."
