"""The classes in which two arms differ most: the control's share of right answers, and the arm's beside it."""

import numpy as np
from numpy.typing import NDArray

from tracking.html.axes import Axis, x_axis
from tracking.html.markup import Html, tag
from tracking.html.palette import Palette
from tracking.labels import shortened
from tracking.scale import tenths

WIDTH, LABELS, ROW = 460, 168, 21
CLASSES = 12


def changes(
    arm: NDArray[np.float64],
    control: NDArray[np.float64],
    names: tuple[str, ...],
    arm_name: str,
    control_name: str,
    palette: Palette,
) -> Html:
    """Return the plot of at most 12 classes, the greatest gain first; `arm` and `control` are (classes,) shares."""
    change = arm - control
    known = np.flatnonzero(np.isfinite(change))
    chosen = known[np.argsort(-np.abs(change[known]), kind="stable")][:CLASSES]
    chosen = chosen[np.argsort(-change[chosen], kind="stable")]
    ends = 100 * np.concatenate([arm[chosen], control[chosen]])
    low, high = float(ends.min(initial=100.0)), float(ends.max(initial=0.0))
    room = 0.05 * (high - low) or 1.0
    axis = Axis(max(low - room, -0.5), min(high + room, 100.5), LABELS, WIDTH - 46)
    bottom = 6 + ROW * len(chosen)
    parts = [x_axis(axis, bottom, 2, "right answers, %")]
    for place, index in enumerate(chosen.tolist()):
        y = 6 + ROW * (place + 0.5)
        start, end = axis.at(100 * control[index]), axis.at(100 * arm[index])
        told = f"{names[index]}: {control_name} {100 * control[index]:.1f}%, {arm_name} {100 * arm[index]:.1f}%"
        parts.append(
            tag(
                "g",
                tag("title", told),
                tag("rect", x=0, y=y - ROW / 2, width=WIDTH, height=ROW, class_="hit"),
                tag("line", x1=start, x2=end, y1=y, y2=y, class_="curve"),
                tag("circle", cx=end, cy=y, r=4.5, fill="currentColor"),
                tag("circle", cx=start, cy=y, r=4, class_="ring"),
                tag("text", shortened(names[index], 26), x=LABELS - 8, y=y + 4, class_="tick end"),
                tag("text", tenths(100 * change[index]), x=WIDTH, y=y + 4, class_="value end"),
                class_=f"mark {palette.colour(arm_name)}",
            )
        )
    size = f"0 0 {WIDTH} {bottom + 36}"
    label = f"Classes in which {arm_name} and {control_name} differ most"
    return tag("svg", *parts, viewBox=size, class_="chart", role="img", aria_label=label)
