"""What speaks against taking a study's numbers at their face: odd samples, and a test set that is a sample too."""

from typing import TYPE_CHECKING

from tracking.oddities import far_values, skewness
from tracking.scale import p_value
from tracking.tables import Table

if TYPE_CHECKING:
    from tracking.summary import ArmSummary, StudySummary

WHY_ODD = (
    "The t test is exact for normal samples and holds well for others; under strong skew its error rate can reach twice"
    " what was declared. The rank test in the table of tests does not depend on the distribution."
)


def odd_samples(summary: "StudySummary") -> list[str]:
    """Return which samples of the primary metric a t test may be misled by, a sentence each."""
    found = [sentence for arm in summary.arms for sentence in _odd_arm(arm, summary)]
    return found + [f"{arm.name}: {flag}." for arm in summary.arms for flag in arm.flags]


def nothing_odd(summary: "StudySummary") -> str:
    """Return what it means that no sample is odd."""
    return (
        f"In {summary.scale.label} no arm is skewed by more than two standard errors, and no trial lies far from the"
        " rest of its arm. With few trials only gross departures can be seen."
    )


def on_new_data(summary: "StudySummary") -> str:
    """Return how `new_data_table` is to be read."""
    if summary.study.sequential is not None:
        return (
            "The intervals on new data allow for both, from which test examples each trial gets right. They hold for"
            " one comparison and one look at a time."
        )
    return (
        "The intervals and p-values on new data allow for both, from which test examples each trial gets right."
        " Intervals hold for one comparison at a time."
    )


def new_data_table(summary: "StudySummary") -> Table | None:
    """Return the comparisons on this test set and on another one, side by side; None where that is not asked.

    Without p-values where there are looks: those on new data do not allow for them, and would seem the better ones.
    """
    tested = summary.study.sequential is None
    scale = summary.scale
    level = f"{100 * (1 - summary.design.alpha):g}% interval"
    headings = (
        *("arm", "difference, pp", f"{level}, this test set", f"{level}, new data"),
        *(("p (Holm), this test set", "p (Holm), new data") if tested else ()),
    )
    rows = []
    for one in summary.comparisons:
        new = one.new_data
        if new is None or new.difference is None:
            continue
        intervals = [scale.interval(found.low, found.high, signed=True) for found in (one.test, new)]
        p_values = (p_value(one.p_holm), p_value(one.new_data_p_holm)) if tested else ()
        rows.append((one.arm, scale.difference(new.difference), *intervals, *p_values))
    return Table("On new data", headings, tuple(rows)) if rows else None


def _odd_arm(arm: "ArmSummary", summary: "StudySummary") -> list[str]:
    scale = summary.scale
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
