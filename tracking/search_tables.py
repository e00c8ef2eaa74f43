"""The tables of a search: its space, its settings with their scores, and how much those shrank on fresh seeds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tracking.scale import duration, scale
from tracking.tables import Table

if TYPE_CHECKING:
    from studies.spec import Scalar
    from tracking.proposals import Parameter
    from tracking.searched import Searched, SettingRow
    from tracking.summary import StudySummary

SHOWN = 20


def space(parameters: "Sequence[Parameter]", otherwise: str = "always") -> Table:
    """Return what is varied: the choices or the range of each parameter, and when it is asked for.

    `otherwise` is said of a parameter without a condition.
    """
    rows = []
    for one in parameters:
        when = " and ".join(f"{parent} is {_either(values)}" for parent, values in one.when.items())
        rows.append((one.name, _range(one), _scale_of(one), when or otherwise))
    return Table("What is varied", ("parameter", "values", "scale", "asked for"), tuple(rows), names=4)


def ranking(searched: "Searched", parameters: "Sequence[Parameter]", most: int = SHOWN) -> Table:
    """Return the settings, the best first, with a column for each parameter: those that are chosen from, the score,
    and those that are numbers."""
    ranked = list(searched.ranked)
    rows = [*ranked, *(row for row in searched.rows if row.state != "complete")]
    shown = scale(searched.objective, [row.score.sd for row in ranked], [row.score.mean for row in ranked])
    words = [one.name for one in parameters if one.choices]
    numbers = [one.name for one in parameters if not one.choices]

    def cells(row: "SettingRow") -> tuple[str, ...]:
        has_score = row.state == "complete"
        mean, sd = (shown.value(row.score.mean), shown.value(row.score.sd)) if has_score else ("", "")
        given = [[_value(row.values[name]) if name in row.values else "" for name in part] for part in (words, numbers)]
        trials = f"{row.score.n} of {row.planned}"
        state = "scored" if has_score else row.state
        return (row.arm, state, *given[0], mean, sd, *given[1], trials, duration(row.seconds))

    left = len(rows) - most
    title = f"Settings by {shown.label}, the best first" + (f" ({left} more)" if left > 0 else "")
    headings = (
        "name",
        "state",
        *words,
        f"mean, {shown.unit}" if shown.unit else "mean",
        "sd",
        *numbers,
        "trials",
        "time",
    )
    return Table(title, headings, tuple(map(cells, rows[:most])), names=2 + len(words))


def settings(searched: "Searched", most: int = SHOWN) -> Table:
    """Return the settings, the best first: mean (std) of the score on the validation part, and the setting."""
    ranked = list(searched.ranked)
    others = [row for row in searched.rows if row.state in ("pruned", "failed")]
    shown = scale(searched.objective, [row.score.sd for row in ranked], [row.score.mean for row in ranked])
    rows = [
        (row.arm, said_of(row), "done", f"{row.score.n} of {row.planned}", _spread(row), duration(row.seconds))
        for row in ranked[:most]
    ]
    rows += [
        (row.arm, said_of(row), row.state, f"{row.score.n} of {row.planned}", "", duration(row.seconds))
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
    counts.append((searched.count("running"), "not finished"))
    ends = "".join(f", {number} {word}" for number, word in counts if number)
    repeated = f" {searched.repeated} proposals were an earlier setting again and were not trained."
    seconds = duration(sum(row.seconds for row in searched.rows))
    scored = f"{searched.count('complete')} settings have a score{ends}; their trials took {seconds} of training."
    return scored + (repeated if searched.repeated else "")


def said_of(row: "SettingRow") -> str:
    """Return a setting in words, such as `rate=0.25, units=64`."""
    shown = {name: _value(value) for name, value in row.values.items()}
    return ", ".join(f"{name}={value}" for name, value in shown.items()) or "defaults"


def _value(value: "Scalar") -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def _either(values: "Sequence[Scalar]") -> str:
    return " or ".join(map(_value, values))


def _range(one: "Parameter") -> str:
    if one.choices:
        return ", ".join(map(_value, one.choices))
    ends = [_value(end) for end in (one.low, one.high) if end is not None]
    steps = f" in steps of {_value(one.step)}" if one.step is not None else ""
    return " to ".join(ends) + steps


def _scale_of(one: "Parameter") -> str:
    if one.choices:
        return "choice"
    return ("whole numbers" if one.whole else "numbers") + (", log" if one.log else "")


def _spread(row: "SettingRow") -> str:
    """Return mean (sd) as plain fractions, as cross-validated searches are usually printed."""
    mean = f"{row.score.mean:.6f}" if row.score.mean is not None else ""
    return mean if row.score.sd is None else f"{mean} ({row.score.sd:.6f})"
