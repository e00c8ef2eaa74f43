"""A model as a picture: one box per layer from top to bottom, one arrow per connection.

Layers stand in the row that their longest path from an input gives, so that branches stand side by side. A
shortcut that skips rows runs down its own lane to the right of the boxes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from tracking.labels import shortened
from tracking.manifest import LayerCard, ModelCard
from tracking.panels import DPI, INK, png

BOX_WIDTH, BOX_HEIGHT = 3.0, 0.5
ROW, COLUMN, LANE, MARGIN = 0.78, 3.3, 0.28, 0.3
"""Distances in inches."""
LINE, SHORTCUT = "#888888", "#D55E00"
FILLS = {
    "Input": "#F4F4F4",
    "Conv": "#D6E8F5",
    "Dense": "#FBE3D3",
    "Dropout": "#F6E3EF",
    "Normalization": "#DDF1EA",
    "Pooling": "#FBF3DC",
}
OTHER_FILL = "#FFFFFF"
Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Where the boxes stand, in inches, the y axis pointing up."""

    centres: Mapping[str, Point]
    """Layer name to the centre of its box."""
    rows: Mapping[str, int]
    width: float
    height: float
    right: float
    """Right edge of the boxes, where the lanes begin."""


def draw_model(card: ModelCard, title: str) -> bytes:
    """Return the picture of a model as PNG; a layer named as input that is not a layer of the card is left out."""
    layers = {layer.name: layer for layer in card.layers}
    edges = [(name, layer.name) for layer in card.layers for name in layer.inputs if name in layers]
    rows = _rows(card.layers)
    shortcuts = [edge for edge in edges if rows[edge[1]] - rows[edge[0]] > 1]
    lanes = _lanes(shortcuts, rows)
    layout = _layout(card.layers, rows, 1 + max(lanes.values(), default=-1))
    figure = Figure(figsize=(layout.width, layout.height))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0, layout.width), ylim=(0, layout.height))
    axes.set_axis_off()
    heading = f"{shortened(title, 32)}: {card.params:,} trainable parameters"
    axes.text(MARGIN, layout.height - MARGIN, heading, fontsize=9, color=INK, va="center", parse_math=False)
    for edge in edges:
        if edge in lanes:
            _shortcut(axes, layout, edge, lanes[edge])
        else:
            _arrow(axes, layout, edge)
    for layer in card.layers:
        _box(axes, layer, layout.centres[layer.name])
    # A tall picture needs fewer dots per inch to be read, and to stay small.
    return png(figure, dpi=DPI if layout.height < 12 else 100)


def _rows(layers: Sequence[LayerCard]) -> dict[str, int]:
    """Return the length of the longest path to each layer; inputs that come later in the list are not followed."""
    rows: dict[str, int] = {}
    for layer in layers:
        rows[layer.name] = 1 + max((rows[name] for name in layer.inputs if name in rows), default=-1)
    return rows


def _lanes(shortcuts: Sequence[tuple[str, str]], rows: Mapping[str, int]) -> dict[tuple[str, str], int]:
    """Give each shortcut the innermost lane that is free along its rows, the short ones first."""
    taken: dict[int, list[tuple[int, int]]] = defaultdict(list)
    lanes: dict[tuple[str, str], int] = {}
    for edge in sorted(set(shortcuts), key=lambda edge: (rows[edge[1]] - rows[edge[0]], rows[edge[0]], edge)):
        start, end = rows[edge[0]], rows[edge[1]]
        lane = 0
        while any(start <= other_end and other_start <= end for other_start, other_end in taken[lane]):
            lane += 1
        taken[lane].append((start, end))
        lanes[edge] = lane
    return lanes


