"""From values to positions in a drawing, and where an axis has its ticks."""

import math
from dataclasses import dataclass

from tracking.html.markup import Html, joined, tag

FEWEST_TICKS = 3


@dataclass(frozen=True)
class Axis:
    """Values from `low` to `high` lie on `start` to `end`, in the drawing's units; y axes have start > end."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Return where `value` lies; beyond the ends for values beyond the limits."""
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        if high == low:
            return (self.start + self.end) / 2
        place = math.log(max(value, 1e-300)) if self.log else value
        return self.start + (place - low) / (high - low) * (self.end - self.start)

    def clipped(self, value: float) -> float:
        """Return where `value` lies, or the end that it lies beyond."""
        return self.at(min(max(value, self.low), self.high))

    def ticks(self, count: int) -> list[float]:
        """Return round values inside the limits, about `count` of them."""
        found = _decades(self.low, self.high, count) if self.log else []
        # Two values of a log axis do not tell how it runs; over so few powers of ten equal steps are round enough.
        return found if len(found) >= FEWEST_TICKS else _steps(self.low, self.high, count)


def tick_label(value: float, ticks: list[float], *, signed: bool = False) -> str:
    """Return `value` with as many decimals as all of `ticks` need."""
    decimals = max((_decimals(tick) for tick in ticks), default=0)
    return f"{value:{'+' if signed and value else ''}.{decimals}f}" if decimals < 6 else f"{value:g}"


def x_axis(axis: Axis, y: float, top: float, label: str, count: int = 5, *, signed: bool = False) -> Html:
    """Draw a horizontal axis at height `y` with grid lines up to `top`, and its label below."""
    ticks = axis.ticks(count)
    parts = []
    for tick in ticks:
        x = axis.at(tick)
        parts.append(tag("line", x1=x, x2=x, y1=top, y2=y, class_="grid"))
        parts.append(tag("text", tick_label(tick, ticks, signed=signed), x=x, y=y + 15, class_="tick mid"))
    parts.append(tag("line", x1=axis.start, x2=axis.end, y1=y, y2=y, class_="axis"))
    if label:
        parts.append(tag("text", label, x=(axis.start + axis.end) / 2, y=y + 31, class_="label mid"))
    return joined(parts)


def y_axis(axis: Axis, x: float, right: float, count: int = 5) -> Html:
    """Draw a vertical axis at `x` with grid lines to `right`."""
    ticks = axis.ticks(count)
    parts = []
    for tick in ticks:
        y = axis.at(tick)
        label = f"{tick:g}" if axis.log else tick_label(tick, ticks)
        parts.append(tag("line", x1=x, x2=right, y1=y, y2=y, class_="grid"))
        parts.append(tag("text", label, x=x - 6, y=y + 3.5, class_="tick end"))
    return joined(parts)


def _steps(low: float, high: float, count: int) -> list[float]:
    span = high - low
    if not (span > 0 and math.isfinite(span)):
        return [low]
    size: float = 10.0 ** math.floor(math.log10(span / count))
    step = next(size * factor for factor in (1, 2, 5, 10, 20) if span / (size * factor) <= count)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(place * step, 12) + 0.0 for place in range(first, last + 1)]


def _decades(low: float, high: float, count: int) -> list[float]:
    """Return 1, 2, 5 in each power of ten, or the powers alone where that is too many."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [float(f"{factor}e{power}") for power in powers for factor in factors]
        inside = [value for value in found if low <= value <= high]
        if len(inside) <= count + 2:
            break
    return inside[:: 1 + len(inside) // (count + 3)]


def _decimals(tick: float) -> int:
    """Return the decimals that show `tick` to six significant digits."""
    text = f"{tick:.6g}"
    if "e-" in text:
        return 6
    return len(text.partition(".")[2])
