"""The views of a search as PNG bytes.

Optuna's own figures are not used: they draw through pyplot and set its style for the whole process, which the other
pictures would take on; long names of choices lie on each other, and a conditional parameter drops settings.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from tracking.dimensions import ABSENT
from tracking.labels import shortened
from tracking.panels import FAINT, INK, Look, png, quiet
from tracking.search_views import MOST_AXES, MOST_SLICES, View

if TYPE_CHECKING:
    from tracking.dimensions import Dimension
    from tracking.search_views import Mark, SearchViews

BEST, OTHER, LOST = "#D55E00", "#0072B2", "#999999"
_COLUMNS = 3


def history(views: "SearchViews") -> bytes:
    """Draw every setting's score in the order of asking, and the best so far."""
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    axes = figure.subplots()
    quiet(axes)
    _scores(axes, views, labelled=True)
    count = len(views.searched.rows)
    steps = [*views.best, (count, views.best[-1][1])]
    axes.step(*zip(*steps, strict=True), where="post", color=BEST, linewidth=1.4, label="best so far", zorder=1)
    for leads, colour in ((False, OTHER), (True, BEST)):
        group = [mark for mark in views.scored if mark.leads == leads]
        label = "the best tenth" if leads else "the others"
        _dots(axes, [mark.number for mark in group], [mark.score for mark in group], colour, label)
    _lost(axes, [mark.number for mark in views.unscored])
    axes.set_xlim(0.5 - 0.01 * count, count + 0.5 + 0.01 * count)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.set_xlabel("settings, in the order of asking", fontsize=9, color=INK)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return png(figure)


def importances(views: "SearchViews") -> bytes:
    """Draw each parameter's share as a bar."""
    shares = views.importances[: 2 * MOST_AXES]
    figure = Figure(figsize=(7, 1.0 + 0.36 * len(shares)), layout="constrained")
    axes = figure.subplots()
    quiet(axes)
    axes.grid(visible=False, axis="y")
    places = range(len(shares))
    axes.barh(places, [100 * share for _, share in shares], height=0.62, color=OTHER)
    for place, (_, share) in zip(places, shares, strict=True):
        axes.text(100 * share + 1, place, f"{100 * share:.0f}%", va="center", fontsize=8, color=INK)
    axes.set_yticks(places, [shortened(name, 30) for name, _ in shares])
    axes.set_ylim(len(shares) - 0.5, -0.5)
    axes.set_xlim(0, min(112, 112 * shares[0][1] + 6))
    axes.set_xlabel("share of what tells the best tenth from the others, %", fontsize=9, color=INK)
    return png(figure)


