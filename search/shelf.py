"""The trained models of a study on disk: which trials bring theirs, and which file makes room for a better one.

Under `best` an arm has one model at any moment, that of its best replicate so far; a better one is on disk before the
other goes. What is left in the end does not depend on the order in which trials finish, and a start after a kill finds
at most one file too many.
"""

import hashlib
from collections.abc import Iterable

from search.train.result import ServedModel
from studies.spec import StudySpec
from tracking.kept_model import best_of, chosen_by, rank
from tracking.manifest import PlannedTrial
from tracking.record import RecordStore, TrialRecord
from tracking.saved_model import SavedModel


class ModelShelf:
    """The models of one plan.

    Args:
        study: says which are kept.
        trials: the plan; empty while a search chooses, whose candidates leave no model under `best`.
        store: the study's records.
    """

    def __init__(self, study: StudySpec, trials: Iterable[PlannedTrial], store: RecordStore) -> None:
        self._study = study
        self._store = store
        self._arms: dict[str, list[PlannedTrial]] = {}
        for trial in trials:
            self._arms.setdefault(trial.arm, []).append(trial)
        self._held: dict[str, TrialRecord] = {}
        """The best that has a model, by arm."""
        for arm in self._arms if study.save_models == "best" else ():
            best = best_of(study, store, self._with_model(arm))
            if best is not None and (record := store.record(best.key)) is not None:
                self._held[arm] = record

    def tidy(self) -> None:
        """Remove the models that should have made room when the study was killed."""
        for arm, held in self._held.items():
            for trial in self._with_model(arm):
                if trial.key != held.key:
                    self._drop(trial.key)

    def without_model(self) -> list[PlannedTrial]:
        """Return the finished trials whose model should be here and is not: nobody asked for it when they ran."""
        if self._study.save_models == "all":
            planned = [trial for trials in self._arms.values() for trial in trials]
            return [one for one in planned if self._store.has(one.key) and not self._store.model_file(one.key)]
        if self._study.save_models == "none":
            return []
        best = [best_of(self._study, self._store, trials) for trials in self._arms.values()]
        return [one for one in best if one is not None and not self._store.model_file(one.key)]

    def wants(self, trial: PlannedTrial) -> bool:
        """Return whether `trial`, which is about to start, is to bring its model."""
        if self._study.save_models != "best" or trial.arm not in self._arms:
            return self._study.save_models == "all"
        held = self._held.get(trial.arm)
        return held is None or chosen_by(self._study) is not None or trial.seed < held.seed

    def accepted(self, trial: PlannedTrial, record: TrialRecord, served: ServedModel | None) -> SavedModel | None:
        """Return what `record` is to say of its model, or None if that is not to be written."""
        if served is None or self._study.save_models == "none" or not self._is_better(trial, record):
            return None
        return SavedModel(
            sha256=hashlib.sha256(served.content).hexdigest(),
            under=self._study.save_models,
            inputs=served.inputs,
            outputs=served.outputs,
            needs=served.needs,
            dataset=served.dataset,
        )

    def settle(self, trial: PlannedTrial, record: TrialRecord) -> None:
        """Now that `record` is on disk with its model, let the one go that it replaces."""
        if record.saved_model is None or self._study.save_models != "best":
            return
        before = self._held.get(trial.arm)
        self._held[trial.arm] = record
        if before is not None:
            self._drop(before.key)

    def _is_better(self, trial: PlannedTrial, record: TrialRecord) -> bool:
        held = self._held.get(trial.arm)
        return held is None or rank(self._study, record) < rank(self._study, held)

    def _with_model(self, arm: str) -> list[PlannedTrial]:
        return [trial for trial in self._arms[arm] if self._store.model_file(trial.key)]

    def _drop(self, key: str) -> None:
        record = self._store.record(key)
        if record is not None and record.saved_model is not None and record.saved_model.under == "best":
            self._store.drop_model(key)
