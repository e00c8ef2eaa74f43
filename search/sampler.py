"""Optuna's part: it knows each cell of an ablation and what became of it.

An ablation trains explicit cells. Optuna's GridSampler would count a failed cell as done, and repeat or skip cells when
a study is continued; a cell here is running or told, and each Optuna trial names the key of its record.

A cell is known before it is asked for, so it goes straight to Optuna's storage, in two transactions a trial.
`enqueue_trial` and `ask` would write it bit by bit and read it back, since they expect a sampler's choice.
"""

import hashlib
import json
from collections.abc import Iterable

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from search.storage import open_storage
from studies.spec import StudySpec
from tracking.manifest import PlannedTrial
from tracking.record import TrialRecord

_KEY, _RECORD, _REASON = "key", "record", "reason"


class CellQueue:
    """The cells of one ablation in an Optuna study, asked and told one by one."""

    def __init__(self, spec: StudySpec, storage: str) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        arms = list(spec.arms)
        # A choice list of an existing Optuna study cannot change, so other arms or another metric are another one.
        design = hashlib.sha256(json.dumps([arms, spec.metric]).encode()).hexdigest()[:8]
        self._storage = open_storage(storage)
        self._study = optuna.create_study(
            study_name=f"{spec.name}-{design}",
            storage=self._storage,
            direction="minimize" if spec.metric.endswith("loss") else "maximize",
            pruner=optuna.pruners.NopPruner(),
            load_if_exists=True,
        )
        self._study_id = self._storage.get_study_id_from_name(self._study.study_name)
        self._name, self._metric = spec.name, spec.metric
        self._space: dict[str, BaseDistribution] = {
            "arm": CategoricalDistribution(arms),
            "seed": IntDistribution(0, 2**31 - 1),
        }
        self._running: dict[str, int] = {}
        """Key to the storage's number of the trial."""

    def synchronise(self, finished: Iterable[TrialRecord]) -> None:
        """Make Optuna's study what the records on disk say: they are the truth, whatever died when.

        Args:
            finished: records of the plan, which Optuna may not have been told yet.
        """
        told = set()
        for trial in self._study.get_trials(deepcopy=False):
            if trial.state == TrialState.RUNNING:
                # A coordinator that is gone left it: only one lives at a time.
                self._study.tell(trial.number, state=TrialState.FAIL)
            elif trial.state == TrialState.COMPLETE:
                told.add(trial.user_attrs.get(_KEY))
        for record in finished:
            if record.key not in told:
                self._study.add_trial(self._told(record))

    def ask(self, cell: PlannedTrial) -> None:
        """Make `cell` a running trial."""
        trial = optuna.trial.create_trial(
            state=TrialState.RUNNING,
            params={"arm": cell.arm, "seed": cell.seed},
            distributions=self._space,
            user_attrs=self._named(cell.key),
        )
        self._running[cell.key] = self._storage.create_new_trial(self._study_id, trial)

    def tell(self, record: TrialRecord) -> None:
        """Say that a cell that was asked has a record."""
        trial = self._running.pop(record.key)
        self._storage.set_trial_state_values(trial, TrialState.COMPLETE, [record.metrics[self._metric]])

    def tell_failed(self, key: str, reason: str) -> None:
        """Say that a cell that was asked ended without a record."""
        trial = self._running.pop(key)
        self._storage.set_trial_user_attr(trial, _REASON, reason)
        self._storage.set_trial_state_values(trial, TrialState.FAIL)

    def _told(self, record: TrialRecord) -> FrozenTrial:
        return optuna.trial.create_trial(
            params={"arm": record.arm, "seed": record.seed},
            distributions=self._space,
            user_attrs=self._named(record.key),
            value=record.metrics[self._metric],
        )

    def _named(self, key: str) -> dict[str, str]:
        """Return what a trial says of its record: its key, and where in the runs folder it is when it is finished."""
        return {_KEY: key, _RECORD: f"{self._name}/trials/{key}/record.json"}
