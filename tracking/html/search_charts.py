"""The views of a search as drawings of the page: every setting can be pointed at."""

from typing import TYPE_CHECKING

from tracking.dimensions import ABSENT
from tracking.html.axes import Axis, x_axis, y_axis
from tracking.html.markup import Html, joined, number, tag
from tracking.labels import shortened
from tracking.search_views import MOST_AXES, MOST_SLICES

if TYPE_CHECKING:
    from tracking.dimensions import Dimension
    from tracking.search_views import Mark, SearchViews

LEADING, OTHER, LOST = "a2", "a1", "lost"
WIDTH, HEIGHT = 460, 230
WIDE = 940
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 26, 34
BETWEEN, TALL, HEAD, FOOT = 138, 300, 34, 40
"""Of the parallel axes: from one to the next, their length, and the room above and below."""
LABEL = 6.4
"""About the width of a character."""


def history(views: "SearchViews", width: int) -> Html:
    """Return every setting's score in the order of asking, and the best so far, in a drawing of that width."""
    count = len(views.searched.rows)
    x, y = Axis(0.5, count + 0.5, LEFT, width - RIGHT), views.axis(HEIGHT - BOTTOM, TOP)
    title = tag("text", views.scale.heading, x=LEFT, y=14, class_="title")
    parts = [title, x_axis(x, HEIGHT - BOTTOM, TOP, "settings, in the order of asking", 8)]
    parts += [y_axis(y, LEFT, width - RIGHT), _best(views, x, y)]
    parts += [_dot(mark, x.at(mark.number), y.at(mark.score or 0.0)) for mark in views.scored]
    parts += [_cross(mark, x.at(mark.number), HEIGHT - BOTTOM) for mark in views.unscored]
    return _chart(parts, width, HEIGHT, "Scores in the order of asking", "wide" if width > WIDTH else "narrow")


def importances(views: "SearchViews") -> Html:
    """Return each parameter's share as a bar."""
    shares = views.importances[: 2 * MOST_AXES]
    labels, row = 150, 24
    axis = Axis(0, 100 * max(shares[0][1], 0.01), labels, WIDTH - 44)
    bottom = 6 + row * len(shares)
    parts = [x_axis(axis, bottom, 2, "share of what tells the best tenth from the others, %")]
    for place, (name, share) in enumerate(shares):
        y, end = 6 + row * (place + 0.5), axis.at(100 * share)
        bar = tag("rect", x=labels, y=y - 7, width=max(end - labels, 0.5), height=14, fill="currentColor")
        label = tag("text", shortened(name, 22), x=labels - 8, y=y + 4, class_="tick end")
        value = tag("text", f"{100 * share:.0f}%", x=end + 6, y=y + 4, class_="value")
        parts.append(tag("g", tag("title", f"{name}: {100 * share:.1f}%"), bar, label, value, class_=f"mark {OTHER}"))
    return _chart(parts, WIDTH, bottom + 36, "Parameter importances")


def slices(views: "SearchViews") -> list[Html]:
    """Return the scores over each parameter, those that decide most first."""
    return [_slice(views, dimension) for dimension in views.dimensions[:MOST_SLICES]]


def parallel(views: "SearchViews") -> Html:
    """Return each setting as a line through its parameters to its score; as wide as the parameters need."""
    dimensions = views.dimensions[:MOST_AXES]
    upright, score = Axis(0, 1, HEAD + TALL, HEAD), views.axis(HEAD + TALL, HEAD)
    xs = [70 + BETWEEN * place for place in range(len(dimensions) + 1)]
    lines = []
    for mark in sorted(views.marks, key=lambda mark: (mark.leads, mark.score is not None)):
        ys = [upright.at(dimension.passed(mark.row.values, mark.number)) for dimension in dimensions]
        ys += [] if mark.score is None else [score.at(mark.score)]
        points = " ".join(f"{number(x)},{number(round(y, 1))}" for x, y in zip(xs, ys, strict=False))
        lines.append(
            tag("g", tag("title", mark.told), tag("polyline", points=points, class_="way"), class_=_look(mark))
        )
    axes = []
    for x, dimension in zip(xs, dimensions, strict=False):
        absent = any(dimension.place(mark.row.values) is None for mark in views.marks)
        ticks = [*dimension.ticks(5), *([(ABSENT, "not asked")] if absent else [])]
        axes.append(_upright(x, dimension.heading, [(upright.at(place), label) for place, label in ticks]))
    axes.append(_upright(xs[-1], views.scale.heading, [(upright.at(place), label) for place, label in views.ticks(6)]))
    width, height = xs[-1] + 80, HEAD + TALL + FOOT
    return tag(
        "svg",
        *lines,
        *axes,
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        class_="parallel",
        role="img",
        aria_label="Settings through their parameters",
    )


