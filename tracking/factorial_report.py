"""The effects of a factorial study's components in words and in a table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studies.arms import OFF
from tracking.scale import Scale, p_equals, p_value
from tracking.tables import Table
from tracking.wording import listed

if TYPE_CHECKING:
    from tracking.comparison import Design
    from tracking.factorial import FactorialEffect, Step

NAMED = 4
"""Effects that the answer names; more are counted."""
NOTE = (
    "Each effect is averaged over all levels of the other components, by {test}. An interaction is how much one"
    " component's effect changes with the other: 0 where the two just add up. The p-values are corrected by Holm's"
    " procedure for these {count} effects, a family of their own. Intervals hold for one effect at a time."
)


def effects_table(effects: "Sequence[FactorialEffect]", design: "Design", scale: Scale) -> Table:
    """Return one row per effect, main effects first."""
    headings = (
        *("effect", "against", "seeds" if design.paired else "trials"),
        "difference, pp" if scale.unit else "difference",
        *(f"{100 * (1 - design.alpha):g}% interval", "p (Holm)", "verdict"),
    )
    rows = []
    for one in effects:
        test = one.test
        trials = str(test.n_treatment) if design.paired else f"{test.n_treatment} and {test.n_control}"
        interval = scale.interval(test.low, test.high, signed=True)
        numbers = scale.difference(test.difference), interval, p_value(one.p_holm)
        rows.append((effect_name(one), _against(one), trials, *numbers, verdict(one, design)))
    return Table(f"Effects of the components on {scale.label}", headings, tuple(rows), names=2)


def effects_note(effects: "Sequence[FactorialEffect]", design: "Design") -> str:
    """Return what there is to know to read the table."""
    test = "the paired t test by seed" if design.paired else "Welch's t test of weighted means of the arms"
    return NOTE.format(test=test, count=len(effects))


def effects_answer(effects: "Sequence[FactorialEffect]", design: "Design", scale: Scale) -> tuple[str, ...]:
    """Return which effects were shown, and for how many none was; nothing for a study that is no factorial one."""
    tested = [one for one in effects if one.p_holm is not None]
    if not tested:
        return tuple(f"The effects of the components are not tested: {one.test.flags[-1]}." for one in effects[:1])
    shown = sorted((one for one in tested if _is_shown(one, design)), key=lambda one: one.p_holm or 0.0)
    said = []
    if shown:
        more = [f"{len(shown) - NAMED} more"] if len(shown) > NAMED else []
        named = [_shown(one, design, scale) for one in shown[:NAMED]]
        said.append(f"Averaged over the other components, {listed([*named, *more])}.")
    rest = [one.p_holm for one in tested if one not in shown and one.p_holm is not None]
    if rest:
        least = "" if len(rest) == 1 else "smallest "
        which = f"{'other ' if shown else ''}main effect{'s' * (len(rest) > 1)} or interaction{'s' * (len(rest) > 1)}"
        said.append(f"For {len(rest)} {which} no difference was shown ({least}Holm p {p_equals(min(rest))}).")
    if untested := len(effects) - len(tested):
        reason = next(one.test.flags[-1] for one in effects if one.p_holm is None)
        said.append(f"{untested} of {len(effects)} effects of the components are not tested: {reason}.")
    return tuple(said)


def effect_name(effect: "FactorialEffect") -> str:
    """Return such as `batch_norm`, `dropout=late` or `dropout=late x batch_norm`."""
    return " x ".join(map(_step, effect.steps))


def verdict(effect: "FactorialEffect", design: "Design") -> str:
    """Return what was shown, in the metric's better direction."""
    if not _is_shown(effect, design):
        return "inconclusive"
    good = ((effect.test.difference or 0.0) > 0) == design.greater_is_better
    if effect.kind == "interaction":
        return "more than the sum" if good else "less than the sum"
    return "better" if good else "worse"


def _is_shown(effect: "FactorialEffect", design: "Design") -> bool:
    return effect.p_holm is not None and effect.p_holm <= design.alpha


def _shown(effect: "FactorialEffect", design: "Design", scale: Scale) -> str:
    test = effect.test
    unit = " pp" if scale.unit else ""
    size = f"{scale.difference(test.difference)}{unit} {scale.interval(test.low, test.high, signed=True)}"
    found = f"({size}, Holm p {p_equals(effect.p_holm or 0.0)})"
    if effect.kind == "interaction":
        return f"{' and '.join(map(_step, effect.steps))} together do {verdict(effect, design)} {found}"
    return f"{effect_name(effect)} is {verdict(effect, design)} than {_reference(effect.steps[0])} {found}"


def _against(effect: "FactorialEffect") -> str:
    return "the sum" if effect.kind == "interaction" else _reference(effect.steps[0])


def _step(step: "Step") -> str:
    return step.component if step.reference == OFF else f"{step.component}={step.level}"


def _reference(step: "Step") -> str:
    return f"no {step.component}" if step.reference == OFF else step.reference
