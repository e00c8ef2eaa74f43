"""Pictures of pictures, as PNG bytes: training images by class, and test images with what arms predicted on them."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tracking.labels import shortened
from tracking.panels import DPI, INK, Look, png
from tracking.samples import Sample
from tracking.shown import Shown, ShownImage, Verdict

WRONG = "#A84300"
"""Of what is also bold and marked by a cross."""
PIXELS = 96
"""About how many pixels an image is wide; whole multiples stay sharp."""
COLUMNS = 3
"""Test images beside each other."""
CELL_WIDTH, TEXT_LINE = 3.2, 0.135
MARGIN, GAP = 0.12, 0.1
TILE, CAPTION_LINE = 1.0, 0.115
"""Width of a training image's place, and height of a line of its class's name."""
"""Distances in inches."""
LINE_LENGTH = 40
"""Characters beside a test image."""


def training_grid(training: Sample, class_names: Sequence[str]) -> bytes:
    """Draw the training images with the names of their classes: a column for each of up to ten, else one by one."""
    classes = np.unique(training.labels)
    return _by_column(training, classes, class_names) if len(classes) <= 10 else _one_by_one(training, class_names)


def _by_column(training: Sample, classes: NDArray[np.int64], class_names: Sequence[str]) -> bytes:
    blocks = [training.images[training.labels == label] for label in classes]
    side = _inches(training.images[0])
    top, row = MARGIN + _caption_height(training, class_names), side + 0.08
    width = 2 * MARGIN + len(blocks) * TILE
    figure, axes = _canvas(width, top + max(map(len, blocks)) * row + MARGIN)
    for column, (label, block) in enumerate(zip(classes.tolist(), blocks, strict=True)):
        centre = MARGIN + (column + 0.5) * TILE
        _caption(axes, class_names[label], centre, top - 0.05, "bottom")
        for place, pixels in enumerate(block):
            _draw(axes, pixels, centre - side / 2, top + place * row)
    return png(figure)


def _one_by_one(training: Sample, class_names: Sequence[str]) -> bytes:
    columns, side = 9, _inches(training.images[0])
    row = side + 0.12 + _caption_height(training, class_names)
    rows = -(-len(training.images) // columns)
    figure, axes = _canvas(2 * MARGIN + columns * TILE, 2 * MARGIN + rows * row)
    for place, (label, pixels) in enumerate(zip(training.labels.tolist(), training.images, strict=True)):
        centre, upper = MARGIN + (place % columns + 0.5) * TILE, MARGIN + place // columns * row
        _draw(axes, pixels, centre - side / 2, upper)
        _caption(axes, class_names[label], centre, upper + side + 0.04, "top")
    return png(figure)


def prediction_grid(shown: Shown, class_names: Sequence[str]) -> bytes:
    """Draw the test images that are shown, each with its true class and what every shown arm makes of it."""
    images = shown.images
    side = _inches(images[0].pixels)
    lines = max(len(one.verdicts) for one in images) + 1
    height = max(side, lines * TEXT_LINE + 0.02) + GAP
    blocks = [one for one in (shown.spread, shown.telling) if one]
    heading = 0.26
    rows = sum(-(-len(block) // COLUMNS) for block in blocks)
    figure, axes = _canvas(COLUMNS * CELL_WIDTH + 2 * MARGIN, 2 * MARGIN + rows * height + heading * len(blocks))
    upper = MARGIN
    for block, title in zip(blocks, ("Spread evenly over the test set", "Where arms differ most"), strict=False):
        axes.text(MARGIN, upper, title, fontsize=9, color=INK, va="top")
        upper += heading
        for place, one in enumerate(block):
            row, column = divmod(place, COLUMNS)
            _example(axes, one, class_names, (MARGIN + column * CELL_WIDTH, upper + row * height), side)
        upper += -(-len(block) // COLUMNS) * height
    return png(figure)


def _example(axes: Axes, one: ShownImage, class_names: Sequence[str], corner: tuple[float, float], side: float) -> None:
    x, y = corner
    _draw(axes, one.pixels, x, y)
    left = x + side + 0.08
    name = shortened(class_names[one.true], LINE_LENGTH - 3)
    axes.text(left, y, name, fontsize=7, color=INK, va="top", weight="bold", parse_math=False)
    for line, verdict in enumerate(one.verdicts, start=1):
        look: Look = {"color": INK} if verdict.is_right else {"color": WRONG, "weight": "bold"}
        text = verdict_text(verdict, class_names, LINE_LENGTH)
        axes.text(left, y + line * TEXT_LINE, text, fontsize=6.5, va="top", parse_math=False, **look)


def verdict_text(verdict: Verdict, class_names: Sequence[str], length: int) -> str:
    """Return a line such as `✗ dropout1 2/6: frog`, in at most about `length` characters."""
    mark = "✓" if verdict.is_right else "✗"
    begin = f"{mark} {shortened(verdict.arm, length // 2 - 2)} {verdict.right}/{verdict.trials}"
    if verdict.is_right:
        return begin
    return f"{begin}: {shortened(class_names[verdict.predicted], max(8, length - len(begin) - 2))}"


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure whose axes count inches from the upper left corner."""
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return figure, axes


def _inches(pixels: NDArray[np.uint8]) -> float:
    """Return the longer side of a drawn image."""
    longest: int = max(pixels.shape[:2])
    return longest * max(1, round(PIXELS / longest)) / DPI


def _draw(axes: Axes, pixels: NDArray[np.uint8], x: float, y: float) -> None:
    """Draw an image with its upper left corner at (x, y), in the middle of its square."""
    height, width = pixels.shape[:2]
    inch = max(1, round(PIXELS / max(height, width))) / DPI
    indent = (max(height, width) - np.array([width, height])) * inch / 2
    left, upper = round((x + indent[0]) * DPI) / DPI, round((y + indent[1]) * DPI) / DPI
    extent = (left, left + width * inch, upper + height * inch, upper)
    colours = pixels if pixels.shape[-1] == 3 else np.repeat(pixels, 3, axis=-1)
    limits = axes.get_xlim(), axes.get_ylim()
    axes.imshow(colours, extent=extent, interpolation="nearest", aspect="auto")
    axes.set(xlim=limits[0], ylim=limits[1])


def _caption_height(training: Sample, class_names: Sequence[str]) -> float:
    lines = max(len(_wrapped(class_names[label])) for label in training.labels.tolist())
    return lines * CAPTION_LINE


def _wrapped(name: str) -> list[str]:
    """Return a class name in up to three lines."""
    return textwrap.wrap(shortened(name, 54), 19)[:3]


def _caption(axes: Axes, name: str, x: float, y: float, va: str) -> None:
    text = "\n".join(_wrapped(name))
    axes.text(x, y, text, fontsize=6, color=INK, ha="center", va=va, linespacing=1.15, parse_math=False)
