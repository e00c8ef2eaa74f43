"""What the records of a study say: descriptions, comparisons and the conclusion, as plain numbers.

The same records give the same summary, in whatever order and wherever the trials ran. Only the fields that
are left out of comparisons (`compare=False`) hold times and places.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from studies.spec import Setting, StudySpec
from tracking import wording
from tracking.comparison import Comparison, Design, compare
from tracking.manifest import StudyManifest
from tracking.power import sampling_sd
from tracking.record import METRICS, Failure, RecordStore, StoredTrial
from tracking.scale import Scale, is_accuracy, scale
from tracking.stats import Description, constant, describe
from tracking.trials import TrialRow, read_planned, trial_row

SEED_UNREACHED = "every metric is the same for every seed: the seed is not reaching the training"


@dataclass(frozen=True)
class ArmSummary:
    """One arm: its trials by ascending seed, and what they have in common."""

    name: str
    setting: Setting
    params: int | None
    """Trainable parameters; None if the model was not described."""
    trials: tuple[TrialRow, ...]
    metrics: Mapping[str, Description]
    """By metric, over the finished trials."""
    seconds: Description = field(compare=False)
    histories: Mapping[str, NDArray[np.float64]] = field(compare=False)
    """Metric to (finished trials, epochs)."""
    sampling_sd: float | None
    """The sd of the test accuracy that drawing the test examples alone gives."""
    flags: tuple[str, ...] = ()

    @property
    def planned(self) -> int:
        """Trials asked for."""
        return len(self.trials)

    @property
    def done(self) -> int:
        """Trials finished and readable."""
        return sum(row.state == "done" for row in self.trials)

    @property
    def count(self) -> str:
        """`6`, or `5 of 6` where trials are missing."""
        return str(self.done) if self.done == self.planned else f"{self.done} of {self.planned}"


@dataclass(frozen=True)
class StudySummary:
    """What a study found, as far as it has come."""

    study: StudySpec
    design: Design
    arms: tuple[ArmSummary, ...]
    """In the order of the study file."""
    overall: Mapping[str, Description]
    """By metric, over the finished trials of all arms."""
    overall_seconds: Description = field(compare=False)
    comparisons: tuple[Comparison, ...]
    """Each treatment against the control in the primary metric."""
    scales: Mapping[str, Scale]
    """How each metric is shown."""
    facts: tuple[str, ...]
    claims: tuple[str, ...]

    @property
    def conclusion(self) -> str:
        """The facts, then what may be concluded, in one paragraph."""
        return " ".join((*self.facts, *self.claims))

    @property
    def planned(self) -> int:
        """Trials asked for."""
        return sum(arm.planned for arm in self.arms)

    @property
    def done(self) -> int:
        """Trials finished and readable."""
        return sum(arm.done for arm in self.arms)

    @property
    def control(self) -> ArmSummary:
        """The arm that the others are compared with."""
        return next(arm for arm in self.arms if arm.name == self.study.control)


def summarize(manifest: StudyManifest, store: RecordStore) -> StudySummary:
    """Read the records that `manifest` plans and say what they show. A damaged record counts as missing."""
    study = manifest.spec.study
    stored = read_planned(manifest.trials, store)
    failures = {failure.key: failure for failure in store.failures()}
    arms = tuple(_arm(name, manifest, stored, failures) for name in study.arms)
    design = design_of(study)
    samples = {
        arm.name: {row.seed: row.metrics[study.metric] for row in arm.trials if study.metric in row.metrics}
        for arm in arms
    }
    comparisons = compare(samples, design)
    rows = [row for arm in arms for row in arm.trials]
    scales = {metric: _scale(metric, [arm.metrics[metric] for arm in arms]) for metric in METRICS}
    shown = scales[study.metric]
    return StudySummary(
        study=study,
        design=design,
        arms=arms,
        overall=_descriptions(rows, 1 - study.alpha),
        overall_seconds=_seconds(rows),
        comparisons=comparisons,
        scales=scales,
        facts=wording.facts(comparisons, design, shown),
        claims=wording.claims(comparisons, arms, design, shown),
    )


def design_of(study: StudySpec) -> Design:
    """Return how `study` declares its comparisons."""
    return Design(
        control=study.control,
        greater_is_better=is_accuracy(study.metric),
        paired=study.paired,
        alpha=study.alpha,
        margin=study.margin,
    )


def _arm(
    name: str,
    manifest: StudyManifest,
    stored: Mapping[str, StoredTrial | None],
    failures: Mapping[str, Failure],
) -> ArmSummary:
    planned = sorted((trial for trial in manifest.trials if trial.arm == name), key=lambda trial: trial.seed)
    rows = tuple(trial_row(trial, stored, failures.get(trial.key)) for trial in planned)
    done = [kept for row in rows if (kept := stored.get(row.key)) is not None]
    metrics = _descriptions(rows, 1 - manifest.spec.study.alpha)
    accuracy = metrics["test_accuracy"].mean
    card = manifest.models.get(name)
    return ArmSummary(
        name=name,
        setting=manifest.spec.study.setting(name),
        params=card.params if card else None,
        trials=rows,
        metrics=metrics,
        seconds=_seconds(rows),
        histories=_histories(done),
        sampling_sd=None if accuracy is None else sampling_sd(1 - accuracy, manifest.n_test),
        flags=_arm_flags(rows),
    )


def _descriptions(rows: Sequence[TrialRow], confidence: float) -> dict[str, Description]:
    return {
        metric: describe([row.metrics[metric] for row in rows if metric in row.metrics], confidence)
        for metric in METRICS
    }


def _scale(metric: str, found: Sequence[Description]) -> Scale:
    return scale(metric, [one.sd for one in found], [one.mean for one in found])


def _seconds(rows: Sequence[TrialRow]) -> Description:
    return describe([row.seconds for row in rows if row.seconds is not None])


def _histories(done: Sequence[StoredTrial]) -> dict[str, NDArray[np.float64]]:
    """Stack the curves of one arm; a metric that a trial lacks is left out."""
    names = [name for name in METRICS if done and all(name in trial.history for trial in done)]
    epochs = min((len(trial.history[name]) for trial in done for name in names), default=0)
    return {name: np.stack([trial.history[name][:epochs] for trial in done]) for name in names}


def _arm_flags(rows: Sequence[TrialRow]) -> tuple[str, ...]:
    done = [row.metrics for row in rows if row.state == "done"]
    if len(done) > 1 and all(constant(np.array([one[metric] for one in done])) for metric in done[0]):
        return (SEED_UNREACHED,)
    return ()
