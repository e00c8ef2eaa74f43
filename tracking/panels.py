"""What one panel of a figure is made of: curves, axes, and the PNG in the end.

No global state of matplotlib is touched, so that a thread may draw while another does.
"""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, Locator, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from tracking.labels import shortened
from tracking.scale import is_accuracy

DPI = 150
LARGE = 190_000
"""Bytes above which a picture is reduced to a palette."""
INK, FAINT = "#333333", "#DDDDDD"
PART_COLOURS = {"train": "#999999", "validation": "#D55E00", "test": "#0072B2"}
Look = dict[str, Any]
"""Colour, line style and label of a line."""


def png(figure: Figure, dpi: int = DPI) -> bytes:
    """Return `figure` as a PNG without a date or a version in it."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
    return buffer.getvalue() if buffer.tell() <= LARGE else _with_palette(buffer, dpi)


def _with_palette(content: io.BytesIO, dpi: int) -> bytes:
    """Return a picture in 128 colours, which a drawing of a few does not miss, at a third of its size; or in 24."""
    from PIL import Image

    image = Image.open(content).convert("RGB")
    for colours in (128, 24):
        buffer = io.BytesIO()
        image.quantize(colours, dither=Image.Dither.NONE).save(buffer, format="PNG", dpi=(dpi, dpi), optimize=True)
        if buffer.tell() <= LARGE:
            break
    return buffer.getvalue()


def panel(figure: Figure, left: float, bottom: float, size: tuple[float, float], beside: Axes | None = None) -> Axes:
    """Return a panel of `size` (width, height) whose lower left corner is there, in inches, on the x axis of `beside`.

    Places that are known beforehand: a layout engine, which looks for them, takes longer than all the drawing.
    """
    width, height = figure.get_size_inches()
    place = (left / width, bottom / height, size[0] / width, size[1] / height)
    return figure.add_axes(place, sharex=beside)


class Legend:
    """The names of lines below the panels of a figure, in as many columns as fit."""

    def __init__(self, names: Sequence[str]) -> None:
        """Have room for `names`, which are shortened where they are long."""
        longest = max((len(shortened(name, 40)) for name in names), default=0)
        self._columns = max(1, min(6, len(names), 100 // (longest + 8)))
        self.height = 0.1 + 0.2 * math.ceil(len(names) / self._columns)
        """Inches."""

    def draw(self, figure: Figure, like: Axes | None) -> None:
        """Name the lines of the panel `like` at the foot of `figure`."""
        handles, labels = like.get_legend_handles_labels() if like is not None else ([], [])
        if handles:
            names = [shortened(label, 40) for label in labels]
            figure.legend(handles, names, loc="lower center", ncols=self._columns, frameon=False, fontsize=9)


def scaled(metric: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return accuracies in percent, losses as they are."""
    return 100.0 * values if is_accuracy(metric) else values


def band(axes: Axes, stack: NDArray[np.float64], look: Look) -> None:
    """Draw the mean over the first axis of `stack`, (trials, epochs), and the range around it."""
    epochs = np.arange(1, stack.shape[1] + 1)
    if stack.shape[0] > 1:
        low, high = stack.min(axis=0), stack.max(axis=0)
        axes.fill_between(epochs, low, high, color=look["color"], alpha=0.15, linewidth=0)
    axes.plot(epochs, stack.mean(axis=0), linewidth=1.4, **_marked(look, stack.shape[1]))


def _marked(look: Look, epochs: int) -> Look:
    """Return `look` with a dot where a line of one epoch would be invisible."""
    return {**look, "marker": "o", "markersize": 4} if epochs == 1 else look


def train_and_test(axes: Axes, kind: str, history: Mapping[str, NDArray[np.float64]]) -> None:
    """Draw the `kind`, accuracy or loss, of one trial; `history` maps metrics to (epochs,) values."""
    for part, colour in PART_COLOURS.items():
        values = history.get(f"{part}_{kind}")
        if values is not None:
            look = _marked({"color": colour, "label": part}, len(values))
            axes.plot(np.arange(1, len(values) + 1), scaled(kind, values), linewidth=1.4, **look)
    over_epochs(axes)


def over_epochs(axes: Axes) -> None:
    """Prepare a panel whose x axis counts epochs."""
    quiet(axes)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))


def axis_label(kind: str) -> str:
    """Return the label of an axis that `fit_height` has set."""
    return "accuracy, %" if kind == "accuracy" else "loss (log scale)"


def fit_height(axes: Axes, kind: str, stacks: Sequence[NDArray[np.float64]]) -> None:
    """Show accuracies from where the first tenth of the training has led; show losses on a log scale."""
    if not stacks:
        return
    if not is_accuracy(kind):
        lowest, highest = min(float(stack.min()) for stack in stacks), max(float(stack.max()) for stack in stacks)
        if 0 < lowest < highest < np.inf:
            axes.set_yscale("log")
            room = (highest / lowest) ** 0.05
            axes.set_ylim(lowest / room, highest * room)
            axes.yaxis.set_major_locator(_log_ticks(lowest / room, highest * room))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_locator(NullLocator())
        return
    settled = [stack[:, min(stack.shape[1] - 1, max(1, stack.shape[1] // 10)) :] for stack in stacks]
    low = 100 * min(float(stack.min()) for stack in settled)
    high = 100 * max(float(stack.max()) for stack in stacks)
    room = max(0.05 * (high - low), 0.5)
    if np.isfinite(room):
        axes.set_ylim(low - room, high + room)


def _log_ticks(low: float, high: float) -> Locator:
    """Return where a log axis has its ticks: at powers of ten, at 1, 2 and 5, or, where these are under 3, evenly."""
    if high / low > 300:
        return LogLocator(subs=(1.0,))
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    inside = [1 for power in powers for step in (1, 2, 5) if low <= step * 10.0**power <= high]
    return LogLocator(subs=(1.0, 2.0, 5.0)) if len(inside) >= 3 else MaxNLocator(5, steps=[1, 2, 5, 10])


def quiet(axes: Axes) -> None:
    """Take away what is not data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#999999")
    axes.tick_params(labelsize=8, colors=INK, length=3, which="both")
    axes.grid(visible=True, color="#EEEEEE", linewidth=0.8)
    axes.set_axisbelow(True)
