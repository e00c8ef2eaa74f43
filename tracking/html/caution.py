"""What the study could and could not have shown: power, failures, odd samples, and the test set's share."""

from typing import TYPE_CHECKING

from tracking import tables
from tracking.doubts import WHY_ODD, new_data_table, nothing_odd, odd_samples, on_new_data
from tracking.html.grid import bullets, folded, grid, paragraph, section
from tracking.html.markup import Html, tag

if TYPE_CHECKING:
    from tracking.summary import StudySummary

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
    found = odd_samples(summary)
    return [bullets(found), paragraph(WHY_ODD)] if found else [paragraph(nothing_odd(summary))]


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
    table = new_data_table(summary)
    if table is not None:
        parts.append(paragraph(on_new_data(summary)))
        parts.append(grid(table, caption=False))
        found = [(one.arm, one.new_data) for one in summary.comparisons]
        notes = [f"{arm}: {'; '.join(new.flags)}." for arm, new in found if new is not None and new.flags]
        parts.append(bullets(notes, "notes"))
    return parts
