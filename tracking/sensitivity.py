"""The smallest true difference that one comparison finds with 80% power, at once or at the looks of a design."""

import math
from typing import TYPE_CHECKING

from tracking.power import detectable_difference, detectable_from_interval, detectable_paired_difference
from tracking.spending import nominal_levels
from tracking.stats import Difference, Values

if TYPE_CHECKING:
    from tracking.sequential import ArmDecision, Decision


def detectable(x: Values, y: Values, level: float, *, paired: bool) -> float | None:
    """Return it for samples of shapes (n_treatment,) and (n_control,) with a spread, tested at `level`.

    `paired` samples share a seed at each position. None where it cannot be represented.
    """
    if paired:
        found = detectable_paired_difference(float((x - y).std(ddof=1)), x.size, level)
    else:
        sds = float(x.std(ddof=1)), float(y.std(ddof=1))
        found = detectable_difference(sds, (x.size, y.size), level)
    return found if found is not None and math.isfinite(found) else None


def detectable_by_now(test: Difference, arm: "ArmDecision", decision: "Decision") -> float | None:
    """Return it at the arm's latest look, whose level is stricter than the last one's; None before the first look.

    The level is that of Holm's first step: the alpha of the design over the number of its treatments.
    """
    design = decision.design
    place = decision.looks_done - 1 if arm.look is None else design.looks.index(arm.look)
    if place < 0 or test.low is None or test.high is None or test.df is None:
        return None
    level = nominal_levels(design.alpha / len(decision.arms), design.looks)[place]
    return detectable_from_interval(test.high - test.low, test.df, 1 - design.alpha, level)
