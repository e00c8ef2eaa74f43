"""The tables of a report as text cells: what is in them and how numbers are rounded, whatever they are printed on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracking.record import METRICS
from tracking.scale import Scale, duration, p_value

if TYPE_CHECKING:
    from tracking.stats import Description
    from tracking.summary import StudySummary
    from tracking.trials import TrialRow


@dataclass(frozen=True)
class Table:
    """Cells as plain text; the first `names` columns hold names, the others numbers."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int = 1


def overview(summary: "StudySummary") -> Table:
    """Return mean +- sd of every metric, one row per arm."""
    headings = ("arm", "trials", *(summary.scales[metric].heading for metric in METRICS))
    rows = tuple(
        (arm.name, arm.count, *(_spread(arm.metrics[metric], summary.scales[metric]) for metric in METRICS))
        for arm in summary.arms
    )
    return Table("Means over seeds, with the standard deviation", headings, rows)


def details(summary: "StudySummary", metric: str) -> Table:
    """Return the description of one metric, one row per arm."""
    scale = summary.scales[metric]
    level = f"{100 * (1 - summary.study.alpha):g}% interval of the mean"
    headings = ("arm", "trials", "mean", "sd", "median", "min", "max", level)
    rows = []
    for arm in summary.arms:
        found = arm.metrics[metric]
        numbers = (found.mean, found.sd, found.median, found.minimum, found.maximum)
        interval = scale.interval(found.low, found.high)
        rows.append((arm.name, arm.count, *(scale.value(number) for number in numbers), interval))
    return Table(scale.heading.capitalize(), headings, tuple(rows))


def comparisons(summary: "StudySummary") -> Table:
    """Return difference, test and verdict of each treatment."""
    scale = summary.scales[summary.study.metric]
    level = f"{100 * (1 - summary.study.alpha):g}% interval"
    headings = (
        "arm",
        "difference, pp" if scale.unit else "difference",
        level,
        "p (Holm)",
        "Hedges g",
        "better in",
        "verdict",
    )
    rows = []
    for one in summary.comparisons:
        effect = one.effect
        g = "" if effect.value is None else f"{effect.value:.2f}"
        if effect.low is not None and effect.high is not None:
            g += f" [{effect.low:.2f}, {effect.high:.2f}]"
        share = "" if one.share_better is None else f"{100 * one.share_better:.0f}%"
        interval = scale.interval(one.test.low, one.test.high, signed=True)
        difference = scale.difference(one.test.difference)
        rows.append((one.arm, difference, interval, p_value(one.p_holm), g, share, one.verdict))
    title = f"{scale.label.capitalize()} against {summary.study.control}"
    return Table(title, headings, tuple(rows))


def tests(summary: "StudySummary") -> Table:
    """Return the tests behind the comparisons: the primary one, the rank test and the equivalence test."""
    paired = summary.study.paired
    rank = "sign flips" if paired else "Mann-Whitney"
    headings = (
        "arm",
        "pairs" if paired else "trials",
        "t",
        "df",
        "p",
        "p (Holm)",
        f"{rank} p (Holm)",
        "smallest possible",
        "TOST p",
    )
    rows = []
    for one in summary.comparisons:
        test = one.test
        sizes = str(test.n_treatment) if paired else f"{test.n_treatment} and {test.n_control}"
        t = "" if test.t is None else f"{test.t:.2f}"
        df = "" if test.df is None else f"{test.df:.1f}"
        ranks = p_value(one.rank_p_holm), p_value(one.rank.smallest_p)
        rows.append((one.arm, sizes, t, df, p_value(test.p), p_value(one.p_holm), *ranks, p_value(one.equivalence_p)))
    name = "Paired t test by seed" if paired else "Welch's t test"
    return Table(f"{name}, {rank}, equivalence", headings, tuple(rows))


def power(summary: "StudySummary") -> Table:
    """Return what could have been found, and how far the spread over seeds is that of drawing test examples."""
    scale = summary.scales[summary.study.metric]
    detectable = {one.arm: one.detectable for one in summary.comparisons}
    unit = ", pp" if scale.unit else ""
    headings = ["arm", "trials", f"sd over seeds{unit}", f"smallest detectable difference{unit}"]
    sampled = summary.study.metric == "test_accuracy"
    if sampled:
        headings.append("sd of drawing the test set, pp")
    rows = []
    for arm in summary.arms:
        row = [arm.name, arm.count, scale.value(arm.metrics[scale.metric].sd), scale.value(detectable.get(arm.name))]
        rows.append(tuple(row + ([scale.value(arm.sampling_sd)] if sampled else [])))
    return Table("Power at 80%, first step of Holm's procedure", tuple(headings), tuple(rows))


def trials(summary: "StudySummary") -> Table:
    """Return every trial with its time, each arm's mean and median rows, and those over all trials."""
    headings = ("arm", "seed", "trial", *(summary.scales[metric].heading for metric in METRICS), "time")
    rows: list[tuple[str, ...]] = []
    for arm in summary.arms:
        rows += [_trial(row, summary.scales) for row in arm.trials]
        rows += _averages(arm.name, arm.metrics, arm.seconds, summary.scales)
    rows += _averages("all", summary.overall, summary.overall_seconds, summary.scales)
    return Table("Trials", headings, tuple(rows), names=3)


def _spread(found: "Description", scale: Scale) -> str:
    return scale.value(found.mean) if found.sd is None else f"{scale.value(found.mean)} ± {scale.value(found.sd)}"


def _trial(row: "TrialRow", scales: Mapping[str, Scale]) -> tuple[str, ...]:
    values = [scales[metric].value(row.metrics.get(metric)) for metric in METRICS]
    name = row.key[:12] if row.state == "done" else f"{row.state}: {row.reason}"
    return (row.arm, str(row.seed), name, *values, duration(row.seconds))


def _averages(
    name: str, metrics: "Mapping[str, Description]", seconds: "Description", scales: Mapping[str, Scale]
) -> list[tuple[str, ...]]:
    mean = [scales[metric].value(metrics[metric].mean) for metric in METRICS]
    median = [scales[metric].value(metrics[metric].median) for metric in METRICS]
    return [
        (name, "mean", "", *mean, duration(seconds.mean)),
        (name, "median", "", *median, duration(seconds.median)),
    ]
