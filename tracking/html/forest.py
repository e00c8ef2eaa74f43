"""The forest plot: each treatment's difference from the control with its interval, and the equivalence band."""

from typing import TYPE_CHECKING

from tracking.html.axes import Axis, x_axis
from tracking.html.markup import Html, escaped, joined, tag
from tracking.labels import shortened
from tracking.scale import p_equals, p_value

if TYPE_CHECKING:
    from tracking.comparison import Comparison
    from tracking.html.palette import Palette
    from tracking.scale import Scale
    from tracking.summary import StudySummary

WIDE, NARROW = 760, 360
TOP, BOTTOM = 26, 62
SIDE = 68
"""Room that `better` or `worse` and its arrow take on their side of zero."""
CLIP = 4.0
"""Intervals longer than so many times the largest difference or margin are cut off, with an arrow."""


def forest(summary: "StudySummary", palette: "Palette", width: int) -> Html:
    """Return the plot; below 600 units of width, names and numbers stand above their intervals."""
    narrow = width < 600
    scale = summary.scales[summary.study.metric]
    row, top = (58, TOP + 4) if narrow else (34, TOP + 14)
    left, right = (14, width - 14) if narrow else (176, width - 248)
    axis = Axis(*_limits(summary), left, right)
    bottom = top + row * len(summary.comparisons) + 8
    parts = [_band(summary, axis, top, bottom, scale), _axis(summary, axis, bottom, top, scale, narrow=narrow)]
    if not narrow:
        parts.append(_headings(width, right))
    for place, one in enumerate(summary.comparisons):
        parts.append(_row(one, axis, scale, top + row * place, width, palette, narrow=narrow))
    name = f"Difference from {summary.study.control} in {scale.label}, one row per arm"
    size = f"0 0 {width} {bottom + BOTTOM + 16 * narrow}"
    kind = "narrow" if narrow else "wide"
    return tag("svg", *parts, viewBox=size, class_=f"chart forest {kind}", role="img", aria_label=name)


def _limits(summary: "StudySummary") -> tuple[float, float]:
    """Return limits, in shown units, that hold zero, the margin and every interval that does not dwarf the rest."""
    factor = summary.scales[summary.study.metric].factor
    margin = summary.study.margin or 0.0
    found = [one for one in summary.comparisons if one.test.difference is not None]
    ends = [-margin, margin, *(one.test.difference or 0.0 for one in found)]
    reach = max(map(abs, ends), default=0.0) or max((abs(one.test.high or 0.0) for one in found), default=0.0)
    limit = CLIP * reach or 1.0 / factor
    for one in found:
        new = one.new_data
        shown = [one.test.low, one.test.high, *((new.low, new.high) if new else ())]
        ends += [min(max(end, -limit), limit) for end in shown if end is not None]
    low, high = factor * min(0.0, *ends), factor * max(0.0, *ends)
    room = 0.05 * (high - low) or 1.0
    return low - room, high + room


def _band(summary: "StudySummary", axis: Axis, top: float, bottom: float, scale: "Scale") -> Html:
    """Draw the differences that the study declared not to matter."""
    margin = summary.study.margin
    if margin is None:
        return Html("")
    left, right = axis.at(-margin * scale.factor), axis.at(margin * scale.factor)
    label = f"equivalent: within ±{scale.margin(margin)}"
    rect = tag("rect", x=left, y=top - 4, width=right - left, height=bottom - top + 4, class_="band")
    # The text stays on the drawing however close to its edge the band is.
    middle = min(max((left + right) / 2, axis.start + 80), axis.end - 80)
    return joined([rect, tag("text", label, x=middle, y=top - 10, class_="tick mid")])


def _axis(summary: "StudySummary", axis: Axis, bottom: float, top: float, scale: "Scale", *, narrow: bool) -> Html:
    """Draw the axis, the line of no difference, and which side is the better one."""
    zero = axis.at(0.0)
    unit = ", pp" if scale.unit else ""
    said = [f"difference in {scale.label}{unit}", f"arm minus {shortened(summary.study.control, 24)}"]
    said = said if narrow else [f"{said[0]} ({said[1]})"]
    better = summary.design.greater_is_better
    left, right = ("worse", "better") if better else ("better", "worse")
    line = tag("line", x1=zero, x2=zero, y1=top - 4, y2=bottom, class_="zero")
    # Both stay on the drawing, side by side however close to its edge the zero is.
    between = min(max(zero, axis.start + SIDE), axis.end - SIDE)
    sides = [
        tag("text", f"← {left}", x=between - 10, y=bottom + 32, class_=f"side {left} end"),
        tag("text", f"{right} →", x=between + 10, y=bottom + 32, class_=f"side {right}"),
    ]
    middle = (axis.start + axis.end) / 2
    names = [tag("text", text, x=middle, y=bottom + 52 + 16 * row, class_="label mid") for row, text in enumerate(said)]
    return joined([x_axis(axis, bottom, top - 4, "", signed=True), line, *sides, *names])


