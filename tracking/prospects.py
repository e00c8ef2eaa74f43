"""What the next replicates of a finished study would buy: the difference that it could then find."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tracking.power import detectable_difference, detectable_paired_difference
from tracking.scale import Scale

if TYPE_CHECKING:
    from tracking.comparison import Comparison
    from tracking.manifest import StudyManifest
    from tracking.summary import StudySummary

STEPS = (2, 4)
"""How many replicates more are looked at."""


@dataclass(frozen=True)
class Prospect:
    """One undecided comparison; sizes of differences are in the metric's unit."""

    arm: str
    n_treatment: int
    n_control: int
    """In a paired study, both are the number of pairs."""
    difference: float
    """As measured, treatment minus control."""
    detectable: float
    """Smallest true difference found with 80% power now."""
    with_more: tuple[float, ...]
    """The same with each of `STEPS` replicates more, if the spread stays as it is."""


@dataclass(frozen=True)
class Prospects:
    """The undecided comparisons of a study, and what the first of `STEPS` costs."""

    comparisons: tuple[Prospect, ...]
    scale: Scale
    field: str
    """What of the study says how many there are: `study.replicates`, or that of a search's confirmation."""
    replicates: int
    """Its value that asks for the first step."""
    trials: int
    """What it trains: as many more of every arm."""
    seconds: float
    """What they take one after another, at the mean of the study's trials."""

    def command(self, ran: str) -> str:
        """Return the command that trains the first step, given the one that ran the study."""
        kept = [part for part in shlex.split(ran) if part.partition("=")[0] != self.field]
        return shlex.join([*kept, f"{self.field}={self.replicates}"])


def prospects(summary: "StudySummary", manifest: "StudyManifest") -> Prospects | None:
    """Return what more replicates would buy; None where nothing is undecided or what comes next is planned already.

    A sequential study has declared when it stops: to go on after its last look would undo its error rate.
    """
    study, seconds = summary.study, summary.overall_seconds.mean
    waits = any(row.state == "pending" for arm in summary.arms for row in arm.trials)
    found = [_prospect(one, summary) for one in summary.comparisons if one.verdict == "inconclusive"]
    undecided = tuple(one for one in found if one is not None)
    if waits or not undecided or seconds is None or study.sequential is not None:
        return None
    trials = STEPS[0] * len(summary.arms)
    field = "study.replicates" if manifest.search is None else "study.search.confirm.replicates"
    replicates = study.planned_replicates + STEPS[0]
    return Prospects(undecided, summary.scales[study.metric], field, replicates, trials, trials * seconds)


def _prospect(one: "Comparison", summary: "StudySummary") -> Prospect | None:
    test = one.test
    if one.detectable is None or test.difference is None:
        return None
    more = [_detectable(one, summary, step) for step in STEPS]
    known = tuple(size for size in more if size is not None)
    if len(known) < len(STEPS):
        return None
    return Prospect(one.arm, test.n_treatment, test.n_control, test.difference, one.detectable, known)


def _detectable(one: "Comparison", summary: "StudySummary", more: int) -> float | None:
    """Return the difference that would be found with `more` replicates, at Holm's first step as the report has it."""
    study = summary.study
    level = summary.design.alpha / len(summary.comparisons)
    x, y = (_values(summary, arm) for arm in (one.arm, one.control))
    if study.paired:
        differences = np.array([x[seed] - y[seed] for seed in sorted(x.keys() & y.keys())])
        return detectable_paired_difference(float(differences.std(ddof=1)), len(differences) + more, level)
    sds = tuple(float(np.std(list(sample.values()), ddof=1)) for sample in (x, y))
    return detectable_difference((sds[0], sds[1]), (len(x) + more, len(y) + more), level)


def _values(summary: "StudySummary", arm: str) -> Mapping[int, float]:
    """Return the primary metric of an arm's finished trials by seed."""
    rows = next(found.trials for found in summary.arms if found.name == arm)
    return {row.seed: row.metrics[summary.study.metric] for row in rows if summary.study.metric in row.metrics}
