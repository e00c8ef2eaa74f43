"""The study loop: ask, submit, record, tell."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue

from search.agenda import Agenda
from search.display import Display
from search.executors import WorkerDiedError
from search.interruption import Interruption
from search.progress import EpochDone
from search.shelf import ModelShelf
from search.train import checkpoint
from search.train.frozen import FrozenBase
from search.train.result import TrialPrunedError
from search.trial import TrialFailedError, TrialOutcome, TrialTask, run_trial
from tracking.manifest import PlannedTrial
from tracking.record import Failure, RecordStore, StoredTrial, TrialRecord

_ATTEMPTS = 2
"""A trial whose worker was lost is tried once more; one that failed by itself would only fail again."""


@dataclass(frozen=True)
class Outcome:
    """How a drive ended."""

    trained: int
    failed: int
    pruned: int = 0
    """Trials that were ended early, as hopeless."""


@dataclass(frozen=True)
class _Flight:
    """A trial that an executor has been given, and what it was given."""

    trial: PlannedTrial
    task: TrialTask


@dataclass
class Drive:
    """One coordinator's way through an agenda.

    Args:
        study: the name under which records are written.
        engine: what trains, for the records (see `engine_version`).
        agenda: what is trained, and who is told how it ended.
        executor: any `concurrent.futures.Executor`.
        lanes: how many trials it runs at once.
        store: where records go, before anything else happens to a result.
        shelf: which trained models go with them.
        display: what the user sees.
        interruption: looked at between events.
        command_for: the shell command that reproduces a trial.
        on_record: called after each record and each failure.
        on_idle: called once, when the last trials run and a worker has nothing left to do.
        on_wait: called between events, some times a second.
        prune: asks the trial of a future to end early.
        is_base: whether what is trained is a frozen base, whose model is part of its record.
        under_heads: the frozen base that the trials' models stand on, if they do.
        train: what is submitted.
    """

    study: str
    engine: str
    agenda: Agenda
    executor: Executor
    lanes: int
    store: RecordStore
    shelf: ModelShelf
    display: Display
    interruption: Interruption
    command_for: Callable[[PlannedTrial], str]
    on_record: Callable[[], None]
    on_idle: Callable[[], None]
    on_wait: Callable[[], None] = lambda: None
    prune: "Callable[[Future[TrialOutcome]], None]" = lambda _: None
    is_base: bool = False
    under_heads: FrozenBase | None = None
    train: Callable[[TrialTask], TrialOutcome] = run_trial
    _events: "SimpleQueue[EpochDone]" = field(default_factory=SimpleQueue)
    _flying: "dict[Future[TrialOutcome], _Flight]" = field(default_factory=dict)
    _attempts: dict[str, int] = field(default_factory=dict)
    _idle: bool = False
    _announced: bool = False
    _trained: int = 0
    _failed: int = 0
    _pruned: int = 0

    def run(self) -> Outcome:
        """Train what the agenda says, in its order as far as workers allow, and record each trial as it ends."""
        while True:
            if self.interruption.stopping:
                if self._stop_early():
                    break
            else:
                self._start_more()
            if not self._flying:
                break
            self.on_wait()
            # A signal handler runs between waits, so a wait is never long.
            ended = wait(self._flying, timeout=0.25, return_when=FIRST_COMPLETED).done
            self._prune()  # First: a short trial's epochs are reported before it ends, and judged in that order.
            for future in ended:
                self._take(future, self._flying.pop(future))
        return Outcome(self._trained, self._failed, self._pruned)

    def progress(self, event: EpochDone) -> None:
        """Take note of where a running trial is; from any thread."""
        self._events.put(event)

    @property
    def _checkpoints(self) -> Path:
        return self.store.folder.resolve() / checkpoint.FOLDER_NAME

    def _prune(self) -> None:
        """Ask the hopeless among the running trials to end."""
        while not self._events.empty():
            event = self._events.get()
            future = next((future for future, flight in self._flying.items() if flight.trial.key == event.key), None)
            if future is not None and self.agenda.progress(event):
                self.prune(future)

    def _start_more(self) -> None:
        while len(self._flying) < self.agenda.look_ahead * self.lanes and (trial := self.agenda.next()) is not None:
            self._submit(trial)
        if self._flying and len(self._flying) < self.lanes and not self._idle and self.agenda.is_over():
            self._idle = True
            self.on_idle()

    def _submit(self, trial: PlannedTrial) -> None:
        self._attempts[trial.key] = self._attempts.get(trial.key, 0) + 1
        self.display.submit(trial)
        task = replace(self.agenda.task(trial), serve_model=self.shelf.wants(trial), checkpoints=self._checkpoints)
        if task.serve_model:  # A base is tens of MB: it travels with no other trial.
            task = replace(task, under_head=self.under_heads)
        self._flying[self.executor.submit(self.train, task)] = _Flight(trial, task)

    def _take(self, future: "Future[TrialOutcome]", flight: "_Flight") -> None:
        """Record how a trial ended."""
        error, trial = future.exception(), flight.trial
        if error is None:
            try:
                self._record(flight, future.result())
            except OSError as problem:
                self._fail(trial, f"its record cannot be written: {problem}")
        elif isinstance(error, WorkerDiedError):
            if self._attempts[trial.key] < _ATTEMPTS and not self.interruption.stopping:
                self.display.retry(trial.key, str(error))
                self._submit(trial)
            else:
                self._fail(trial, str(error))
        elif isinstance(error, TrialFailedError):
            checkpoint.discard(self._checkpoints, trial.key)
            self._fail(trial, error.reason, error.details)
        elif isinstance(error, TrialPrunedError):
            checkpoint.discard(self._checkpoints, trial.key)
            self._pruned += 1
            self.display.prune(trial.key, str(error))
        else:
            raise error

    def _record(self, flight: "_Flight", outcome: TrialOutcome) -> None:
        trial, task, result = flight.trial, flight.task, outcome.result
        record = TrialRecord(
            key=trial.key,
            study=self.study,
            arm=trial.arm,
            setting=trial.setting,
            seed=trial.seed,
            fold=trial.fold,
            model=task.model,
            dataset=task.data.name,
            data_digest=task.data.digest,
            data=task.data_spec,
            training=task.training,
            engine=self.engine,
            metrics=result.metrics,
            cost=result.cost,
            started=result.started,
            environment=outcome.environment,
            command=self.command_for(trial),
        )
        if outcome.unsaved:
            self.display.say(f"The model of {trial.arm} seed {trial.seed} cannot be saved: {outcome.unsaved}")
        saved = self.shelf.accepted(trial, record, outcome.served)
        record = record.model_copy(update={"saved_model": saved})
        base = result.model if self.is_base else None
        served = outcome.served.content if saved and outcome.served else None
        self.store.write(StoredTrial(record, result.history, result.predicted, result.correct, base), served)
        checkpoint.discard(self._checkpoints, trial.key)
        self.shelf.settle(trial, record)
        self._trained += 1
        self.agenda.recorded(trial, record)
        self.display.finish(trial.key, record.metrics, record.cost.seconds)
        self.on_record()

    def _fail(self, trial: PlannedTrial, reason: str, details: str = "") -> None:
        with suppress(OSError):  # A disk that took no record may not take this note either; the trial is trained again.
            self.store.write_failure(
                Failure(
                    key=trial.key,
                    arm=trial.arm,
                    seed=trial.seed,
                    reason=reason,
                    attempts=self._attempts[trial.key],
                    details=details,
                )
            )
        self._failed += 1
        self.agenda.failed(trial, reason)
        self.display.fail(trial.key, reason)
        self.on_record()

    def _stop_early(self) -> bool:
        """Drop what has not started; return whether there is nothing left to wait for."""
        for future in [future for future in self._flying if future.cancel()]:
            self.agenda.failed(self._flying.pop(future).trial, "interrupted before it started")
        if self.interruption.abandoning:
            self.executor.shutdown(wait=False, cancel_futures=True)
            for future, flight in self._flying.items():
                # One that ended in this very moment is still worth its record.
                if future.done() and future.exception() is None:
                    self._record(flight, future.result())
                else:
                    self.agenda.failed(flight.trial, "abandoned by an interruption")
            self._flying.clear()
            return True
        self.display.note = (
            f"Interrupted: finishing {len(self._flying)} running trials, starting no more. {self.interruption.leave}"
        )
        if not self._announced:
            self._announced = True
            if not self.display.console.is_terminal:
                self.display.say(self.display.note)
        return not self._flying
