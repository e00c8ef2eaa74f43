"""The pictures of a study, as PNG bytes; the same numbers give the same bytes.

Colours are Okabe and Ito's, which colour-blind readers can tell apart.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tracking.labels import shortened
from tracking.panels import (
    FAINT,
    INK,
    Legend,
    Look,
    axis_label,
    band,
    fit_height,
    over_epochs,
    panel,
    png,
    quiet,
    scaled,
    train_and_test,
)
from tracking.scale import Scale

if TYPE_CHECKING:
    from tracking.summary import ArmSummary, StudySummary

CONTROL = "#000000"
TREATMENTS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINES = ("-", "--", ":", "-.")
PARTS = ("train", "validation", "test")
KINDS = ("accuracy", "loss")
_LEFT, _RIGHT = 0.65, 0.1
"""Inches beside the panels, for the ticks and the label of the first, and for half of the last tick."""
MOST_ARMS, MOST_FIRST_TRIALS = 40, 16
"""More arms than these are left out of a picture: nobody could tell them apart, and it would take its time."""


def curves(summary: "StudySummary") -> bytes:
    """Draw accuracy and loss over epochs, train and test: per arm the mean, in a band from lowest to highest seed."""
    arms = summary.arms[:MOST_ARMS]
    parts = _parts(arms)
    kinds = _kinds(arms)
    looks = _looks(summary)
    legend = Legend([arm.name for arm in arms])
    width, height = max(9.0, 4.0 * len(parts)), 3.1 * len(kinds) + 0.1
    size = (width - _LEFT - _RIGHT - 0.5 * (len(parts) - 1)) / len(parts), 2.5
    figure = Figure(figsize=(width, height + legend.height))
    first: Axes | None = None
    for row, kind in enumerate(kinds):
        for column, part in enumerate(parts):
            bottom = legend.height + 0.5 + 3.0 * (len(kinds) - 1 - row)
            axes = panel(figure, _LEFT + column * (size[0] + 0.5), bottom, size, first)
            first = first or axes
            metric = f"{part}_{kind}"
            shown = [arm for arm in arms if metric in arm.histories]
            for arm in shown:
                band(axes, scaled(metric, arm.histories[metric]), looks[arm.name])
            over_epochs(axes)
            fit_height(axes, metric, [arm.histories[metric] for arm in shown])
            axes.set_title(metric.replace("_", " "), fontsize=10, color=INK, loc="left")
            axes.set_ylabel(axis_label(kind) if column == 0 else "", fontsize=9, color=INK)
            axes.set_xlabel("epoch" if row == len(kinds) - 1 else "", fontsize=9, color=INK)
            axes.tick_params(labelbottom=row == len(kinds) - 1)
    legend.draw(figure, first)
    return png(figure)


def points(summary: "StudySummary") -> bytes:
    """Draw every trial as a dot and each arm's mean with its interval, in the primary metric and on the test set."""
    arms = summary.arms[:MOST_ARMS]
    count = len(arms)
    metrics = [metric for metric in summary.metrics if metric == summary.study.metric or metric.startswith("test_")]
    figure = Figure(figsize=(4.5 * max(2, len(metrics)), 1.4 + 0.5 * count), layout="constrained")
    grid = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    looks = _looks(summary)
    for axes, metric in zip(grid, metrics, strict=True):
        _points(axes, summary, metric, looks)
    grid[0].set_yticks(range(count), [f"{shortened(arm.name, 30)} ({arm.count})" for arm in arms])
    grid[0].set_ylim(count - 0.5, -0.5)
    return png(figure)


def first_trials(summary: "StudySummary") -> bytes:
    """Draw the curves of each arm's first finished trial: accuracy above loss, train and test in each panel."""
    arms = [arm for arm in summary.arms if arm.histories][:MOST_FIRST_TRIALS]
    columns, kinds = max(1, min(4, len(arms))), _kinds(arms)
    blocks = max(1, math.ceil(len(arms) / columns))
    width = max(5.0, 2.3 * columns + 0.6)
    size = (width - _LEFT - _RIGHT - 0.15 * (columns - 1)) / columns, 1.85
    block_height = (size[1] + 0.12) * len(kinds) + 0.6
    legend = Legend(PARTS)
    figure = Figure(figsize=(width, blocks * block_height + legend.height))
    first: Axes | None = None
    for position, arm in enumerate(arms):
        block, column = divmod(position, columns)
        left = _LEFT + column * (size[0] + 0.15)
        floor = legend.height + (blocks - 1 - block) * block_height + 0.45
        for row, kind in enumerate(kinds):
            is_lowest = row == len(kinds) - 1
            bottom = floor + (len(kinds) - 1 - row) * (size[1] + 0.12)
            axes = panel(figure, left, bottom, size, first)
            first = first or axes
            train_and_test(axes, kind, {name: stack[0] for name, stack in arm.histories.items()})
            names = [f"{part}_{kind}" for part in PARTS]
            stacks = [other.histories[name] for other in arms for name in names if name in other.histories]
            fit_height(axes, kind, [stack[:1] for stack in stacks])
            axes.tick_params(labelleft=column == 0, labelbottom=is_lowest)
            axes.set_ylabel(axis_label(kind) if column == 0 else "", fontsize=9, color=INK)
            axes.set_xlabel("epoch" if is_lowest else "", fontsize=9, color=INK)
            if row == 0:
                seed = next(row.seed for row in arm.trials if row.state == "done")
                axes.set_title(f"{shortened(arm.name, 20)}, seed {seed}", fontsize=9, color=INK, loc="left")
    legend.draw(figure, first)
    return png(figure)


