"""A confusion matrix as a picture: true classes down, predicted ones across, in an order that gathers what is confused.

Cells of one colour are one path, so that a matrix of 100 classes takes as many bytes as it has confusions.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracking.html.markup import Html, joined, tag
from tracking.labels import shortened
from tracking.scale import tenths

BOUNDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Shares at which the colour changes: confusions of well-trained models span these orders of magnitude."""
STEPS = len(BOUNDS)
PERCENT = ("0.1", "0.3", "1", "3", "10", "30")
NAME_LENGTHS = {1: 24, 2: 15}
"""Characters of a name, by how many names share a row: at 100 classes two stand side by side."""
GAP = 26
"""Between the two sides of the colour bar, where the differences lie that are too small for a colour."""
MOST_CLASSES = 200
LARGEST_CELL = 30
"""Side of the cells of up to 22 classes, which have room for their value; of smaller ones the pointer tells it."""
TOP = 20
"""Room for what rows and columns are."""
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Heatmap:
    """A matrix whose cells have a level: 0 for no colour, up to `STEPS`, negative for the other side of zero."""

    values: Matrix
    """(classes, classes) in the order of the picture, what the pointer shows."""
    levels: NDArray[np.int64]
    """(classes, classes)."""
    names: tuple[str, ...]
    """In the order of the picture."""
    words: str
    """What a value is, such as `share of the true class`."""
    signed: bool


def of_shares(shares: Matrix, order: Sequence[int], names: Sequence[str]) -> Heatmap:
    """Return one arm's map: how large a share of each true class goes where. The diagonal is left grey."""
    values = shares[np.ix_(order, order)]
    levels = _levels(values)
    np.fill_diagonal(levels, 0)
    return Heatmap(values, levels, tuple(names[place] for place in order), "of the true class", signed=False)


def of_change(arm: Matrix, control: Matrix, order: Sequence[int], names: Sequence[str]) -> Heatmap:
    """Return the map of two arms' difference; a level is positive where the arm is better than the control.

    Off the diagonal less is better.
    """
    values = (arm - control)[np.ix_(order, order)]
    gain = -values
    np.fill_diagonal(gain, np.diag(values))
    named = tuple(names[place] for place in order)
    return Heatmap(values, np.sign(gain).astype(np.int64) * _levels(np.abs(values)), named, "points", signed=True)


@dataclass(frozen=True)
class _Room:
    """Where things stand, in pixels; the matrix has its corner at (margin, TOP)."""

    cell: int
    """Side of a cell."""
    lanes: int
    """Names side by side in front of the matrix: two where a row is lower than a line of text."""
    lane: float
    """Width of one of them."""
    side: int
    """Of the matrix."""

    @property
    def margin(self) -> float:
        """Room for the names."""
        return self.lane * self.lanes + 12


