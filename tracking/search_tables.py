"""The tables of a search: its settings with their scores, and how much those shrank on fresh seeds."""

from typing import TYPE_CHECKING

from tracking.scale import duration, scale
from tracking.tables import Table

if TYPE_CHECKING:
    from tracking.searched import Searched, SettingRow
    from tracking.summary import StudySummary

SHOWN = 20


def settings(searched: "Searched", most: int = SHOWN) -> Table:
    """Return the settings, the best first: mean (std) of the score on the validation part, and the setting."""
    ranked = list(searched.ranked)
    others = [row for row in searched.rows if row.state in ("pruned", "failed")]
    shown = scale(searched.objective, [row.score.sd for row in ranked], [row.score.mean for row in ranked])
    rows = [
        (row.arm, _said(row), "done", f"{row.score.n} of {row.planned}", _spread(row), duration(row.seconds))
        for row in ranked[:most]
    ]
    rows += [
        (row.arm, _said(row), row.state, f"{row.score.n} of {row.planned}", "", duration(row.seconds))
        for row in others[: max(0, most - len(rows))]
    ]
    left = len(ranked) + len(others) - len(rows)
    title = f"Settings by {shown.label}, the best first" + (f" ({left} more)" if left > 0 else "")
    headings = ("name", "setting", "state", "trials", f"{shown.label}, mean (sd)", "time")
    return Table(title, headings, tuple(rows), names=3)


def shrinkage(searched: "Searched", summary: "StudySummary") -> Table:
    """Return, for each confirmed setting, its score in the search beside its scores on fresh seeds.

    The validation score on fresh seeds says how much of the search's score was luck in choosing; the test score also
    differs since it is another sample of images.
    """
    measured = [metric for metric in (searched.objective, summary.study.metric) if metric in summary.metrics]
    rows = []
    by_arm = {row.arm: row for row in searched.rows}
    ranked = searched.ranked
    shown = scale(searched.objective, [row.score.sd for row in ranked], [row.score.mean for row in ranked])
    for arm in summary.arms:
        row = by_arm.get(arm.name)
        if row is None or row.score.mean is None:
            continue
        cells = [arm.name, shown.value(row.score.mean)]
        for metric in measured:
            mean = arm.metrics[metric].mean
            cells += [shown.value(mean), "" if mean is None else shown.difference(mean - row.score.mean)]
        rows.append(tuple(cells))
    headings = ["name", f"search: {shown.heading}"]
    for metric in measured:
        headings += [f"fresh seeds: {metric.replace('_', ' ')}", "change"]
    return Table("What became of the scores that were chosen", tuple(headings), tuple(rows))


def sentence(searched: "Searched") -> str:
    """Return what was tried, in a sentence."""
    counts = [(searched.count("pruned"), "pruned"), (searched.count("failed"), "failed")]
    ends = "".join(f", {number} {word}" for number, word in counts if number)
    repeated = f" {searched.repeated} proposals were an earlier setting again and were not trained."
    seconds = duration(sum(row.seconds for row in searched.rows))
    scored = f"{searched.count('complete')} settings have a score{ends}; their trials took {seconds} of training."
    return scored + (repeated if searched.repeated else "")


def _said(row: "SettingRow") -> str:
    shown = {name: f"{value:.4g}" if isinstance(value, float) else str(value) for name, value in row.values.items()}
    return ", ".join(f"{name}={value}" for name, value in shown.items()) or "defaults"


def _spread(row: "SettingRow") -> str:
    """Return mean (sd) as plain fractions, as cross-validated searches are usually printed."""
    mean = f"{row.score.mean:.6f}" if row.score.mean is not None else ""
    return mean if row.score.sd is None else f"{mean} ({row.score.sd:.6f})"
