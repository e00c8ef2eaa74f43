"""Every trial of every arm as a dot in one metric, with the arm's mean and interval above the dots."""

import math
from typing import TYPE_CHECKING

from tracking.html.axes import Axis, x_axis
from tracking.html.markup import Html, tag
from tracking.labels import shortened

if TYPE_CHECKING:
    from tracking.html.palette import Palette
    from tracking.scale import Scale
    from tracking.summary import ArmSummary, StudySummary

WIDTH, LABELS = 460, 132
RADII = ((40, 3.2), (120, 2.4))
LEAST_RADIUS, LAYERS = 1.7, 10
"""Up to so many trials a dot is that large. Dots that would hide each other are stacked so many deep."""


def points(summary: "StudySummary", metric: str, arms: "tuple[ArmSummary, ...]", palette: "Palette") -> Html:
    """Return the plot of one metric."""
    scale = summary.scales[metric]
    axis = Axis(*_limits(arms, scale), LABELS, WIDTH - 12)
    parts, top = [], 10.0
    for arm in arms:
        drawn, height = _arm(arm, scale, axis, top, palette)
        parts.append(drawn)
        top += height
    mean = summary.control.metrics[metric].mean if metric in summary.control.metrics else None
    if mean is not None:
        x = axis.clipped(mean * scale.factor)
        parts.insert(0, tag("line", x1=x, x2=x, y1=6, y2=top, class_="reference"))
    parts.insert(0, x_axis(axis, top, 6, scale.heading))
    size = f"0 0 {WIDTH} {top + 38:.0f}"
    return tag("svg", *parts, viewBox=size, class_="chart", role="img", aria_label=f"{scale.heading}, every trial")


def _limits(arms: "tuple[ArmSummary, ...]", scale: "Scale") -> tuple[float, float]:
    """Return limits, in shown units, that hold every trial, and intervals as far as they do not dwarf the trials."""
    values = [row.metrics[scale.metric] for arm in arms for row in arm.trials if scale.metric in row.metrics]
    found = [arm.metrics[scale.metric] for arm in arms if scale.metric in arm.metrics]
    low, high = min(values, default=0.0), max(values, default=1.0)
    span = (high - low) or max(abs(high), 1e-3) * 0.1
    left = max(min([low, *(one.low for one in found if one.low is not None)]), low - span)
    right = min(max([high, *(one.high for one in found if one.high is not None)]), high + span)
    room = 0.04 * (right - left) or span
    return (left - room) * scale.factor, (right + room) * scale.factor


def _arm(arm: "ArmSummary", scale: "Scale", axis: Axis, top: float, palette: "Palette") -> tuple[Html, float]:
    """Draw one arm from `top` down; return it and its height."""
    rows = [row for row in arm.trials if scale.metric in row.metrics]
    middle = top + 12
    radius = next((radius for most, radius in RADII if len(rows) <= most), LEAST_RADIUS)
    dots, deepest, ends = [], 0, [-math.inf] * LAYERS
    for row in sorted(rows, key=lambda row: row.metrics[scale.metric]):
        x = axis.clipped(row.metrics[scale.metric] * scale.factor)
        free = (place for place, last in enumerate(ends) if x - last >= 2 * radius)
        layer = next(free, ends.index(min(ends)))
        ends[layer] = x
        deepest = max(deepest, layer)
        told = tag("title", f"{arm.name}, seed {row.seed}: {scale.value(row.metrics[scale.metric])}{scale.unit}")
        dot = tag("circle", told, cx=x, cy=middle + 12 + 2 * radius * layer, r=radius, class_="dot mark")
        dots.append(dot)
    height = 34 + 2 * radius * deepest
    label = tag("text", shortened(arm.name, 18), x=0, y=middle + 2, class_="name")
    count = tag("text", f"{arm.count} trials" if arm.count != "1" else "1 trial", x=0, y=middle + 15, class_="tick")
    mean = _mean(arm, scale, axis, middle)
    return tag("g", label, count, *dots, mean, class_=palette.colour(arm.name)), height


def _mean(arm: "ArmSummary", scale: "Scale", axis: Axis, y: float) -> Html:
    """Draw the mean as a diamond on its interval."""
    found = arm.metrics.get(scale.metric)
    if found is None or found.mean is None:
        return Html("")
    x = axis.clipped(found.mean * scale.factor)
    interval = scale.interval(found.low, found.high)
    told = f"{arm.name}: mean {scale.value(found.mean)}{scale.unit} {interval}".rstrip()
    parts = [tag("title", told)]
    if found.low is not None and found.high is not None:
        ends = axis.clipped(found.low * scale.factor), axis.clipped(found.high * scale.factor)
        parts.append(tag("line", x1=ends[0], x2=ends[1], y1=y, y2=y, class_="interval"))
    diamond = f"{x - 5.5:.1f},{y:.1f} {x:.1f},{y - 5.5:.1f} {x + 5.5:.1f},{y:.1f} {x:.1f},{y + 5.5:.1f}"
    parts.append(tag("polygon", points=diamond, class_="estimate", fill="currentColor"))
    return tag("g", *parts, class_="mark")