def _layout(layers: Sequence[LayerCard], rows: Mapping[str, int], lanes: int) -> Layout:
    """Centre each row's boxes on the widest row's middle."""
    members: dict[int, list[str]] = defaultdict(list)
    for layer in layers:
        members[rows[layer.name]].append(layer.name)
    widest = max((len(names) for names in members.values()), default=1)
    boxes = (widest - 1) * COLUMN + BOX_WIDTH
    content = boxes + (lanes * LANE + 0.15 if lanes else 0)
    width = max(content + 2 * MARGIN, 4.4)
    left = (width - content) / 2
    height = 2 * MARGIN + 0.35 + max(len(members), 1) * ROW
    centres = {}
    for row, names in members.items():
        for position, name in enumerate(names):
            x = left + boxes / 2 + (position - (len(names) - 1) / 2) * COLUMN
            centres[name] = (x, height - MARGIN - 0.35 - (row + 0.5) * ROW)
    return Layout(centres, rows, width, height, left + boxes)


def _box(axes: Axes, layer: LayerCard, centre: Point) -> None:
    fill = next((color for kind, color in FILLS.items() if kind in layer.kind), OTHER_FILL)
    corner = centre[0] - BOX_WIDTH / 2, centre[1] - BOX_HEIGHT / 2
    style = "round,pad=0,rounding_size=0.06"
    axes.add_patch(
        FancyBboxPatch(corner, BOX_WIDTH, BOX_HEIGHT, boxstyle=style, facecolor=fill, edgecolor=LINE, linewidth=0.8)
    )
    name = f"{shortened(layer.name, 22)}  ({shortened(layer.kind, 20)})" if layer.name != layer.kind else layer.kind
    axes.text(centre[0], centre[1] + 0.1, name, fontsize=8, color=INK, ha="center", va="center", parse_math=False)
    axes.text(centre[0], centre[1] - 0.11, _details(layer), fontsize=7.5, color="#666666", ha="center", va="center")


def _details(layer: LayerCard) -> str:
    """Return output shape, without the batch axis, and parameters."""
    shape = " x ".join("?" if size is None else str(size) for size in layer.output_shape[1:]) or "scalar"
    words = [shape]
    if layer.params:
        words.append(f"{layer.params:,} parameters")
    if layer.frozen_params:
        words.append(f"{layer.frozen_params:,} not trained")
    return "  ·  ".join(words)


def _arrow(axes: Axes, layout: Layout, edge: tuple[str, str]) -> None:
    """Draw a connection between neighbouring rows."""
    (x0, y0), (x1, y1) = layout.centres[edge[0]], layout.centres[edge[1]]
    _arrow_head(axes, (x0, y0 - BOX_HEIGHT / 2), (x1, y1 + BOX_HEIGHT / 2), LINE)


def _shortcut(axes: Axes, layout: Layout, edge: tuple[str, str], lane: int) -> None:
    """Draw a connection that skips rows: out below its source, down its lane, in above its target."""
    (x0, y0), (x1, y1) = layout.centres[edge[0]], layout.centres[edge[1]]
    gap = (ROW - BOX_HEIGHT) / 2
    track = layout.right + 0.15 + lane * LANE
    # Lanes that end at one box come in at different heights, so that each can be followed.
    leave, enter = y0 - BOX_HEIGHT / 2 - 0.7 * gap, y1 + BOX_HEIGHT / 2 + (1.6 - 0.35 * (lane % 3)) * gap
    offset = 0.35 + 0.12 * lane
    out = [(x0 + offset, y0 - BOX_HEIGHT / 2), (x0 + offset, leave), (track, leave)]
    path = [*out, (track, enter), (x1 + offset, enter)]
    axes.plot(*zip(*path, strict=True), color=SHORTCUT, linewidth=1, solid_joinstyle="round")
    _arrow_head(axes, path[-1], (x1 + offset, y1 + BOX_HEIGHT / 2), SHORTCUT)


def _arrow_head(axes: Axes, start: Point, end: Point, color: str) -> None:
    style = {"arrowstyle": "-|>", "color": color, "linewidth": 1, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=end, xytext=start, arrowprops=style)
