"""The pictures of a study, as PNG bytes; the same numbers give the same bytes.

No global state of matplotlib is touched, so that a thread may draw while another does. Colours are Okabe and Ito's,
which colour-blind readers can tell apart.
"""

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from tracking.scale import Scale, is_accuracy

if TYPE_CHECKING:
    from tracking.summary import ArmSummary, StudySummary

DPI = 150
CONTROL = "#000000"
TREATMENTS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINES = ("-", "--", ":", "-.")
INK, FAINT = "#333333", "#DDDDDD"
TRAIN, TEST = "#999999", "#0072B2"
PANELS = (("train_accuracy", "test_accuracy"), ("train_loss", "test_loss"))
Look = dict[str, Any]


def curves(summary: "StudySummary") -> bytes:
    """Draw accuracy and loss over epochs, train and test: per arm the mean, in a band from lowest to highest seed."""
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    grid = figure.subplots(2, 2, sharex=True, sharey="row")
    looks = _looks(summary)
    for axes, metric in zip(grid.flat, [name for row in PANELS for name in row], strict=True):
        shown = [arm for arm in summary.arms if metric in arm.histories]
        for arm in shown:
            _band(axes, _scaled(metric, arm.histories[metric]), looks[arm.name])
        _over_epochs(axes, metric)
        axes.set_title(metric.replace("_", " "), fontsize=10, color=INK, loc="left")
    for row, metric in enumerate(("accuracy", "loss")):
        stacks = [arm.histories[name] for arm in summary.arms for name in PANELS[row] if name in arm.histories]
        _fit_height(grid[row, 0], metric, stacks)
    for axes in grid[1]:
        axes.set_xlabel("epoch", fontsize=9, color=INK)
    _legend_below(figure, grid[0, 0], len(summary.arms))
    return png(figure)


def points(summary: "StudySummary") -> bytes:
    """Draw every trial as a dot and each arm's mean with its interval: test accuracy and test loss side by side."""
    count = len(summary.arms)
    figure = Figure(figsize=(9, 1.4 + 0.5 * count), layout="constrained")
    grid = figure.subplots(1, 2, sharey=True)
    looks = _looks(summary)
    for axes, metric in zip(grid, ("test_accuracy", "test_loss"), strict=True):
        _points(axes, summary, metric, looks)
    grid[0].set_yticks(range(count), [f"{arm.name} ({arm.count})" for arm in summary.arms])
    grid[0].set_ylim(count - 0.5, -0.5)
    return png(figure)


def first_trials(summary: "StudySummary") -> bytes:
    """Draw the curves of each arm's first finished trial: accuracy above loss, train and test in each panel."""
    arms = [arm for arm in summary.arms if arm.histories]
    columns = min(4, len(arms))
    blocks = math.ceil(len(arms) / columns)
    figure = Figure(figsize=(max(5.0, 2.3 * columns + 0.6), 4.4 * blocks + 0.4), layout="constrained")
    grid = figure.subplots(2 * blocks, columns, sharex=True, sharey=False, squeeze=False)
    for axes in grid.flat[:]:
        axes.set_visible(False)
    for position, arm in enumerate(arms):
        block, column = divmod(position, columns)
        for row, kind in enumerate(("accuracy", "loss")):
            axes = grid[2 * block + row, column]
            axes.set_visible(True)
            _train_and_test(axes, kind, {name: stack[0] for name, stack in arm.histories.items()})
            stacks = [other.histories[name] for other in arms for name in PANELS[row] if name in other.histories]
            _fit_height(axes, kind, [stack[:1] for stack in stacks])
            axes.tick_params(labelleft=column == 0)
            axes.set_ylabel(_axis_label(kind) if column == 0 else "", fontsize=9, color=INK)
        seed = next(row.seed for row in arm.trials if row.state == "done")
        grid[2 * block, column].set_title(f"{arm.name}, seed {seed}", fontsize=9, color=INK, loc="left")
        grid[2 * block + 1, column].set_xlabel("epoch", fontsize=9, color=INK)
    _legend_below(figure, grid[0, 0], 2)
    return png(figure)


def trial_curves(history: Mapping[str, NDArray[np.float64]], title: str) -> bytes:
    """Draw one trial's curves, accuracy beside loss; `history` maps metrics to (epochs,) values.

    Fixed margins instead of a layout engine: this is drawn once a trial, and takes a third of the time.
    """
    figure = Figure(figsize=(8, 3.2))
    figure.subplots_adjust(left=0.08, right=0.98, top=0.86, bottom=0.16, wspace=0.22)
    for axes, kind in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        _train_and_test(axes, kind, history)
        stacks = [history[f"{part}_{kind}"][None, :] for part in ("train", "test") if f"{part}_{kind}" in history]
        _fit_height(axes, kind, stacks)
        axes.set_ylabel(_axis_label(kind), fontsize=9, color=INK)
        axes.set_xlabel("epoch", fontsize=9, color=INK)
        if stacks:
            axes.legend(frameon=False, fontsize=8, loc="lower right" if kind == "accuracy" else "upper right")
    figure.text(0.08, 0.93, title, fontsize=10, color=INK)
    return png(figure, dpi=100)