def drawn(heatmap: Heatmap, title: str) -> Html:
    """Return the picture, at a size of its own: it is scrolled rather than shrunk."""
    classes = len(heatmap.names)
    cell = min(LARGEST_CELL, max(7, 660 // classes))
    lanes = 1 if cell >= 12 else 2
    shown = [shortened(name, NAME_LENGTHS[lanes]) for name in heatmap.names]
    room = _Room(cell, lanes, 6.2 * max(map(len, shown)) + 8, cell * classes)
    cells = tag("g", *_cells(heatmap), transform=f"scale({cell})", class_="cells")
    frame = tag("rect", x=0, y=0, width=room.side, height=room.side, class_="frame")
    names = [_names(name, place, room) for place, name in enumerate(shown)]
    values = _values(heatmap, cell) if cell == LARGEST_CELL else ""
    width, height = round(room.margin + room.side + 4), round(TOP + room.side + room.margin)
    return tag(
        "svg",
        tag("text", "true class ↓   predicted →", x=room.margin, y=12, class_="label"),
        tag("g", cells, values, frame, *names, transform=f"translate({room.margin:.1f} {TOP})"),
        tag("rect", width=cell, height=cell, x=-99, y=-99, class_="pointer"),
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        class_="heatmap",
        role="img",
        aria_label=title,
        data_cell=f"{room.margin:.1f} {TOP} {cell}",
        data_values=_sparse(heatmap),
        data_names=json.dumps(heatmap.names),
        data_words=heatmap.words,
        data_signed="yes" if heatmap.signed else None,
    )


def colour_bar(*, signed: bool) -> Html:
    """Return what the colours mean."""
    sides = [range(-STEPS, 0), range(1, STEPS + 1)] if signed else [range(1, STEPS + 1)]
    levels = [level for side in sides for level in side]
    size = 34
    parts = []
    for place, level in enumerate(levels):
        # Each label stands at the edge where the level begins, seen from zero.
        x = place * size + (18 if signed else 0) + (GAP if signed and level > 0 else 0)
        parts.append(tag("rect", x=x, y=16, width=size, height=12, class_=_class(level)))
        edge = x + (size if level < 0 else 0)
        parts.append(tag("text", PERCENT[abs(level) - 1], x=edge, y=40, class_="tick mid"))
    width = len(levels) * size + 36 + GAP
    if signed:
        middle = 18 + STEPS * size + GAP / 2
        parts.append(tag("text", "← the arm is worse, pp", x=middle - 12, y=11, class_="tick end"))
        parts.append(tag("text", "the arm is better, pp →", x=middle + 12, y=11, class_="tick"))
    else:
        parts = [tag("g", *parts, transform="translate(8 0)")]
        parts.append(tag("text", "% of the true class (its right answers are grey)", x=0, y=11, class_="tick"))
    return tag("svg", *parts, viewBox=f"0 0 {width} 46", width=width, height=46, class_="bar", aria_hidden="true")


def _levels(values: Matrix) -> NDArray[np.int64]:
    return np.searchsorted(BOUNDS, values, side="right").astype(np.int64)


def _cells(heatmap: Heatmap) -> list[Html]:
    """Return one path per level, and a grey diagonal where it has none."""
    found = [
        tag("path", d=_path(heatmap.levels == level), class_=_class(level))
        for level in sorted(set(heatmap.levels.ravel().tolist()) - {0})
    ]
    grey = np.eye(len(heatmap.names), dtype=bool) & (heatmap.levels == 0)
    return [tag("path", d=_path(grey), class_="diagonal"), *found]


def _class(level: int) -> str:
    return f"l{level}" if level > 0 else f"w{-level}"


def _path(mask: NDArray[np.bool_]) -> str:
    """Return the set cells as rectangles one cell high, neighbours in a row joined."""
    parts = []
    for row, cells in enumerate(mask):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], cells, [False]]).astype(np.int8)))
        for start, end in edges.reshape(-1, 2).tolist():
            parts.append(f"M{start} {row}h{end - start}v1h{start - end}z")
    return "".join(parts)


def _values(heatmap: Heatmap, cell: int) -> Html:
    """Return what each cell holds, in percent or points; nothing for what is 0.0."""
    found = []
    for row, column in np.ndindex(heatmap.values.shape):
        value, level = 100 * float(heatmap.values[row, column]), abs(int(heatmap.levels[row, column]))
        if abs(value) >= 0.05:
            at = {"x": (column + 0.5) * cell, "y": (row + 0.5) * cell + 3}
            shade = "on4" if level == 4 else "on5" if level > 4 else None
            found.append(tag("text", tenths(value) if heatmap.signed else f"{value:.1f}", **at, class_=shade))
    return tag("g", *found, class_="values")


def _sparse(heatmap: Heatmap) -> str:
    """Return, per row, `column:value` of every cell with a value, in hundredths of a percent."""
    hundredths = np.rint(heatmap.values * 10_000).astype(np.int64)
    parts = []
    for cells in hundredths.tolist():
        pairs = [f"{column}:{value}" for column, value in enumerate(cells) if value]
        parts.append(" ".join(pairs))
    return ";".join(parts)


def _names(name: str, place: int, room: _Room) -> Html:
    """Return one class's name in front of its row and below its column."""
    middle, shift = (place + 0.5) * room.cell, (place % room.lanes) * room.lane
    row, column = -5 - shift, room.side + 6 + shift
    leads = [
        tag("line", x1=row + 2, x2=0, y1=middle, y2=middle, class_="lead-line"),
        tag("line", x1=middle, x2=middle, y1=room.side, y2=column - 2, class_="lead-line"),
    ]
    turned = f"rotate(-90 {middle + 3.5:.1f} {column:.1f})"
    return joined(
        [
            *(leads if shift else []),
            tag("text", name, x=row, y=middle + 3.5, class_="tick end"),
            tag("text", name, x=middle + 3.5, y=column, transform=turned, class_="tick end"),
        ]
    )
