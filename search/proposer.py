"""Optuna's part in a search: it proposes settings, learns their scores, and says which trials are hopeless."""

import importlib.util
import warnings
from collections.abc import Mapping, Sequence
from typing import cast

import optuna
from optuna.trial import TrialState

from search.grid import grid
from search.storage import open_storage
from studies.errors import InputError
from studies.spec import Scalar, SearchSpec
from tracking.importances import distribution
from tracking.proposals import Parameter

_KEY = "arm"
ORDERLY = ("random", "grid", "qmc")
"""Samplers whose proposals do not depend on the scores: the same whatever order trials finish in."""


class Proposer:
    """One search in an Optuna study.

    Args:
        name: of the Optuna study.
        space: what is varied, parents before children.
        spec: sampler, its seed, and pruner.
        greatest: whether a greater score is better.
        storage: URL of Optuna's storage.

    Raises:
        InputError: see `check_proposable`.
    """

    def __init__(
        self, name: str, space: Sequence[Parameter], spec: SearchSpec, *, greatest: bool, storage: str | None
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.space, self._spec = tuple(space), spec
        self._distributions = {one.name: distribution(one) for one in space}
        self._grid = grid(space) if spec.sampler == "grid" else []
        self._study = optuna.create_study(
            study_name=name,
            storage=open_storage(storage) if storage else None,
            direction="maximize" if greatest else "minimize",
            sampler=_sampler(spec, 0),
            pruner=_pruner(spec),
            load_if_exists=True,
        )
        self._running: dict[int, optuna.trial.Trial] = {}

    def propose(self, number: int) -> tuple[int, dict[str, Scalar]] | None:
        """Return Optuna's number and the values of proposal `number` (from 0); None where a grid is at its end.

        Samplers that draw are seeded by (seed, number), so that a search that was interrupted goes on as it would have.
        """
        if self._spec.sampler == "grid":
            if number >= len(self._grid):
                return None
            self._study.enqueue_trial(self._grid[number])
        elif self._spec.sampler != "qmc":  # Its sequence has its place in Optuna's storage.
            self._study.sampler = _sampler(self._spec, number)
        # QMC needs one space for all trials; what a condition rules out is drawn and not used.
        fixed = self._distributions if self._spec.sampler == "qmc" else {}
        trial = self._study.ask(fixed_distributions=fixed)
        values: dict[str, Scalar] = {}
        for one in self.space:
            if one.is_active(values):
                values[one.name] = _suggest(trial, one)
        self._running[trial.number] = trial
        return trial.number, values

    def name(self, number: int, arm: str) -> None:
        """Note the setting's name in Optuna, for who looks at it there."""
        self._trial(number).set_user_attr(_KEY, arm)

    def report(self, number: int, score: float, step: int) -> bool:
        """Report an intermediate score; return whether the pruner calls the trial hopeless."""
        trial = self._trial(number)
        trial.report(score, step)
        return trial.should_prune()

    def tell(self, number: int, score: float) -> None:
        """Say what score the setting has."""
        self._end(number, TrialState.COMPLETE, score)

    def tell_pruned(self, number: int) -> None:
        """Say that the setting was given up, as hopeless."""
        self._end(number, TrialState.PRUNED)

    def tell_failed(self, number: int) -> None:
        """Say that the setting has no score."""
        self._end(number, TrialState.FAIL)

    def restore(self, number: int, values: Mapping[str, Scalar], score: float | None, state: str) -> int:
        """Make Optuna know a proposal of an earlier run; return its number now.

        Args:
            number: of the Optuna trial then.
            values: what was proposed.
            score: its score, if it has one.
            state: "complete", "pruned", "failed" or "running".
        """
        known = {trial.number: trial for trial in self._study.get_trials(deepcopy=False)}
        there = known.get(number)
        if there is not None and there.params == dict(values):
            if there.state == TrialState.RUNNING:
                self._running[number] = optuna.trial.Trial(self._study, there._trial_id)
                if state != "running":
                    self._end(number, _STATES[state], score)
                return number
            if there.state == _STATES[state]:
                return number
        # The storage was lost, or the trial has another end there: it is added anew.
        distributions = {name: self._distributions[name] for name in values}
        if state == "running":
            self._study.enqueue_trial(dict(values))
            trial = self._study.ask(fixed_distributions=distributions)
            self._running[trial.number] = trial
            return trial.number
        added = optuna.trial.create_trial(
            state=_STATES[state], params=dict(values), distributions=distributions, value=score
        )
        self._study.add_trial(added)
        return len(self._study.get_trials(deepcopy=False)) - 1

    def forget_others(self, known: Sequence[int]) -> None:
        """Fail the running trials that are not among `known`: their proposals were lost in a crash."""
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING)):
            if trial.number in known:
                continue
            if trial.state == TrialState.WAITING:
                self._study.ask()  # A waiting trial cannot be told anything; a running one can.
            self._study.tell(trial.number, state=TrialState.FAIL)

    def _trial(self, number: int) -> optuna.trial.Trial:
        return self._running[number]

    def _end(self, number: int, state: TrialState, score: float | None = None) -> None:
        trial = self._running.pop(number)
        self._study.tell(trial, score if state == TrialState.COMPLETE else None, state=state)


