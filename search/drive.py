"""The study loop: ask, submit, record, tell."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field

from search.display import Display
from search.executors import WorkerDiedError
from search.interruption import Interruption
from search.plan import Plan
from search.sampler import CellQueue
from search.trial import TrialFailedError, TrialOutcome, TrialTask, run_trial
from tracking.manifest import PlannedTrial
from tracking.record import Failure, RecordStore, StoredTrial, TrialRecord

_ATTEMPTS = 2
"""A trial whose worker was lost is tried once more; one that failed by itself would only fail again."""
_LOOK_AHEAD = 3
"""Trials in flight per worker: some choice for a worker that prefers what it has traced, little to undo on a stop."""


@dataclass(frozen=True)
class Outcome:
    """How a drive ended."""

    trained: int
    failed: int
    left: int
    """Cells that were not reached because the study was interrupted."""


@dataclass
class Drive:
    """One coordinator's way through the cells of a plan that have no record yet.

    Args:
        plan: what is trained.
        executor: any `concurrent.futures.Executor`.
        lanes: how many trials it runs at once.
        store: where records go, before anything else happens to a result.
        queue: Optuna's side of the study.
        display: what the user sees.
        interruption: looked at between events.
        command_for: the shell command that reproduces a trial.
        on_record: called after each record and each failure.
        on_idle: called once, when the last trials run and a worker has nothing left to do.
        train: what is submitted.
    """

    plan: Plan
    executor: Executor
    lanes: int
    store: RecordStore
    queue: CellQueue
    display: Display
    interruption: Interruption
    command_for: Callable[[PlannedTrial], str]
    on_record: Callable[[], None]
    on_idle: Callable[[], None]
    train: Callable[[TrialTask], TrialOutcome] = run_trial
    _flying: "dict[Future[TrialOutcome], PlannedTrial]" = field(default_factory=dict)
    _attempts: dict[str, int] = field(default_factory=dict)
    _idle: bool = False
    _announced: bool = False
    _trained: int = 0
    _failed: int = 0

    def run(self, missing: Sequence[PlannedTrial]) -> Outcome:
        """Train `missing`, in this order as far as workers allow, and record each trial as it ends."""
        waiting = deque(missing)
        while waiting or self._flying:
            if self.interruption.stopping and self._stop_early(waiting):
                break
            while waiting and len(self._flying) < _LOOK_AHEAD * self.lanes:
                trial = waiting.popleft()
                self.queue.ask(trial)
                self._submit(trial)
            if not waiting and self._flying and len(self._flying) < self.lanes and not self._idle:
                self._idle = True
                self.on_idle()
            # A signal handler runs between waits, so a wait is never long.
            for future in wait(self._flying, timeout=0.25, return_when=FIRST_COMPLETED).done:
                self._take(future, self._flying.pop(future))
        return Outcome(self._trained, self._failed, len(missing) - self._trained - self._failed)

    def _submit(self, trial: PlannedTrial) -> None:
        self._attempts[trial.key] = self._attempts.get(trial.key, 0) + 1
        self.display.submit(trial)
        self._flying[self.executor.submit(self.train, self.plan.task(trial))] = trial

    def _take(self, future: "Future[TrialOutcome]", trial: PlannedTrial) -> None:
        """Record how a trial ended."""
        error = future.exception()
        if error is None:
            try:
                self._record(trial, future.result())
            except OSError as problem:
                self._fail(trial, f"its record cannot be written: {problem}")
        elif isinstance(error, WorkerDiedError):
            if self._attempts[trial.key] < _ATTEMPTS and not self.interruption.stopping:
                self.display.retry(trial.key, str(error))
                self._submit(trial)
            else:
                self._fail(trial, str(error))
        elif isinstance(error, TrialFailedError):
            self._fail(trial, error.reason, error.details)
        else:
            raise error

    def _record(self, trial: PlannedTrial, outcome: TrialOutcome) -> None:
        result, study = outcome.result, self.plan.spec.study
        record = TrialRecord(
            key=trial.key,
            study=study.name,
            arm=trial.arm,
            setting=trial.setting,
            seed=trial.seed,
            model=study.model,
            dataset=self.plan.data.name,
            data_digest=self.plan.data.digest,
            training=study.training,
            engine=self.plan.engine,
            metrics=result.metrics,
            cost=result.cost,
            started=result.started,
            environment=outcome.environment,
            command=self.command_for(trial),
        )
        self.store.write(StoredTrial(record, result.history, result.predicted, result.correct))
        self._trained += 1
        self.queue.tell(record)
        self.display.finish(trial.key, record.metrics[study.metric], record.cost.seconds)
        self.on_record()

    def _fail(self, trial: PlannedTrial, reason: str, details: str = "") -> None:
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
        self.queue.tell_failed(trial.key, reason)
        self.display.fail(trial.key, reason)
        self.on_record()

    def _stop_early(self, waiting: deque[PlannedTrial]) -> bool:
        """Drop what has not started; return whether there is nothing left to wait for."""
        waiting.clear()
        for future in [future for future in self._flying if future.cancel()]:
            self.queue.tell_failed(self._flying.pop(future).key, "interrupted before it started")
        if self.interruption.abandoning:
            self.executor.shutdown(wait=False, cancel_futures=True)
            for future, trial in self._flying.items():
                # One that ended in this very moment is still worth its record.
                if future.done() and future.exception() is None:
                    self._record(trial, future.result())
                else:
                    self.queue.tell_failed(trial.key, "abandoned by an interruption")
            self._flying.clear()
            return True
        self.display.note = (
            f"Interrupted: finishing {len(self._flying)} running trials, starting no more. Ctrl-C again abandons them."
        )
        if not self._announced:
            self._announced = True
            if not self.display.console.is_terminal:
                self.display.say(self.display.note)
        return not self._flying