def trial_curves(history: Mapping[str, NDArray[np.float64]], title: str) -> bytes:
    """Draw one trial's curves, accuracy, where it is measured, beside loss; `history` maps metrics to (epochs,) values.

    Fixed margins instead of a layout engine: this is drawn once a trial, and takes a third of the time.
    """
    figure = Figure(figsize=(8, 3.2))
    figure.subplots_adjust(left=0.08, right=0.98, top=0.86, bottom=0.16, wspace=0.22)
    kinds = [kind for kind in KINDS if any(name.endswith(kind) for name in history)] or KINDS
    panels = figure.subplots(1, len(kinds), squeeze=False)[0]
    for axes, kind in zip(panels, kinds, strict=True):
        train_and_test(axes, kind, history)
        stacks = [history[f"{part}_{kind}"][None, :] for part in PARTS if f"{part}_{kind}" in history]
        fit_height(axes, kind, stacks)
        axes.set_ylabel(axis_label(kind), fontsize=9, color=INK)
        axes.set_xlabel("epoch", fontsize=9, color=INK)
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="upper right", ncols=len(labels), frameon=False, fontsize=8)
    figure.text(0.08, 0.93, title, fontsize=10, color=INK)
    return png(figure)


def _parts(arms: "Sequence[ArmSummary]") -> list[str]:
    """Return the parts of the data that any arm has a history of; training and test where none has."""
    found = {metric.partition("_")[0] for arm in arms for metric in arm.histories}
    return [part for part in PARTS if part in (found or {"train", "test"})]


def _kinds(arms: "Sequence[ArmSummary]") -> list[str]:
    """Return what any arm has a history of: accuracy before loss, or loss alone where targets are numbers."""
    found = {metric.partition("_")[2] for arm in arms for metric in arm.histories}
    return [kind for kind in KINDS if kind in (found or KINDS)]


def _looks(summary: "StudySummary") -> dict[str, Look]:
    """Return colour and line style per arm: black for the control; beyond six treatments the line style changes."""
    looks: dict[str, Look] = {summary.study.control: {"color": CONTROL, "linestyle": "-"}}
    for number, arm in enumerate(arm for arm in summary.arms if arm.name != summary.study.control):
        cycle, position = divmod(number, len(TREATMENTS))
        looks[arm.name] = {"color": TREATMENTS[position], "linestyle": LINES[cycle % len(LINES)]}
    return {arm.name: {**looks[arm.name], "label": arm.name} for arm in summary.arms}


def _points(axes: Axes, summary: "StudySummary", metric: str, looks: Mapping[str, Look]) -> None:
    scale = summary.scales[metric]
    quiet(axes)
    axes.grid(visible=False, axis="y")
    mean = summary.control.metrics[metric].mean
    if mean is not None:
        axes.axvline(mean * scale.factor, color=FAINT, linewidth=1.2, zorder=0)
    axes.set_xlim(*_width(summary, scale))
    for height, arm in enumerate(summary.arms[:MOST_ARMS]):
        _arm_points(axes, arm, scale, height, str(looks[arm.name]["color"]))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel(scale.heading, fontsize=9, color=INK)


def _arm_points(axes: Axes, arm: "ArmSummary", scale: Scale, height: int, color: str) -> None:
    """Draw one arm's trials below its mean and interval, those that would hide each other one below the other."""
    values = [row.metrics[scale.metric] * scale.factor for row in arm.trials if scale.metric in row.metrics]
    left, right = axes.get_xlim()
    near = [sum(abs(other - value) < 0.008 * (right - left) for other in values[:n]) for n, value in enumerate(values)]
    depths = [height + 0.12 + 0.09 * min(count, 3) for count in near]
    axes.scatter(values, depths, s=20, color=color, alpha=0.55, linewidths=0)
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
