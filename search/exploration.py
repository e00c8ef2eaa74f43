"""The choosing phase of a search as an agenda: Optuna proposes a setting, its trials are trained, Optuna is told."""

from collections import deque
from collections.abc import Callable
from statistics import fmean

from search.candidate import Candidate, cells, identity, nested
from search.closing_time import ClosingTime
from search.data.prepared import PreparedData
from search.grid import most_settings
from search.models import source_digest
from search.plan import Recipe, engine_version, make_task, trial_key
from search.progress import EpochDone
from search.proposer import ORDERLY, Proposer
from search.recorded import find_recorded
from search.space import TRAINING
from search.trial import TrialTask
from studies.arms import merged
from studies.spec import RunSpec, Setting, TrainingSpec
from tracking.manifest import PlannedTrial
from tracking.proposals import Proposal, ProposalLog
from tracking.record import RecordStore, TrialRecord
from tracking.scale import is_accuracy
from tracking.searched import Pruned, objective_of, read_pruned, write_pruned

_REPEATS = 1000
"""Proposals in a row that were all tried before, after which a space counts as exhausted."""


class Exploration:
    """The settings of a search: those that were tried before, and those that Optuna proposes from here on.

    Args:
        spec: a run of kind `search`.
        data: its dataset.
        proposer: Optuna's side.
        store: where records are.
        log: where proposals are.
        is_late: whether the time is up at which no new trial starts.
        closing: by when trials are to end.
    """

    def __init__(
        self,
        spec: RunSpec,
        data: PreparedData,
        proposer: Proposer,
        store: RecordStore,
        log: ProposalLog,
        is_late: Callable[[], bool],
        closing: ClosingTime | None = None,
    ) -> None:
        assert spec.study.search is not None
        self._spec, self._data, self._search = spec, data, spec.study.search
        self._proposer, self._store, self._time_is_up, self._closing = proposer, store, is_late, closing
        self._log = log
        self._objective = objective_of(spec.study)
        self._waiting: deque[PlannedTrial] = deque()
        self._cells, self._engine = cells(spec.study), engine_version(spec.backend)
        self._source = source_digest(spec.study.model)
        self._by_arm: dict[str, Candidate] = {}
        self._by_key: dict[str, Candidate] = {}
        self._best: float | None = None
        self._by_setting: dict[str, Candidate] = {}
        self._count = 0
        self.most = most_settings(self._search, proposer.space)
        """Settings that are tried at most: as many as were asked for, or as the space has."""
        self.on_reuse: Callable[[str, float], None] = lambda _arm, _score: None
        """Told of each trial of a new setting that was recorded before, under another study's name: arm and score."""
        self._exhausted = False
        self.look_ahead = 3 if self._search.sampler in ORDERLY else 1
        self._resume()

    @property
    def settings(self) -> int:
        """Different settings that were proposed."""
        return len(self._by_arm)

    @property
    def is_complete(self) -> bool:
        """Whether the search has all the settings that it was to try, each with its end."""
        return self._is_enough() and not self._waiting and all(one.is_judged for one in self._by_arm.values())

    def scores(self) -> dict[str, list[float]]:
        """Return the scores of the finished trials so far, by setting."""
        return {arm: list(one.scores.values()) for arm, one in self._by_arm.items() if one.scores}

    def next(self) -> PlannedTrial | None:
        """Return the next trial to start, or None."""
        if self._is_late():
            return None
        while not self._waiting and not self._is_enough():
            self._propose()
        return self._waiting.popleft() if self._waiting else None

    def task(self, trial: PlannedTrial) -> TrialTask:
        """Return what a worker needs to train `trial`; it never sees the test set."""
        recipe = self._by_arm[trial.arm].recipe
        return make_task(trial, recipe, self._spec, self._data, scored_on="validation")

    def is_over(self) -> bool:
        """Return whether no trial will follow."""
        return self._is_late() or (not self._waiting and self._is_enough())

    def recorded(self, trial: PlannedTrial, record: TrialRecord) -> None:
        """Learn the score of `trial`."""
        one = self._by_arm[trial.arm]
        if self._closing is not None:
            self._closing.learn(record)
        one.scores[trial.key] = record.metrics[self._objective]
        if self._search.pruner == "wilcoxon" and not one.is_judged:
            step = [other.key for other in one.trials].index(trial.key)
            if self._proposer.report(one.asked[0], one.scores[trial.key], step):
                self._give_up(one, trial.key, len(one.scores), fmean(one.scores.values()))
        self._settle(one)

    def failed(self, trial: PlannedTrial, reason: str) -> None:
        """Learn that `trial` has no score."""
        del reason
        one = self._by_arm[trial.arm]
        one.failed.add(trial.key)
        self._settle(one)

    def progress(self, event: EpochDone) -> bool:
        """Return whether the trial that reports `event` is hopeless."""
        score, one = event.scores.get(self._objective), self._by_key.get(event.key)
        if self._search.pruner not in ("median", "hyperband") or score is None or one is None or one.is_judged:
            return False
        if not self._proposer.report(one.asked[0], score, event.epoch):
            return False
        self._give_up(one, event.key, event.epoch, score)
        self._settle(one)
        return True

    def _is_late(self) -> bool:
        # One that is handed out may wait for those that were before.
        return self._time_is_up() or not (self._closing is None or self._closing.has_time(self.look_ahead))

    def _is_enough(self) -> bool:
        if self._exhausted or self.settings >= self.most:
            return True
        target = self._search.target
        return target is not None and self._best is not None and self._better(self._best, target) == self._best

    def _better(self, one: float, other: float) -> float:
        return max(one, other) if is_accuracy(self._objective) else min(one, other)

    def _propose(self) -> None:
        """Ask Optuna until it names a setting that is new."""
        for _ in range(_REPEATS):
            answer = self._proposer.propose(self._count)
            if answer is None:
                break
            number, values = answer
            setting, training = self._divided(values)
            known = self._by_setting.get(identity(setting, training))
            arm = known.proposal.arm if known else f"setting-{self.settings + 1:04d}"
            proposal = Proposal(
                number=self._count,
                optuna=number,
                arm=arm,
                values=values,
                setting=setting,
                training=training,
                keys=known.proposal.keys if known else self._keys(setting, training),
                repeated=known is not None,
            )
            self._log.add(proposal)
            self._proposer.name(number, arm)
            self._count += 1
            if known is None:
                self._start(self._candidate(proposal))
                return
            known.asked.append(number)
            self._settle(known)
        self._exhausted = True

    def _divided(self, values: Setting) -> tuple[Setting, Setting]:
        """Return the hyperparameters of the model, the fixed ones included, and what `values` change in training."""
        training = {name.removeprefix(TRAINING): value for name, value in values.items() if name.startswith(TRAINING)}
        model = {name: value for name, value in values.items() if not name.startswith(TRAINING)}
        return {**self._spec.study.fixed, **model}, training

    def _recipe(self, setting: Setting, training: Setting) -> Recipe:
        study = self._spec.study
        both = merged(study.training.model_dump(exclude_unset=True), nested(training))
        return Recipe(study.model, self._source, setting, TrainingSpec.model_validate(both))

    def _keys(self, setting: Setting, training: Setting) -> tuple[str, ...]:
        recipe, data = self._recipe(setting, training), self._spec.study.data
        return tuple(
            trial_key(recipe, seed, data, self._data.digest, self._engine, fold, "validation")
            for seed, fold in self._cells
        )

    def _candidate(self, proposal: Proposal) -> Candidate:
        recipe = self._recipe(proposal.setting, proposal.training)
        cells = zip(proposal.keys, self._cells, strict=True)
        trials = tuple(
            PlannedTrial(key=key, arm=proposal.arm, setting=proposal.setting, seed=seed, fold=fold)
            for key, (seed, fold) in cells
        )
        one = Candidate(proposal, recipe, trials, [proposal.optuna])
        self._by_arm[proposal.arm] = one
        self._by_key.update(dict.fromkeys(proposal.keys, one))
        self._by_setting[identity(proposal.setting, proposal.training)] = one
        return one

    def _start(self, one: Candidate) -> None:
        """Put the trials of `one` that have no record in line."""
        recorded = find_recorded(one.trials, self._store, self._store.folder.parent)
        for trial in recorded.damaged:
            self._store.set_aside(trial.key)
        for trial, other in recorded.elsewhere:
            self._store.adopt(trial.key, other)
        missing = {trial.key for trial in recorded.missing}
        for trial in one.trials:
            if trial.key not in missing:
                one.scores[trial.key] = self._store.read(trial.key).record.metrics[self._objective]
                self.on_reuse(trial.arm, one.scores[trial.key])
        self._waiting.extend(recorded.missing)
        self._settle(one)

    def _settle(self, one: Candidate) -> None:
        """Tell Optuna about `one`, if it is judged: all its trials, the repetitions included."""
        if not one.is_judged:
            return
        if one.score is not None:
            self._best = one.score if self._best is None else self._better(self._best, one.score)
        for number in one.asked:
            if one.pruned:
                self._proposer.tell_pruned(number)
            elif one.score is None:
                self._proposer.tell_failed(number)
            else:
                self._proposer.tell(number, one.score)
        one.asked.clear()

    def _give_up(self, one: Candidate, key: str, step: int, score: float) -> None:
        one.pruned = True
        keys = {trial.key for trial in one.trials}
        self._waiting = deque(trial for trial in self._waiting if trial.key not in keys)
        reason = f"hopeless by Optuna's {self._search.pruner} pruner"
        write_pruned(
            self._store.folder,
            Pruned(arm=one.proposal.arm, key=key, step=step, score=score, reason=reason),
        )

    def _resume(self) -> None:
        """Go on from the proposals and records on disk; Optuna is made to know what they say."""
        pruned = read_pruned(self._store.folder)
        proposals = self._log.read()
        for proposal in proposals:
            if not proposal.repeated:
                one = self._candidate(proposal)
                one.asked.clear()
                one.pruned = not pruned.isdisjoint(proposal.keys)
                if not one.pruned:
                    self._start(one)
        numbers = [self._restore(proposal) for proposal in proposals]
        self._count = proposals[-1].number + 1 if proposals else 0
        self._proposer.forget_others(numbers)

    def _restore(self, proposal: Proposal) -> int:
        one = self._by_arm[proposal.arm]
        state = "pruned" if one.pruned else "complete" if one.score is not None else "running"
        number = self._proposer.restore(proposal.optuna, proposal.values, one.score, state)
        if state == "running":
            one.asked.append(number)
        return number
