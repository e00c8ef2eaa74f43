"""The planned trials of a study, and what became of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tracking.manifest import PlannedTrial
from tracking.record import METRICS, DamagedRecordError, Environment, Failure, RecordStore, StoredTrial

PENDING = "not trained yet"
DAMAGED = "the record on disk is damaged"


@dataclass(frozen=True)
class TrialRow:
    """One planned trial."""

    arm: str
    seed: int
    key: str
    state: Literal["done", "failed", "damaged", "pending"]
    metrics: Mapping[str, float]
    """Empty unless done."""
    reason: str = ""
    """Why it is not done."""
    seconds: float | None = field(default=None, compare=False)
    command: str = field(default="", compare=False)
    environment: Environment | None = field(default=None, compare=False)


def read_planned(trials: Sequence[PlannedTrial], store: RecordStore) -> dict[str, StoredTrial | None]:
    """Return the planned trials that are on disk, by key; None for a damaged one."""
    found: dict[str, StoredTrial | None] = {}
    for key in sorted({trial.key for trial in trials}):
        try:
            found[key] = store.read(key)
        except KeyError:
            continue
        except DamagedRecordError:
            found[key] = None
    return found


def trial_row(trial: PlannedTrial, stored: Mapping[str, StoredTrial | None], failure: Failure | None) -> TrialRow:
    """Return what became of `trial`, given the stored trials by key and an earlier failure of its key."""
    kept = stored.get(trial.key)
    if kept is not None:
        record = kept.record
        return TrialRow(
            arm=trial.arm,
            seed=trial.seed,
            key=trial.key,
            state="done",
            metrics={metric: record.metrics[metric] for metric in METRICS if metric in record.metrics},
            seconds=record.cost.seconds,
            command=record.command,
            environment=record.environment,
        )
    if trial.key in stored:
        return TrialRow(trial.arm, trial.seed, trial.key, "damaged", {}, DAMAGED)
    if failure is not None:
        return TrialRow(trial.arm, trial.seed, trial.key, "failed", {}, " ".join(failure.reason.split()))
    return TrialRow(trial.arm, trial.seed, trial.key, "pending", {}, PENDING)
