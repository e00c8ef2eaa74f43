"""Which trained model of an arm is kept: that of its best replicate, in whose choice the test set has no say.

A model that is chosen by its test score has a test score that is too good, and no data are left to say by how much. So
the best replicate is the one with the best score on the validation part. Where nothing is held out there is nothing to
choose by: the training score tells who has overfitted most as much as who has learned most, and the replicate in the
middle of the test scores is chosen by the test set too. Replicates differ in nothing but their seed, so the first of
them is as good a guess as any, and its test score is an honest one.
"""

from collections.abc import Iterable

from studies.spec import StudySpec
from tracking.manifest import PlannedTrial
from tracking.record import RecordStore, TrialRecord
from tracking.scale import is_accuracy
from tracking.searched import objective_of

Rank = tuple[float, int]
"""Of a replicate in its arm; the least is the best."""


def chosen_by(study: StudySpec) -> str | None:
    """Return the metric by which replicates are chosen; None where nothing is held out."""
    validation = study.data.validation
    return objective_of(study) if validation is not None and validation.fraction is not None else None


def rank(study: StudySpec, record: TrialRecord) -> Rank:
    """Return where a finished trial stands among those of its arm; of equal ones the smaller seed is first."""
    metric = chosen_by(study)
    if metric is None:
        return 0.0, record.seed
    value = record.metrics[metric]
    return (-value if is_accuracy(metric) else value), record.seed


def best_of(study: StudySpec, store: RecordStore, trials: Iterable[PlannedTrial]) -> PlannedTrial | None:
    """Return the best of the finished ones among `trials`, of one arm; None if none is finished."""
    ranked = [(rank(study, record), trial) for trial in trials if (record := store.record(trial.key))]
    return min(ranked, key=lambda one: one[0])[1] if ranked else None
