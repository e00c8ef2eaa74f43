"""What a study claims about each treatment, and how that changed with the trials that ended since some moment."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracking.scale import Scale

if TYPE_CHECKING:
    from tracking.comparison import Comparison
    from tracking.manifest import StudyManifest
    from tracking.record import RecordStore
    from tracking.summary import StudySummary

UNTESTED = "untested"


@dataclass(frozen=True)
class Change:
    """A treatment whose verdict is another one than before."""

    before: str
    """A verdict, or that there was no test."""
    now: str
    comparison: "Comparison"
    """The numbers as they are now."""
    scale: Scale
    interim: bool
    """Whether trials are still to come: the p-values do not allow for looking early."""


def changes(
    manifest: "StudyManifest", store: "RecordStore", now: "StudySummary", known: Collection[str]
) -> tuple[Change, ...]:
    """Return the treatments on which `now` says something else than the trials with the keys `known` did alone.

    Both are judged as the study declares it today, so that a margin or a level that was edited since is no change.
    """
    from tracking.summary import summarize

    then = summarize(_only(manifest, known), store)
    before = {one.arm: conclusion(one) for one in then.comparisons}
    interim = any(row.state == "pending" for arm in now.arms for row in arm.trials)
    scale = now.scales[now.study.metric]
    return tuple(
        Change(before.get(one.arm, UNTESTED), conclusion(one), one, scale, interim)
        for one in now.comparisons
        if conclusion(one) != before.get(one.arm, UNTESTED)
    )


def conclusion(one: "Comparison") -> str:
    """Return the verdict, or that there is no test yet, which is less than an inconclusive one."""
    return UNTESTED if one.p_holm is None else one.verdict


def _only(manifest: "StudyManifest", keys: Collection[str]) -> "StudyManifest":
    """Return the study as if nothing but `keys` had been planned."""
    return manifest.model_copy(update={"trials": tuple(trial for trial in manifest.trials if trial.key in keys)})
