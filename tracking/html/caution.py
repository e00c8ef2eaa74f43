"""What the study could and could not have shown: power, failures, odd samples, and the test set's share."""

from typing import TYPE_CHECKING

from tracking import tables
from tracking.html.grid import bullets, folded, grid, paragraph, section
from tracking.html.markup import Html, tag
from tracking.oddities import far_values, skewness
from tracking.scale import p_value
from tracking.tables import Table

if TYPE_CHECKING:
    from tracking.summary import ArmSummary, StudySummary

SHOWN_FAILURES = 20


def caution(summary: "StudySummary") -> Html:
    """Return the section."""
    parts = [
        paragraph(
            "The smallest true difference from the control that a study with these numbers of trials and this spread"
            " finds four times out of five. A difference below it may exist and not have been found."
        ),
        grid(tables.power(summary), caption=False),
        tag("h3", "Trials that are missing"),
        *_missing(summary),
        tag("h3", "Skew and outliers"),
        *_odd(summary),
    ]
    return section("caution", "What this study could and could not have shown", *parts, *_test_set(summary))


def _missing(summary: "StudySummary") -> list[Html]:
    lost = [(arm.name, row) for arm in summary.arms for row in arm.trials if row.state in ("failed", "damaged")]
    waiting = sum(row.state == "pending" for arm in summary.arms for row in arm.trials)
    said = f"{summary.done} of {summary.planned} trials are finished"
    said += f", {waiting} are still to be trained" if waiting else ""
    if not lost:
        return [paragraph(f"{said}; none failed.")]
    rows = [f"{name}, seed {row.seed}: {row.state}, {row.reason}" for name, row in lost]
    rest = rows[SHOWN_FAILURES:]
    more = [folded(f"{len(rest)} more", bullets(rest))] if rest else []
    said += f", {len(lost)} failed or were lost. Left out of all numbers:"
    return [paragraph(said), bullets(rows[:SHOWN_FAILURES]), *more]


def _odd(summary: "StudySummary") -> list[Html]:
    """Return which samples a t test may be misled by."""
    scale = summary.scales[summary.study.metric]
    found = [sentence for arm in summary.arms for sentence in _odd_arm(arm, summary)]
    found += [f"{arm.name}: {flag}." for arm in summary.arms for flag in arm.flags]
    if found:
        why = (
            "The t test is exact for normal samples and holds well for others; under strong skew its error rate can"
            " reach twice what was declared. The rank test in the table of tests does not depend on the distribution."
        )
        return [bullets(found), paragraph(why)]
    return [
        paragraph(
            f"In {scale.label} no arm is skewed by more than two standard errors, and no trial lies far from the rest"
            " of its arm. With few trials only gross departures can be seen."
        )
    ]


def _odd_arm(arm: "ArmSummary", summary: "StudySummary") -> list[str]:
    scale = summary.scales[summary.study.metric]
    rows = [row for row in arm.trials if scale.metric in row.metrics]
    values = [row.metrics[scale.metric] for row in rows]
    said = []
    skew = skewness(values)
    if skew is not None and abs(skew[0]) > 2 * skew[1]:
        side = "right" if skew[0] > 0 else "left"
        said.append(f"{arm.name} is skewed to the {side}: G1 = {skew[0]:.1f}, with a standard error of {skew[1]:.1f}.")
    for place in far_values(values):
        shown = f"{scale.value(values[place])}{scale.unit}"
        said.append(f"{arm.name}, seed {rows[place].seed} lies far from the rest of its arm: {shown}.")
    return said


def _test_set(summary: "StudySummary") -> list[Html]:
    """Return how much of the uncertainty is the test set's, where the metric is an accuracy on it."""
    if summary.study.metric != "test_accuracy":
        return []
    parts = [
        tag("h3", "This test set, and new data"),
        paragraph(
            "The comparisons hold the test set fixed, and only the seeds vary: they are about this test set. The last"
            " column of the table above is the standard deviation that drawing another test set of this size would add"
            " to one arm's accuracy."
        ),
    ]
    table = _new_data(summary)
    if table is not None:
        parts.append(
            paragraph(
                "The intervals and p-values on new data allow for both, from which test examples each trial gets right."
                " Intervals hold for one comparison at a time."
            )
        )
        parts.append(grid(table, caption=False))
        found = [(one.arm, one.new_data) for one in summary.comparisons]
        notes = [f"{arm}: {'; '.join(new.flags)}." for arm, new in found if new is not None and new.flags]
        parts.append(bullets(notes, "notes"))
    return parts


def _new_data(summary: "StudySummary") -> Table | None:
    scale = summary.scales[summary.study.metric]
    level = f"{100 * (1 - summary.design.alpha):g}% interval"
    headings = (
        *("arm", "difference, pp", f"{level}, this test set", f"{level}, new data"),
        *("p (Holm), this test set", "p (Holm), new data"),
    )
    rows = []
    for one in summary.comparisons:
        new = one.new_data
        if new is None or new.difference is None:
            continue
        intervals = [scale.interval(found.low, found.high, signed=True) for found in (one.test, new)]
        p_values = p_value(one.p_holm), p_value(one.new_data_p_holm)
        rows.append((one.arm, scale.difference(new.difference), *intervals, *p_values))
    return Table("On new data", headings, tuple(rows)) if rows else None
