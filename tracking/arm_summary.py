"""What the records of one arm say, as plain numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from studies.spec import Setting
from tracking.analysis import ArmReplicates, Replicate
from tracking.manifest import StudyManifest
from tracking.power import sampling_sd
from tracking.record import METRICS, Failure, StoredTrial
from tracking.stats import Description, constant, describe
from tracking.trials import TrialRow, trial_row

SEED_UNREACHED = "every metric is the same for every seed: the seed is not reaching the training"
SAME_SCORE = "the primary metric is the same for every seed, though others differ: check how it is measured"


@dataclass(frozen=True)
class ArmSummary:
    """One arm: its trials by ascending seed, and what they have in common."""

    name: str
    setting: Setting
    params: int | None
    """Trainable parameters; None if the model was not described."""
    trials: tuple[TrialRow, ...]
    metrics: Mapping[str, Description]
    """By metric, over the finished trials; a metric that none of them holds has n = 0."""
    seconds: Description = field(compare=False)
    histories: Mapping[str, NDArray[np.float64]] = field(compare=False)
    """Metric to (finished trials, epochs)."""
    sampling_sd: float | None
    """The sd of the test accuracy that drawing the test examples alone gives; None where it was not measured."""
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

    def replicates(self, metric: str) -> ArmReplicates:
        """Return the trials in one metric."""
        trials = tuple(Replicate(row.seed, row.metrics.get(metric), row.state, row.reason) for row in self.trials)
        return ArmReplicates(self.name, trials, self.flags)

    def until(self, replicates: int) -> "ArmSummary":
        """Return the arm as if it had been planned with so many replicates; what has been trained stays."""
        rows = self.trials[:replicates] + tuple(row for row in self.trials[replicates:] if row.state != "pending")
        return replace(self, trials=rows)


def summarize_arm(
    name: str,
    manifest: StudyManifest,
    stored: Mapping[str, StoredTrial | None],
    failures: Mapping[str, Failure],
    confidence: float,
) -> ArmSummary:
    """Return what became of the trials that `manifest` plans for the arm `name`, given what is stored, by key."""
    planned = sorted((trial for trial in manifest.trials if trial.arm == name), key=lambda trial: trial.seed)
    rows = tuple(trial_row(trial, stored, failures.get(trial.key)) for trial in planned)
    done = [kept for row in rows if (kept := stored.get(row.key)) is not None]
    metrics = descriptions(rows, confidence)
    accuracy = metrics["test_accuracy"].mean
    card = manifest.models.get(name)
    return ArmSummary(
        name=name,
        setting=manifest.spec.study.setting(name),
        params=card.params if card else None,
        trials=rows,
        metrics=metrics,
        seconds=durations(rows),
        histories=_histories(done),
        sampling_sd=None if accuracy is None else sampling_sd(1 - accuracy, manifest.n_test),
        flags=_arm_flags(rows, manifest.spec.study.metric),
    )


def descriptions(rows: Sequence[TrialRow], confidence: float) -> dict[str, Description]:
    """Return metric to description, over those of `rows` that hold the metric."""
    return {
        metric: describe([row.metrics[metric] for row in rows if metric in row.metrics], confidence)
        for metric in METRICS
    }


def durations(rows: Sequence[TrialRow]) -> Description:
    """Return the description of the seconds that the finished trials among `rows` took."""
    return describe([row.seconds for row in rows if row.seconds is not None])


def _histories(done: Sequence[StoredTrial]) -> dict[str, NDArray[np.float64]]:
    """Stack the curves of one arm; a metric that a trial lacks is left out."""
    names = [name for name in METRICS if done and all(name in trial.history for trial in done)]
    epochs = min((len(trial.history[name]) for trial in done for name in names), default=0)
    return {name: np.stack([trial.history[name][:epochs] for trial in done]) for name in names}


def _arm_flags(rows: Sequence[TrialRow], primary: str) -> tuple[str, ...]:
    done = [row.metrics for row in rows if row.state == "done"]
    if len(done) < 2:
        return ()
    same = {metric: constant(np.array([one[metric] for one in done])) for metric in done[0]}
    if all(same.values()):
        return (SEED_UNREACHED,)
    return (SAME_SCORE,) if same.get(primary) else ()
