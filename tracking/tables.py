"""The tables of a report as text cells: what is in them and how numbers are rounded, whatever they are printed on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracking.scale import Scale, duration, p_value, two_decimals, with_interval

if TYPE_CHECKING:
    from tracking.analysis import Analysis, Compared
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

    def is_text(self, column: int) -> bool:
        """Return whether a column holds words, which stand at its left and may wrap."""
        return column < self.names or self.headings[column] == "verdict"


def overview(summary: "StudySummary") -> Table:
    """Return mean +- sd of every metric, one row per arm."""
    headings = ("arm", "trials", *(summary.scales[metric].heading for metric in summary.metrics))
    rows = tuple(
        (arm.name, arm.count, *(_spread(arm.metrics[metric], summary.scales[metric]) for metric in summary.metrics))
        for arm in summary.arms
    )
    return Table("Means over seeds, with the standard deviation", headings, rows)


def details(summary: "StudySummary", metric: str) -> Table:
    """Return the description of one metric, one row per arm."""
    found = [(arm.name, arm.count, arm.metrics[metric]) for arm in summary.arms]
    return _descriptions(found, summary.scales[metric], summary.design.alpha)


def means(analysis: "Analysis") -> Table:
    """Return the description of the metric that was analysed, one row per arm."""
    found = [(arm.name, arm.count, arm.description) for arm in analysis.arms]
    return _descriptions(found, analysis.scale, analysis.design.alpha)


def comparisons(found: "Compared") -> Table:
    """Return difference, test and verdict of each treatment."""
    scale = found.scale
    headings = (
        "arm",
        _difference(scale),
        f"{100 * (1 - found.design.alpha):g}% interval",
        "p (Holm)",
        "Hedges g",
        "better in",
        "verdict",
    )
    rows = []
    for one in found.comparisons:
        g = with_interval(one.effect.value, one.effect.low, one.effect.high)
        share = "" if one.share_better is None else f"{100 * one.share_better:.0f}%"
        interval = scale.interval(one.test.low, one.test.high, signed=True)
        difference = scale.difference(one.test.difference)
        rows.append((one.arm, difference, interval, p_value(one.p_holm), g, share, one.verdict))
    return Table(f"{capital(scale.label)} against {found.design.control}", headings, tuple(rows))


def tests(found: "Compared") -> Table:
    """Return the tests behind the comparisons: the primary one, the rank test and the equivalence test."""
    paired = found.design.paired
    rank = "sign flips" if paired else "Mann-Whitney"
    headings = (
        "arm",
        "pairs" if paired else "trials",
        "t",
        "df",
        "p",
        "p (Holm)",
        f"{rank} p (Holm)",
        "smallest possible p",
        "TOST p",
    )
    rows = []
    for one in found.comparisons:
        test = one.test
        sizes = str(test.n_treatment) if paired else f"{test.n_treatment} and {test.n_control}"
        df = "" if test.df is None else f"{test.df:.1f}"
        ranks = p_value(one.rank_p_holm), p_value(one.rank.smallest_p)
        found_p = p_value(test.p), p_value(one.p_holm), *ranks, p_value(one.equivalence_p)
        rows.append((one.arm, sizes, two_decimals(test.t), df, *found_p))
    name = "Paired t test by seed" if paired else "Welch's t test"
    return Table(f"{name}, {rank}, equivalence", headings, tuple(rows))


def omnibus(found: "Compared") -> Table:
    """Return the test of all arms at once."""
    one = found.omnibus
    statistic = "" if one.statistic is None else f"{one.statistic:.2f}"
    row = ("Alexander-Govern", statistic, p_value(one.p))
    return Table("All arms at once, as a description", ("test", "statistic", "p"), (row,))


def pairs(found: "Compared") -> Table:
    """Return every arm against every other."""
    scale = found.scale
    headings = (
        *("arm", "against", "trials", _difference(scale)),
        *(f"{100 * (1 - found.design.alpha):g}% interval", "p (Games-Howell)"),
    )
    rows = tuple(
        (
            *(one.first, one.second, f"{one.n_first} and {one.n_second}", scale.difference(one.difference)),
            *(scale.interval(one.low, one.high, signed=True), p_value(one.p)),
        )
        for one in found.pairs
    )
    return Table("All pairs of arms; intervals and p hold for all of them together", headings, rows, names=2)


def power(summary: "StudySummary") -> Table:
    """Return what could have been found, and how far the spread over seeds is that of drawing test examples."""
    scale = summary.scale
    detectable = {one.arm: one.detectable for one in summary.comparisons}
    unit = ", pp" if scale.unit else ""
    headings = ["arm", "trials", f"sd over seeds{unit}", f"smallest detectable difference{unit}"]
    sampled = summary.study.metric == "test_accuracy"
    if sampled:
        headings.append("sd of drawing the test set, pp")
    rows = []
    for arm in summary.arms:
        smallest = detectable.get(arm.name)
        shown = "over 100" if scale.percent and (smallest or 0.0) > 1 else scale.value(smallest)
        row = [arm.name, arm.count, scale.value(arm.metrics[scale.metric].sd), shown]
        rows.append(tuple(row + ([scale.value(arm.sampling_sd)] if sampled else [])))
    return Table("Power at 80%, first step of Holm's procedure", tuple(headings), tuple(rows))


def trials(summary: "StudySummary") -> Table:
    """Return every trial with its time, each arm's mean and median rows, and those over all trials."""
    scales = {metric: summary.scales[metric] for metric in summary.metrics}
    headings = ("arm", "seed", "trial", *(scale.heading for scale in scales.values()), "time")
    rows: list[tuple[str, ...]] = []
    for arm in summary.arms:
        rows += [_trial(row, scales) for row in arm.trials]
        rows += _averages(arm.name, arm.metrics, arm.seconds, scales)
    rows += _averages("all", summary.overall, summary.overall_seconds, scales)
    return Table("Trials", headings, tuple(rows), names=3)