def _slice(views: "SearchViews", dimension: "Dimension") -> Html:
    ticks = dimension.ticks(5)
    slanted = bool(dimension.parameter.choices) and sum(LABEL * len(label) + 10 for _, label in ticks) > WIDTH - LEFT
    bottom = HEIGHT - BOTTOM + 16
    x, y = Axis(0, 1, LEFT, WIDTH - RIGHT), views.axis(bottom, TOP)
    parts = [tag("text", f"{views.scale.heading} over {dimension.heading}", x=LEFT, y=14, class_="title")]
    parts.append(y_axis(y, LEFT, WIDTH - RIGHT))
    for place, label in ticks:
        at = x.at(place)
        parts.append(tag("line", x1=at, x2=at, y1=TOP, y2=bottom, class_="grid"))
        turned = f"rotate(-24 {number(at)} {bottom + 14})" if slanted else None
        parts.append(
            tag("text", label, x=at, y=bottom + 15, transform=turned, class_=f"tick {'end' if slanted else 'mid'}")
        )
    parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=bottom, y2=bottom, class_="axis"))
    parts += [_dot(mark, x.at(place), y.at(mark.score or 0.0)) for mark, place in dimension.having(views.scored)]
    parts += [_cross(mark, x.at(place), bottom) for mark, place in dimension.having(views.unscored)]
    room = 52 if slanted else 22
    return _chart(parts, WIDTH, bottom + room, f"{views.scale.label} over {dimension.name}")


def _best(views: "SearchViews", x: Axis, y: Axis) -> Html:
    """Return the best score so far as a stair."""
    path = ""
    for place, score in views.best:
        path += (
            f"H{number(x.at(place))}V{number(y.at(score))}" if path else f"M{number(x.at(place))} {number(y.at(score))}"
        )
    return tag("path", d=f"{path}H{number(x.end)}", class_=f"curve {LEADING}")


def _look(mark: "Mark") -> str:
    return f"mark {LOST if mark.score is None else LEADING if mark.leads else OTHER}"


def _dot(mark: "Mark", x: float, y: float) -> Html:
    return tag("g", tag("title", mark.told), tag("circle", cx=x, cy=y, r=3.6, class_="dot"), class_=_look(mark))


def _cross(mark: "Mark", x: float, y: float) -> Html:
    arms = f"M{number(x - 3.5)} {number(y - 3.5)}l7 7m0 -7l-7 7"
    return tag("g", tag("title", mark.told), tag("path", d=arms, class_="cross"), class_=_look(mark))


def _upright(x: float, name: str, ticks: list[tuple[float, str]]) -> Html:
    parts = [tag("line", x1=x, x2=x, y1=HEAD, y2=HEAD + TALL, class_="axis")]
    parts.append(tag("text", shortened(name, 20), x=x, y=HEAD - 12, class_="name mid"))
    for y, label in ticks:
        parts.append(tag("line", x1=x - 3, x2=x, y1=y, y2=y, class_="axis"))
        parts.append(tag("text", label, x=x + 6, y=y + 4, class_="tick over"))
    return joined(parts)


def _chart(parts: list[Html], width: float, height: float, label: str, kind: str = "") -> Html:
    size = f"0 0 {number(width)} {number(height)}"
    return tag("svg", *parts, viewBox=size, class_=f"chart search {kind}".strip(), role="img", aria_label=label)
