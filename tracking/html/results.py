"""What was measured: the means, the comparisons, every trial, and the way there."""

from typing import TYPE_CHECKING

from tracking import tables
from tracking.factorial import reasons
from tracking.factorial_report import effects_note, effects_table
from tracking.html.curves import curves, legend, limits, panels
from tracking.html.forest import NARROW, WIDE, forest
from tracking.html.grid import bullets, figure, folded, grid, paragraph, section
from tracking.html.markup import Html, joined, tag
from tracking.html.palette import Palette
from tracking.html.points import points
from tracking.reading import RUNNING, better_in, corrected, no_contradiction

if TYPE_CHECKING:
    from tracking.summary import StudySummary

DRAWN_ARMS = 40
"""More arms than this are in the tables, and not in the figures, where nobody could tell them apart."""
POINT_METRICS = 4


def means(summary: "StudySummary") -> Html:
    """Return the tables of means."""
    primary = summary.study.metric
    others = [grid(tables.details(summary, metric)) for metric in summary.scales if metric != primary]
    return section(
        "means",
        "Means",
        paragraph("Mean ± standard deviation over seeds, of the finished trials."),
        grid(tables.overview(summary), caption=False),
        grid(tables.details(summary, primary)),
        folded("The same for every other metric", *others) if others else "",
    )


def comparisons(summary: "StudySummary", palette: Palette) -> Html:
    """Return the forest plot, the tables behind it, and what speaks for caution."""
    study = summary.study
    test = "the paired t test by seed" if study.paired else "Welch's t test"
    level = f"{100 * (1 - summary.design.alpha):g}%"
    note = (
        f"Arm minus {study.control}: the square is the difference of the means in"
        f" {summary.scales[study.metric].label}, the line its {level} interval by {test}, for one comparison at a"
        f" time. The p-values are {corrected(summary)}."
    )
    if any(one.new_data is not None and one.new_data.low is not None for one in summary.comparisons):
        note += " The dashed line below it is the interval for new data, which also allows for another test set."
    note = f"{note} {no_contradiction(summary)}".rstrip()
    behind = (
        "The rank test makes no assumption about the distribution; the smallest p that it can give with so many trials"
        " stands beside it, before correction."
        + (" TOST tests equivalence within the margin, for one comparison at a time." if study.margin else "")
    )
    notes = [f"{one.arm}: {'; '.join(one.flags)}." for one in summary.comparisons if one.flags]
    return section(
        "comparisons",
        "Comparisons",
        figure(forest(summary, palette, WIDE), forest(summary, palette, NARROW), note=note),
        grid(tables.comparisons(summary)),
        paragraph(better_in(study.control), "soft"),
        bullets(notes, "notes"),
        folded(
            "The tests behind them", paragraph(behind), grid(tables.tests(summary), caption=False), *_all_arms(summary)
        ),
        grid(tables.pairs(summary)) if summary.pairs else "",
        *_effects(summary),
    )


def _effects(summary: "StudySummary") -> list[Html]:
    """Return what the components of a factorial study do."""
    if not summary.effects:
        return []
    table = effects_table(summary.effects, summary.design, summary.scale)
    notes = [f"{reason}." for reason in reasons(summary.effects)]
    return [
        tag("h3", table.title),
        paragraph(effects_note(summary.effects, summary.design)),
        grid(table, caption=False),
        bullets(notes, "notes"),
    ]


def _all_arms(summary: "StudySummary") -> list[Html]:
    """Return the test of all arms at once, which decides nothing."""
    if summary.omnibus.p is None:
        return []
    return [grid(tables.omnibus(summary))]


def every_point(summary: "StudySummary", palette: Palette) -> Html:
    """Return every trial as a dot, in the primary metric and in what else was measured on the test set."""
    primary = summary.study.metric
    tested = [metric for metric in summary.scales if metric.startswith("test_") and metric != primary]
    drawn = [
        points(summary, metric, summary.arms[:DRAWN_ARMS], palette) for metric in [primary, *tested][:POINT_METRICS]
    ]
    note = (
        "Every trial is a dot; the diamond above is the arm's mean, on its"
        f" {100 * (1 - summary.design.alpha):g}% interval. The dashed line is the mean of {summary.study.control}."
    )
    return section("points", "Every trial", _too_many(summary), figure(tag("div", *drawn, class_="panels"), note=note))


def learning(summary: "StudySummary", palette: Palette) -> Html:
    """Return the curves: one row of panels for each thing that was measured after every epoch."""
    arms = [arm for arm in summary.arms if arm.histories][:DRAWN_ARMS]
    rows = []
    for kind, metrics in panels(arms).items():
        shown = limits(kind, metrics, arms)
        drawn = [curves(metric, arms, shown, palette) for metric in metrics]
        unit = ", %" if kind.endswith("accuracy") else " (log scale)" if shown[2] else ""
        rows.append(
            joined([tag("h3", f"{kind.replace('_', ' ').capitalize()}{unit}"), tag("div", *drawn, class_="panels")])
        )
    if not rows:
        return section("curves", "Curves", paragraph("No trial left a history."))
    note = "Mean over seeds, in a band from the lowest to the highest."
    if "accuracy" in panels(arms):
        note += " Accuracies are shown from where the first tenth of the training has led."
    if any(name.startswith("train_") for arm in arms for name in arm.histories):
        note += f" {RUNNING}"
    key = legend([arm.name for arm in arms], palette)
    return section("curves", "Curves", _too_many(summary), figure(key, *rows, note=note))


def _too_many(summary: "StudySummary") -> Html:
    if len(summary.arms) <= DRAWN_ARMS:
        return Html("")
    return paragraph(f"The first {DRAWN_ARMS} of {len(summary.arms)} arms; the tables have all.")
