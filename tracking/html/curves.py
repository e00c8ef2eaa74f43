"""Curves over epochs: per arm the mean over seeds, in a band from the lowest to the highest seed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tracking.html.axes import Axis, x_axis, y_axis
from tracking.html.markup import Html, joined, number, tag
from tracking.scale import is_accuracy

if TYPE_CHECKING:
    from tracking.html.palette import Palette
    from tracking.summary import ArmSummary

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 26, 36
MOST_POINTS = 120
"""More epochs than this are thinned out; the band still holds every epoch's lowest and highest seed."""
PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Curve:
    """One arm's curve in shown units; every array is (points,)."""

    epochs: NDArray[np.int64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def panels(arms: "Sequence[ArmSummary]") -> dict[str, list[str]]:
    """Return the metrics that have a history: by what they measure, the parts of the data in order."""
    found: dict[str, list[str]] = {}
    for metric in dict.fromkeys(name for arm in arms for name in arm.histories):
        part, _, kind = metric.partition("_")
        found.setdefault(kind if part in PARTS else metric, []).append(metric)
    return {kind: sorted(metrics, key=_place) for kind, metrics in found.items()}


def curves(metric: str, arms: "Sequence[ArmSummary]", limits: tuple[float, float, bool], palette: "Palette") -> Html:
    """Return the panel of one metric, whose y axis goes from and to `limits`, which also say whether it is log."""
    drawn = {arm.name: curve(metric, arm.histories[metric]) for arm in arms if metric in arm.histories}
    last = max((int(one.epochs[-1]) for one in drawn.values()), default=1)
    low, high, log = limits
    x, y = Axis(1, max(last, 2), LEFT, WIDTH - RIGHT), Axis(low, high, HEIGHT - BOTTOM, TOP, log)
    parts = [tag("text", metric.replace("_", " "), x=LEFT, y=14, class_="title")]
    parts += [x_axis(x, HEIGHT - BOTTOM, TOP, "epoch", 6), y_axis(y, LEFT, WIDTH - RIGHT)]
    lines = [_drawn(one, x, y, name, palette) for name, one in drawn.items()]
    # A drawing in the drawing cuts off what comes from below the limits.
    frame = {"x": LEFT, "y": TOP, "width": WIDTH - RIGHT - LEFT + 3, "height": HEIGHT - BOTTOM - TOP}
    box = f"{LEFT} {TOP} {frame['width']} {frame['height']}"
    parts.append(tag("svg", *lines, viewBox=box, class_="plot", **frame))
    parts.append(tag("line", x1=0, x2=0, y1=TOP, y2=HEIGHT - BOTTOM, class_="cursor"))
    values = json.dumps([_told(name, one, palette) for name, one in drawn.items()], separators=(",", ":"))
    return tag(
        "svg",
        *parts,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        class_="chart curves",
        role="img",
        aria_label=f"{metric.replace('_', ' ')} over epochs",
        data_curves=values,
        data_x=f"{x.low} {x.high} {x.start} {x.end}",
        data_decimals="2" if is_accuracy(metric) else None,
    )


def curve(metric: str, stack: NDArray[np.float64]) -> Curve:
    """Return the mean over the first axis of `stack`, (trials, epochs), and its range; a diverged value counts not."""
    values = np.where(np.isfinite(stack), stack, np.nan) * (100.0 if is_accuracy(metric) else 1.0)
    count = values.shape[1]
    picked = np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(np.int64))
    there = np.isfinite(values)
    total = np.where(there, values, 0.0).sum(axis=0)
    mean = np.where(there.any(axis=0), total / np.maximum(there.sum(axis=0), 1), np.nan)
    low, high = np.where(there, values, np.inf).min(axis=0), np.where(there, values, -np.inf).max(axis=0)
    starts = np.concatenate([[0], picked[:-1] + 1])
    bands = np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
    return Curve(picked + 1, mean[picked], *bands)


def limits(kind: str, metrics: Sequence[str], arms: "Sequence[ArmSummary]") -> tuple[float, float, bool]:
    """Return the lowest and highest value to be shown, and whether on a log scale, for the panels of one kind.

    Accuracies are shown from where the first tenth of the training has led; losses on a log scale.
    """
    stacks = [arm.histories[metric] for arm in arms for metric in metrics if metric in arm.histories]
    settled = [_settled(stack) if is_accuracy(kind) else stack for stack in stacks]
    values = np.concatenate([one[np.isfinite(one)] for one in settled]) if settled else np.empty(0)
    if not values.size:
        return 0.0, 1.0, False
    low, high = float(values.min()), float(values.max())
    if kind.endswith("loss") and 0 < low < high:
        room = (high / low) ** 0.04
        return low / room, high * room, True
    factor = 100.0 if is_accuracy(kind) else 1.0
    room = 0.04 * (high - low) or 0.005 * (abs(high) or 1.0)
    top = min(high + room, 1.005) if is_accuracy(kind) else high + room
    return factor * (low - room), factor * top, False


def _settled(stack: NDArray[np.float64]) -> NDArray[np.float64]:
    return stack[:, min(stack.shape[1] - 1, max(1, stack.shape[1] // 10)) :]


def _drawn(one: Curve, x: Axis, y: Axis, name: str, palette: "Palette") -> Html:
    """Draw one arm's band and mean, where it is finite."""
    there = np.isfinite(one.mean)
    xs = [x.at(float(epoch)) for epoch in one.epochs[there]]
    lower, upper, mean = ([y.at(float(value)) for value in row[there]] for row in (one.low, one.high, one.mean))
    parts = []
    if len(xs) == 1:
        parts.append(tag("circle", cx=xs[0], cy=mean[0], r=3, fill="currentColor"))
    elif xs:
        if (one.high > one.low)[there].any():
            area = _points([*xs, *reversed(xs)], [*upper, *reversed(lower)])
            parts.append(tag("polygon", points=area, class_="area"))
        parts.append(tag("polyline", points=_points(xs, mean), class_="curve", stroke_dasharray=palette.dash(name)))
    return tag("g", *parts, class_=palette.colour(name))


def _points(xs: Sequence[float], ys: Sequence[float]) -> str:
    return " ".join(f"{number(round(x, 1))},{number(round(y, 1))}" for x, y in zip(xs, ys, strict=True))


def _told(name: str, one: Curve, palette: "Palette") -> Mapping[str, object]:
    """Return what the pointer shows: name, class, epochs, and per epoch mean, lowest and highest."""
    rows = np.stack([one.mean, one.low, one.high]).T
    values = [[float(f"{value:.4g}") if np.isfinite(value) else None for value in row] for row in rows]
    return {"name": name, "colour": palette.colour(name), "epochs": one.epochs.tolist(), "values": values}


def legend(names: Sequence[str], palette: "Palette") -> Html:
    """Return the arms with a piece of their line each."""
    items = [tag("li", palette.swatch(name), " ", name) for name in names]
    return tag("ul", joined(items), class_="legend")


def _place(metric: str) -> int:
    """Return the column of a metric's panel: training first, the test set last."""
    part = metric.partition("_")[0]
    return PARTS.index(part) if part in PARTS else len(PARTS)