def slices(views: "SearchViews") -> bytes:
    """Draw the scores over each parameter, those that decide most first."""
    dimensions = views.dimensions[:MOST_SLICES]
    columns = min(_COLUMNS, len(dimensions))
    rows = math.ceil(len(dimensions) / columns)
    figure = Figure(figsize=(max(5.0, 3.4 * columns), 2.9 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes in grid.flat[len(dimensions) :]:
        axes.set_visible(False)
    for place, (axes, dimension) in enumerate(zip(grid.flat, dimensions, strict=False)):
        _slice(axes, dimension, views, labelled=place % columns == 0)
    return png(figure)


def parallel(views: "SearchViews") -> bytes:
    """Draw each setting as a line through its parameters to its score."""
    dimensions = views.dimensions[:MOST_AXES]
    figure = Figure(figsize=(max(6.0, 1.5 * (len(dimensions) + 1)), 4.4), layout="constrained")
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(-0.25, len(dimensions) + 0.75)
    axes.set_ylim(ABSENT - 0.05, 1.14)
    score = views.axis(0.0, 1.0).clipped
    for mark in sorted(views.marks, key=lambda mark: (mark.leads, mark.score is not None)):
        places = [dimension.passed(mark.row.values, mark.number) for dimension in dimensions]
        places += [] if mark.score is None else [score(mark.score)]
        axes.plot(range(len(places)), places, **_line(mark))
    for place, dimension in enumerate(dimensions):
        absent = any(dimension.place(mark.row.values) is None for mark in views.marks)
        _axis(axes, place, shortened(dimension.heading, 22), dimension.ticks(5), absent=absent)
    _axis(axes, len(dimensions), shortened(views.scale.heading, 22), views.ticks(6), absent=False)
    return png(figure)


DRAWINGS: Mapping[View, "Callable[[SearchViews], bytes]"] = {
    "history": history,
    "importances": importances,
    "slices": slices,
    "parallel": parallel,
}


def _slice(axes: Axes, dimension: "Dimension", views: "SearchViews", *, labelled: bool) -> None:
    quiet(axes)
    _scores(axes, views, labelled=labelled)
    axes.set_xlim(0, 1)
    for leads, colour in ((False, OTHER), (True, BEST)):
        group = [(place, mark.score) for mark, place in dimension.having(views.scored) if mark.leads == leads]
        _dots(axes, [place for place, _ in group], [score for _, score in group], colour)
    _lost(axes, [place for _, place in dimension.having(views.unscored)])
    ticks = dimension.ticks(4)
    axes.set_xticks([place for place, _ in ticks], [label for _, label in ticks])
    if dimension.parameter.choices and sum(len(label) + 2 for _, label in ticks) > 34:
        axes.tick_params(axis="x", labelrotation=30)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")
            label.set_rotation_mode("anchor")
    axes.set_title(shortened(dimension.heading, 34), fontsize=9, color=INK, loc="left")


def _scores(axes: Axes, views: "SearchViews", *, labelled: bool) -> None:
    """Make the y axis that of the scores."""
    low, high, log = views.limits
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0,) if high / low > 300 else (1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(low, high)
    if labelled:
        axes.set_ylabel(views.scale.heading, fontsize=9, color=INK)


def _dots(axes: Axes, x: list[float], y: Sequence[float | None], colour: str, label: str = "") -> None:
    axes.scatter(
        x,
        np.array(y, float),
        s=22,
        color=colour,
        alpha=0.65,
        linewidths=0,
        label=label or None,
        clip_on=False,
        zorder=3,
    )


def _lost(axes: Axes, x: list[float]) -> None:
    """Draw settings without a score as crosses on the lower edge."""
    if x:
        edge = axes.get_xaxis_transform()
        look: Look = {"s": 20, "color": LOST, "linewidths": 1, "clip_on": False, "zorder": 4}
        axes.scatter(x, [0.0] * len(x), marker="x", transform=edge, label="pruned or failed", **look)


def _line(mark: "Mark") -> Look:
    if mark.score is None:
        return {"color": LOST, "linewidth": 0.7, "alpha": 0.5, "linestyle": (0, (2, 2))}
    if mark.leads:
        return {"color": BEST, "linewidth": 1.8, "alpha": 0.95}
    return {"color": OTHER, "linewidth": 0.8, "alpha": 0.4}


def _axis(axes: Axes, x: float, name: str, ticks: list[tuple[float, str]], *, absent: bool) -> None:
    """Draw one upright axis, its name above it, its labels on a ground that the lines do not cross."""
    axes.plot([x, x], [0, 1], color=INK, linewidth=0.9, zorder=5)
    axes.text(x, 1.05, name, fontsize=8.5, color=INK, ha="center", va="bottom", parse_math=False)
    ground = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
    for y, label in [*ticks, *([(ABSENT, "not asked")] if absent else [])]:
        axes.plot([x - 0.02, x], [y, y], color=INK if y >= 0 else FAINT, linewidth=0.8, zorder=5)
        axes.text(x + 0.03, y, label, fontsize=7.5, color=INK, va="center", zorder=6, bbox=ground, parse_math=False)
