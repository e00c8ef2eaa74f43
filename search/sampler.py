"""Optuna's part: it knows each cell of an ablation and what became of it.

An ablation enqueues explicit cells. Optuna's GridSampler would count a failed cell as done, and repeat or skip cells
when a study is continued; a cell here is waiting, running or told, and each Optuna trial names the key of its record.
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

_KEY, _RECORD, _METRICS, _REASON = "key", "record", "metrics", "reason"


class CellQueue:
    """The cells of one ablation in an Optuna study, asked and told one by one."""

    def __init__(self, spec: StudySpec, storage: str) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        arms = list(spec.arms)
        # A choice list of an existing Optuna study cannot change, so other arms or another metric are another one.
        design = hashlib.sha256(json.dumps([arms, spec.metric]).encode()).hexdigest()[:8]
        self._study = optuna.create_study(
            study_name=f"{spec.name}-{design}",
            storage=open_storage(storage),
            direction="minimize" if spec.metric.endswith("loss") else "maximize",
            pruner=optuna.pruners.NopPruner(),
            load_if_exists=True,
        )
        self._metric = spec.metric
        self._space: dict[str, BaseDistribution] = {
            "arm": CategoricalDistribution(arms),
            "seed": IntDistribution(0, 2**31 - 1),
        }
        self._asked: dict[str, optuna.trial.Trial] = {}

    def synchronise(self, finished: Iterable[TrialRecord]) -> None:
        """Make Optuna's study what the records on disk say: they are the truth, whatever died when.

        Args:
            finished: records of the plan, which Optuna may not have been told yet.
        """
        trials = self._study.get_trials(deepcopy=False)
        for _ in (trial for trial in trials if trial.state == TrialState.WAITING):
            self._study.ask()  # A waiting trial cannot be told anything; a running one can.
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
        """Make `cell` a running trial.

        Cells are enqueued one at a time: Optuna reads all that wait whenever it is asked.
        """
        self._study.enqueue_trial({"arm": cell.arm, "seed": cell.seed}, user_attrs={_KEY: cell.key})
        self._asked[cell.key] = self._study.ask(fixed_distributions=self._space)

    def tell(self, record: TrialRecord) -> None:
        """Say that a cell that was asked has a record."""
        trial = self._asked.pop(record.key)
        for name, value in _attributes(record).items():
            trial.set_user_attr(name, value)
        self._study.tell(trial, record.metrics[self._metric])

    def tell_failed(self, key: str, reason: str) -> None:
        """Say that a cell that was asked ended without a record."""
        trial = self._asked.pop(key)
        trial.set_user_attr(_REASON, reason)
        self._study.tell(trial, state=TrialState.FAIL)

    def _told(self, record: TrialRecord) -> FrozenTrial:
        return optuna.trial.create_trial(
            params={"arm": record.arm, "seed": record.seed},
            distributions=self._space,
            user_attrs={_KEY: record.key, **_attributes(record)},
            value=record.metrics[self._metric],
        )


def _attributes(record: TrialRecord) -> dict[str, object]:
    return {_RECORD: f"{record.study}/trials/{record.key}/record.json", _METRICS: record.metrics}