def _descriptions(found: "Iterable[tuple[str, str, Description]]", scale: Scale, alpha: float) -> Table:
    """Return a table of arms, given name, number of trials and description of each."""
    level = f"{100 * (1 - alpha):g}% interval of the mean"
    headings = ("arm", "trials", "mean", "sd", "median", "min", "max", level)
    rows = []
    for name, count, one in found:
        numbers = (one.mean, one.sd, one.median, one.minimum, one.maximum)
        rows.append((name, count, *(scale.value(number) for number in numbers), scale.interval(one.low, one.high)))
    return Table(capital(scale.heading), headings, tuple(rows))


def _difference(scale: Scale) -> str:
    return "difference, pp" if scale.unit else "difference"


def capital(text: str) -> str:
    """Return `text` with its first letter in upper case and the others as they are."""
    return text[:1].upper() + text[1:]


def _spread(found: "Description", scale: Scale) -> str:
    return scale.value(found.mean) if found.sd is None else f"{scale.value(found.mean)} ± {scale.value(found.sd)}"


def _trial(row: "TrialRow", scales: Mapping[str, Scale]) -> tuple[str, ...]:
    values = [scale.value(row.metrics.get(metric)) for metric, scale in scales.items()]
    name = row.key[:12] if row.state == "done" else f"{row.state}: {row.reason}"
    return (row.arm, str(row.seed), name, *values, duration(row.seconds))


def _averages(
    name: str, metrics: "Mapping[str, Description]", seconds: "Description", scales: Mapping[str, Scale]
) -> list[tuple[str, ...]]:
    mean = [scale.value(metrics[metric].mean) for metric, scale in scales.items()]
    median = [scale.value(metrics[metric].median) for metric, scale in scales.items()]
    return [
        (name, "mean", "", *mean, duration(seconds.mean)),
        (name, "median", "", *median, duration(seconds.median)),
    ]
