"""What of a plan is on disk already: a finished key is never trained again, in this study or another."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tracking.manifest import PlannedTrial
from tracking.record import DamagedRecordError, RecordStore, TrialRecord


@dataclass(frozen=True)
class Recorded:
    """A plan, divided."""

    finished: tuple[TrialRecord, ...]
    elsewhere: tuple[tuple[PlannedTrial, RecordStore], ...]
    """Trials that another study under the same runs folder has finished."""
    damaged: tuple[PlannedTrial, ...]
    """Trials whose record is there but not whole."""
    missing: tuple[PlannedTrial, ...]
    """Trials to train, the damaged ones among them, in plan order."""


def find_recorded(trials: Sequence[PlannedTrial], store: RecordStore, runs_dir: Path) -> Recorded:
    """Return which of `trials` are finished, checking each record's files; nothing is changed."""
    finished: list[TrialRecord] = []
    elsewhere: list[tuple[PlannedTrial, RecordStore]] = []
    damaged: list[PlannedTrial] = []
    missing: list[PlannedTrial] = []
    others = [RecordStore(path.parent) for path in sorted(runs_dir.glob("*/trials")) if path.parent != store.folder]
    for trial in trials:
        if (store.trials / trial.key).exists():
            try:
                finished.append(store.read(trial.key).record)
                continue
            except DamagedRecordError:
                damaged.append(trial)
        elif (other := next((other for other in others if _is_whole(other, trial.key)), None)) is not None:
            elsewhere.append((trial, other))
            continue
        missing.append(trial)
    return Recorded(tuple(finished), tuple(elsewhere), tuple(damaged), tuple(missing))


def _is_whole(store: RecordStore, key: str) -> bool:
    if not store.has(key):
        return False
    try:
        store.read(key)
    except DamagedRecordError:
        return False
    return True