def png(figure: Figure, dpi: int = DPI) -> bytes:
    """Return `figure` as a PNG without a date or a version in it."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


def _looks(summary: "StudySummary") -> dict[str, Look]:
    """Return colour and line style per arm: black for the control; beyond six treatments the line style changes."""
    looks: dict[str, Look] = {summary.study.control: {"color": CONTROL, "linestyle": "-"}}
    for number, arm in enumerate(arm for arm in summary.arms if arm.name != summary.study.control):
        cycle, position = divmod(number, len(TREATMENTS))
        looks[arm.name] = {"color": TREATMENTS[position], "linestyle": LINES[cycle % len(LINES)]}
    return {arm.name: {**looks[arm.name], "label": arm.name} for arm in summary.arms}


def _scaled(metric: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return 100.0 * values if is_accuracy(metric) else values


def _band(axes: Axes, stack: NDArray[np.float64], look: Look) -> None:
    """Draw the mean over the first axis of `stack`, (trials, epochs), and the range around it."""
    epochs = np.arange(1, stack.shape[1] + 1)
    if stack.shape[0] > 1:
        low, high = stack.min(axis=0), stack.max(axis=0)
        axes.fill_between(epochs, low, high, color=look["color"], alpha=0.15, linewidth=0)
    axes.plot(epochs, stack.mean(axis=0), linewidth=1.4, **_marked(look, stack.shape[1]))


def _marked(look: Look, epochs: int) -> Look:
    """Return `look` with a dot where a line of one epoch would be invisible."""
    return {**look, "marker": "o", "markersize": 4} if epochs == 1 else look


def _train_and_test(axes: Axes, kind: str, history: Mapping[str, NDArray[np.float64]]) -> None:
    for part, look in (("train", {"color": TRAIN}), ("test", {"color": TEST})):
        values = history.get(f"{part}_{kind}")
        if values is not None:
            epochs = np.arange(1, len(values) + 1)
            axes.plot(epochs, _scaled(kind, values), linewidth=1.4, label=part, **_marked(look, len(values)))
    _over_epochs(axes, kind)


def _over_epochs(axes: Axes, metric: str) -> None:
    _quiet(axes)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_ylabel("accuracy, %" if is_accuracy(metric) else "loss", fontsize=9, color=INK)


def _axis_label(kind: str) -> str:
    return "accuracy, %" if kind == "accuracy" else "loss (log scale)"


def _fit_height(axes: Axes, kind: str, stacks: Sequence[NDArray[np.float64]]) -> None:
    """Show accuracies from where the first tenth of the training has led; show losses on a log scale."""
    if not stacks:
        return
    if kind == "loss":
        if min(float(stack.min()) for stack in stacks) > 0:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
        return
    settled = [stack[:, min(stack.shape[1] - 1, max(1, stack.shape[1] // 10)) :] for stack in stacks]
    low = 100 * min(float(stack.min()) for stack in settled)
    high = 100 * max(float(stack.max()) for stack in stacks)
    room = max(0.05 * (high - low), 0.5)
    axes.set_ylim(low - room, high + room)


def _points(axes: Axes, summary: "StudySummary", metric: str, looks: Mapping[str, Look]) -> None:
    scale = summary.scales[metric]
    _quiet(axes)
    axes.grid(visible=False, axis="y")
    mean = summary.control.metrics[metric].mean
    if mean is not None:
        axes.axvline(mean * scale.factor, color=FAINT, linewidth=1.2, zorder=0)
    for height, arm in enumerate(summary.arms):
        _arm_points(axes, arm, scale, height, str(looks[arm.name]["color"]))
    axes.set_xlim(*_width(summary, scale))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel(scale.heading, fontsize=9, color=INK)


def _arm_points(axes: Axes, arm: "ArmSummary", scale: Scale, height: int, color: str) -> None:
    """Draw one arm's trials below its mean and interval, spread a little so that equal values can be counted."""
    values = [row.metrics[scale.metric] * scale.factor for row in arm.trials if scale.metric in row.metrics]
    spread = [height + 0.12 + 0.07 * (number % 3) for number in range(len(values))]
    axes.scatter(values, spread, s=18, color=color, alpha=0.55, linewidths=0)
    found = arm.metrics[scale.metric]
    if found.mean is None:
        return
    if found.low is not None and found.high is not None:
        ends = [found.low * scale.factor, found.high * scale.factor]
        axes.plot(ends, [height - 0.12] * 2, color=color, linewidth=2, solid_capstyle="butt")
    axes.scatter([found.mean * scale.factor], [height - 0.12], s=42, marker="D", color=color, edgecolors="white")


def _width(summary: "StudySummary", scale: Scale) -> tuple[float, float]:
    """Return limits that hold every trial, and intervals as far as they do not dwarf the trials."""
    trials = [row.metrics[scale.metric] for arm in summary.arms for row in arm.trials if scale.metric in row.metrics]
    found = [arm.metrics[scale.metric] for arm in summary.arms]
    low, high = min(trials, default=0.0), max(trials, default=1.0)
    span = (high - low) or max(abs(high), 1e-3) * 0.1
    left = min([low, *(one.low for one in found if one.low is not None)])
    right = max([high, *(one.high for one in found if one.high is not None)])
    left, right = max(left, low - span), min(right, high + span)
    room = 0.06 * (right - left or span)
    return (left - room) * scale.factor, (right + room) * scale.factor


def _quiet(axes: Axes) -> None:
    """Take away what is not data."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#999999")
    axes.tick_params(labelsize=8, colors=INK, length=3, which="both")
    axes.grid(visible=True, color="#EEEEEE", linewidth=0.8)
    axes.set_axisbelow(True)


def _legend_below(figure: Figure, axes: Axes, entries: int) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=min(6, entries), frameon=False, fontsize=9)
