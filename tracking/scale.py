"""How a metric's numbers are shown: unit, sign and as many decimals as the spread supports."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

LARGE = 1e12
"""Numbers from here on are shown with six digits and an exponent."""
_ACCURACY = re.compile(r"(?<![a-z])acc(uracy)?(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True)
class Scale:
    """The presentation of one metric."""

    metric: str
    decimals: int
    percent: bool
    """Kept as a fraction and shown in percent, as accuracies are."""

    @property
    def label(self) -> str:
        """The metric in words, such as `test accuracy`."""
        return self.metric.replace("_", " ")

    @property
    def unit(self) -> str:
        """What follows the label of a column or an axis: `%`, or nothing for a loss."""
        return "%" if self.percent else ""

    @property
    def factor(self) -> float:
        """What a stored value is multiplied with."""
        return 100.0 if self.percent else 1.0

    @property
    def heading(self) -> str:
        """Label and unit, for a table's column."""
        return f"{self.label}, {self.unit}" if self.unit else self.label

    def value(self, value: float | None) -> str:
        """Return a value without its unit; an empty text for None."""
        return "" if value is None else _fixed(value * self.factor, self.decimals)

    def difference(self, value: float | None) -> str:
        """Return a difference with its sign and without its unit; an empty text for None."""
        return "" if value is None else _fixed(value * self.factor, self.decimals, sign="+")

    def interval(self, low: float | None, high: float | None, *, signed: bool = False) -> str:
        """Return `[low, high]` without its unit; an empty text if an end is None."""
        if low is None or high is None:
            return ""
        shown = self.difference if signed else self.value
        return f"[{shown(low)}, {shown(high)}]"

    def margin(self, value: float) -> str:
        """Return a declared size of a difference with its unit, as it was declared, such as `0.5 pp`."""
        return f"{value * self.factor:g}{' pp' if self.unit else ''}"

    def points(self, value: float) -> str:
        """Return a size of a difference with its unit, such as `0.91 pp`, to two significant digits.

        No two accuracies are more than 100 points apart: of what cannot be, no more is said.
        """
        if self.percent and value > 1:
            return "over 100 pp"
        scaled = value * self.factor
        digits = max(0, min(12, 1 - math.floor(math.log10(scaled)))) if scaled > 0 else 0
        return f"{_fixed(scaled, digits)}{' pp' if self.unit else ''}"


def is_accuracy(metric: str) -> bool:
    """Return whether `metric` is, by its name, a fraction of right answers, of which more is better."""
    return metric.endswith("accuracy") or _ACCURACY.search(metric) is not None


def scale(metric: str, sds: Iterable[float | None], means: Iterable[float | None] = ()) -> Scale:
    """Return the scale that shows the smallest positive sd with two significant digits, within reason.

    Where nothing varies, the smallest mean is shown with three. An accuracy whose means leave [0, 1] is not a
    fraction (some tools write 94.1 for 0.941), and is shown as it is.
    """
    known = [mean for mean in means if mean is not None]
    spreads = [sd for sd in sds if sd is not None and sd > 0]
    percent = is_accuracy(metric) and all(0 <= mean <= 1 for mean in known) and all(sd <= 1 for sd in spreads)
    factor = 100.0 if percent else 1.0
    tenths = [tenth for mean in known if (tenth := abs(mean) / 10) > 0]
    smallest = factor * min(spreads or tenths or [1.0 / factor])
    least, most = _decimals_of(metric, percent)
    return Scale(metric, min(most, max(least, 1 - math.floor(math.log10(smallest)))), percent)


def _decimals_of(metric: str, percent: bool) -> tuple[int, int]:
    """Return the least and the greatest number of decimals."""
    if percent:
        return 2, 4
    return (3, 6) if metric.endswith("loss") else (0, 12)


def p_value(p: float | None) -> str:
    """Return `p` to three decimals, `<0.001` under that, and an empty text for None."""
    if p is None:
        return ""
    return "<0.001" if p < 0.001 else _decimals(p)


def p_equals(p: float) -> str:
    """Return `= 0.012` or `< 0.001`, to follow a p in a sentence."""
    return "< 0.001" if p < 0.001 else f"= {_decimals(p)}"


def _decimals(p: float) -> str:
    """Return `p` to three decimals; to four where three would leave open on which side of 0.05 it is."""
    return f"{p:.4f}" if f"{p:.3f}" == "0.050" else f"{p:.3f}"


def two_decimals(value: float | None) -> str:
    """Return a number without a unit, such as Hedges g or t, to two decimals; an empty text for None."""
    return "" if value is None else _fixed(value, 2)


def tenths(value: float) -> str:
    """Return a difference in points with its sign and one decimal, never `-0.0`."""
    return _fixed(value, 1, sign="+")


def with_interval(value: float | None, low: float | None, high: float | None) -> str:
    """Return a number without a unit and its interval, such as `2.08 [0.68, 3.43]`, as far as they are there."""
    if value is None or low is None or high is None:
        return two_decimals(value)
    return f"{two_decimals(value)} [{two_decimals(low)}, {two_decimals(high)}]"


def duration(seconds: float | None) -> str:
    """Return a time as h:mm:ss from one minute on, as seconds below, and an empty text for None."""
    if seconds is None:
        return ""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _fixed(value: float, decimals: int, sign: str = "-") -> str:
    """Return `value` with `decimals`, never -0.00; `sign` is `+` for a sign in front of positive numbers too."""
    if abs(value) >= LARGE:
        return f"{value:{sign}.6g}"
    return f"{0.0 if round(value, decimals) == 0 else value:{sign}.{decimals}f}"
