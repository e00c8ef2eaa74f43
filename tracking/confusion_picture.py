"""One arm's confusion matrix as PNG bytes, readable at 100 classes: ordered, in shares of the true class, worst pairs.

Colours and steps are those of the page's heat map (`tracking.html.heatmap`).
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tracking.confusions import ConfusedPair, worst_pairs
from tracking.html.heatmap import BOUNDS, MOST_CLASSES, PERCENT
from tracking.labels import shortened
from tracking.panels import FAINT, INK, png
from tracking.predictions import ArmPredictions

COLOURS = ("#FFFFFF", "#DCECF7", "#B5D6ED", "#82B9DE", "#4A98CB", "#1B75B0", "#08497A")
DIAGONAL = "#D9DDE2"
LEAST_SIDE, LARGEST_CELL, SMALLEST_CELL = 3.0, 0.3, 0.078
"""Inches; the smallest cell is one line of text high."""
NAME_LENGTH, PAIR_LENGTH = 22, 24
PAIRS = 20
LIST_WIDTH = 4.3
"""Inches."""


def draw_confusion(one: ArmPredictions, order: Sequence[int], class_names: Sequence[str]) -> bytes:
    """Draw the matrix of `one` with its classes in `order`, at most 200, and list the pairs that it confuses most."""
    classes = len(order)
    cell = min(LARGEST_CELL, max(SMALLEST_CELL, 7.8 / classes, LEAST_SIDE / classes))
    font = min(7.0, 72 * cell * 0.86)
    names = [shortened(class_names[place], NAME_LENGTH) for place in order]
    margin = 0.35 + max(map(len, names)) * font * 0.62 / 72
    side = cell * classes
    width, height = margin + side + 0.3 + LIST_WIDTH, max(0.45 + side + margin, 4.6)
    figure = Figure(figsize=(width, height))
    top = 0.45 / height
    axes = figure.add_axes((margin / width, 1 - top - side / height, side / width, side / height))
    _matrix(axes, one.shares[np.ix_(order, order)])
    _name(axes, names, font)
    title = f"{one.arm}: what is taken for what, in {one.trials} trial{'s' if one.trials > 1 else ''}"
    figure.text(margin / width, 1 - 0.22 / height, title, fontsize=10, color=INK, va="center", parse_math=False)
    left = (margin + side + 0.3) / width
    _bar(figure.add_axes((left, 1 - top - 0.22 / height, 3.4 / width, 0.14 / height)))
    _list(figure, left, 1 - top - 0.85 / height, height, worst_pairs(one, one, PAIRS), class_names)
    return png(figure)


def can_be_drawn(classes: int) -> bool:
    """Return whether there are few enough classes."""
    return classes <= MOST_CLASSES


def _matrix(axes: Axes, shares: NDArray[np.float64]) -> None:
    levels = np.searchsorted(BOUNDS, shares, side="right")
    np.fill_diagonal(levels, len(COLOURS))
    axes.imshow(levels, cmap=ListedColormap([*COLOURS, DIAGONAL]), vmin=0, vmax=len(COLOURS), interpolation="nearest")
    axes.spines[:].set_color("#999999")
    edges = np.arange(0, len(shares), 1 if len(shares) <= 50 else 5) - 0.5  # To follow a row to its name.
    axes.hlines(edges, -0.5, len(shares) - 0.5, color=FAINT, linewidth=0.4)
    axes.vlines(edges, -0.5, len(shares) - 0.5, color=FAINT, linewidth=0.4)
    axes.set_xlabel("predicted class", fontsize=8, color=INK)
    axes.set_ylabel("true class", fontsize=8, color=INK)


def _name(axes: Axes, names: Sequence[str], font: float) -> None:
    places = range(len(names))
    axes.set_xticks(places, names, rotation=90, fontsize=font, parse_math=False)
    axes.set_yticks(places, names, fontsize=font, parse_math=False)
    axes.tick_params(length=1.5, pad=1.5, colors=INK, width=0.4)


def _bar(axes: Axes) -> None:
    """Draw the colour bar, whose steps begin at the shares below them."""
    count = len(COLOURS) - 1
    steps = np.arange(1, count + 1)[np.newaxis]
    axes.imshow(
        steps, cmap=ListedColormap(COLOURS), norm=BoundaryNorm(np.arange(-0.5, count + 1), count + 1), aspect="auto"
    )
    axes.set_xticks(np.arange(count) - 0.5, PERCENT, fontsize=7)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, pad=2, colors=INK)
    axes.set_title("% of the true class (right answers are grey)", fontsize=8, color=INK, loc="left", pad=4)


def _list(
    figure: Figure, left: float, top: float, height: float, pairs: Sequence[ConfusedPair], class_names: Sequence[str]
) -> None:
    """List the pairs, in columns of their own."""
    line = 0.155 / height
    fit = max(5, int((top - 0.1 / height) / line) - 2)
    width = figure.get_figwidth()
    figure.text(left, top, "Worst confusions, most images first", fontsize=8, color=INK, weight="bold", va="top")
    for place, pair in enumerate(pairs[:fit], start=1):
        names = [shortened(class_names[which], PAIR_LENGTH) for which in (pair.true, pair.predicted)]
        cells = (f"{100 * pair.arm:.1f}%", f"{names[0]}  →  {names[1]}")
        for offset, text in zip((0.0, 0.45), cells, strict=True):
            figure.text(
                left + offset / width, top - place * line, text, fontsize=7, color=INK, va="top", parse_math=False
            )