def _headings(width: int, right: float) -> Html:
    return joined(
        [
            tag("text", "difference [interval]", x=right + 14, y=14, class_="head"),
            tag("text", "p (Holm)", x=width, y=14, class_="head end"),
        ]
    )


def _row(
    one: "Comparison", axis: Axis, scale: "Scale", top: float, width: int, palette: "Palette", *, narrow: bool
) -> Html:
    test = one.test
    middle = top + (46 if narrow else 17)
    verdict = one.verdict if one.p_holm is not None or one.equivalence_p is not None else "not tested"
    interval = f"{scale.difference(test.difference)} {scale.interval(test.low, test.high, signed=True)}".strip()
    texts = [
        tag("text", shortened(one.arm, 22), x=0, y=top + (16 if narrow else 21), class_="name"),
        tag(
            "text",
            interval or "no comparison",
            x=width if narrow else axis.end + 14,
            y=top + (16 if narrow else 15),
            class_="value end" if narrow else "value",
        ),
    ]
    p = p_value(one.p_holm)
    if narrow:
        said = f"{verdict}, p {p}" if p else verdict
        texts.append(tag("text", said, x=width, y=top + 31, class_=f"verdict end {verdict.split()[0]}"))
    else:
        texts.append(tag("text", p, x=width, y=top + 15, class_="value end"))
        texts.append(tag("text", verdict, x=axis.end + 14, y=top + 29, class_=f"verdict {verdict.split()[0]}"))
    marks = [_interval(one, axis, scale, middle, width), _on_new_data(one, axis, scale, middle + 9)]
    return tag(
        "g",
        tag("title", _told(one, scale, verdict)),
        *marks,
        *texts,
        class_=f"row mark {palette.colour(one.arm)}",
        data_arm=one.arm,
        data_difference=None if test.difference is None else repr(test.difference),
        data_low=None if test.low is None else repr(test.low),
        data_high=None if test.high is None else repr(test.high),
    )


def _interval(one: "Comparison", axis: Axis, scale: "Scale", y: float, width: int) -> Html:
    """Draw the difference as a square and its interval as a line; an end off the drawing becomes an arrow."""
    test = one.test
    if test.difference is None:
        return Html("")
    parts = [tag("rect", x=0, y=y - 17, width=width, height=34, class_="hit")]
    if test.low is not None and test.high is not None:
        parts.append(_line(axis, test.low * scale.factor, test.high * scale.factor, y, "interval"))
    x = axis.clipped(test.difference * scale.factor)
    filled = "currentColor" if test.low is not None else "none"
    parts.append(tag("rect", x=x - 5, y=y - 5, width=10, height=10, fill=filled, class_="estimate"))
    return joined(parts)


def _on_new_data(one: "Comparison", axis: Axis, scale: "Scale", y: float) -> Html:
    """Draw, thin and dashed, the interval that also allows for another test set."""
    new = one.new_data
    if new is None or new.low is None or new.high is None:
        return Html("")
    return _line(axis, new.low * scale.factor, new.high * scale.factor, y, "interval new")


def _line(axis: Axis, low: float, high: float, y: float, kind: str) -> Html:
    x1, x2 = axis.clipped(low), axis.clipped(high)
    parts = [tag("line", x1=x1, x2=x2, y1=y, y2=y, class_=kind)]
    for value, x, way in ((low, x1, -1), (high, x2, 1)):
        if axis.low <= value <= axis.high:
            parts.append(tag("line", x1=x, x2=x, y1=y - 4, y2=y + 4, class_="interval"))
        else:
            arrow = f"{x + 6 * way:.1f},{y:.1f} {x:.1f},{y - 4:.1f} {x:.1f},{y + 4:.1f}"
            parts.append(tag("polygon", points=arrow, fill="currentColor"))
    return joined(parts)


def _told(one: "Comparison", scale: "Scale", verdict: str) -> Html:
    """Return the row in words, for the pointer."""
    unit = " pp" if scale.unit else ""
    said = [f"{one.arm} against {one.control}: {verdict}"]
    if one.test.difference is not None:
        interval = scale.interval(one.test.low, one.test.high, signed=True)
        said.append(f"on this test set {scale.difference(one.test.difference)}{unit} {interval}".rstrip())
    if one.new_data is not None and one.new_data.low is not None:
        said.append(f"on new data {scale.interval(one.new_data.low, one.new_data.high, signed=True)}{unit}")
    if one.p_holm is not None:
        said.append(f"Holm p {p_equals(one.p_holm)}")
    if one.equivalence_p is not None:
        said.append(f"equivalence p {p_equals(one.equivalence_p)}")
    return escaped("\n".join(said))