def check_proposable(space: Sequence[Parameter], spec: SearchSpec) -> None:
    """Raise unless the sampler can propose from this space; nothing is stored.

    Raises:
        InputError: a grid over a range without a step, or too large a grid; a sampler whose package is missing.
    """
    _sampler(spec, 0)
    if spec.sampler == "grid":
        grid(space)


_STATES = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
    "running": TrialState.RUNNING,
}


def _suggest(trial: optuna.trial.Trial, one: Parameter) -> Scalar:
    """Return the trial's value for `one`."""
    assert one.choices or (one.low is not None and one.high is not None)
    if one.choices:
        return cast(Scalar, trial.suggest_categorical(one.name, one.choices))
    if one.whole:
        step = 1 if one.step is None else int(one.step)
        return trial.suggest_int(one.name, int(one.low or 0), int(one.high or 0), step=step, log=one.log)
    return trial.suggest_float(one.name, float(one.low or 0), float(one.high or 0), step=one.step, log=one.log)


def _sampler(spec: SearchSpec, number: int) -> optuna.samplers.BaseSampler:
    """Return the sampler, seeded for proposal `number`."""
    with warnings.catch_warnings():
        # QMC and TPE's groups, which conditional spaces need, are called experimental since version 3.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return _made(spec, number)


def _made(spec: SearchSpec, number: int) -> optuna.samplers.BaseSampler:
    seed = (spec.seed * 1_000_003 + number) % 2**31
    match spec.sampler:
        case "random" | "grid":
            return optuna.samplers.RandomSampler(seed=seed)
        case "qmc":
            independent = optuna.samplers.RandomSampler(seed=spec.seed)
            return optuna.samplers.QMCSampler(
                scramble=True, seed=spec.seed, independent_sampler=independent, warn_independent_sampling=False
            )
        case "tpe":
            return optuna.samplers.TPESampler(seed=seed, group=True)
        case "cmaes":
            return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
        case "gp":
            if importlib.util.find_spec("torch") is None:
                raise InputError(
                    "`study.search.sampler` gp needs PyTorch, which is not installed: "
                    "pip install 'ablation-search[gp]'. The others need nothing more."
                )
            return optuna.samplers.GPSampler(seed=seed)


def _pruner(spec: SearchSpec) -> optuna.pruners.BasePruner:
    match spec.pruner:
        case "median":
            return optuna.pruners.MedianPruner()
        case "hyperband":
            return optuna.pruners.HyperbandPruner()
        case "wilcoxon":
            return optuna.pruners.WilcoxonPruner()
        case "none":
            return optuna.pruners.NopPruner()
