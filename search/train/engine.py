"""The engine trains a list of trials that share a setting and yields what each one left."""

import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from search.train.checkpoint import Checkpoint, Snapshot
from search.train.parts import Parts
from search.train.program import Evaluation, Program
from search.train.result import NotFiniteError, TrialPrunedError, TrialResult
from search.train.saving import model_bytes
from search.train.stopping import EarlyStopping
from studies.spec import TrainingSpec
from tracking.record import Cost

OnEpoch = Callable[[int, Mapping[str, float]], bool]
"""Called with the epochs that the running trial has done and the metrics of the last of them; returns whether the
trial is to be pruned."""


def train(
    program: Program,
    training: TrainingSpec,
    parts: Parts,
    seeds: Sequence[int],
    on_epoch: OnEpoch,
    keep_model: bool = False,
    checkpoint: Checkpoint | None = None,
) -> Iterator[TrialResult]:
    """Yield the result of each seed as soon as it is trained.

    Args:
        program: of the setting that the trials share.
        training: how long, and when to stop.
        parts: what they train on and are measured on; each is evaluated after every epoch.
        seeds: one for each trial.
        on_epoch: told after each epoch.
        keep_model: whether results bring the trained model along.
        checkpoint: where a single trial goes on from, and leaves its state now and then.

    Raises:
        NotFiniteError: a loss is no longer a number; trials already yielded are not touched by it.
        TrialPrunedError: `on_epoch` said so, before the last epoch; nor are they by this.
    """
    for seed in seeds:
        yield _Trial(program, training, parts, seed, checkpoint).run(on_epoch, keep_model)


@dataclass
class _Trial:
    """One seed being trained."""

    program: Program
    training: TrainingSpec
    parts: Parts
    seed: int
    checkpoint: Checkpoint | None
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=time.perf_counter)
    training_seconds: float = 0.0
    history: dict[str, list[float]] = field(default_factory=dict)
    last: dict[str, Evaluation] = field(default_factory=dict)
    """Each part that is measured, with the weights as they are now."""

    def run(self, on_epoch: OnEpoch, keep_model: bool) -> TrialResult:
        self.program.reset(self.seed)
        asked = self.training.early_stopping
        stopping = None if asked is None else EarlyStopping(asked, self.program.model)
        for epoch in range(self._resume(stopping) + 1, self.training.epochs + 1):
            values = self._epoch(epoch)
            prune = on_epoch(epoch, values)
            if stopping is not None and stopping.is_over(values):
                break
            if prune and epoch < self.training.epochs:
                raise TrialPrunedError(self._curves(), self._cost(), self.started)
            if epoch < self.training.epochs:
                self._save(stopping)
        if stopping is not None and stopping.restore():
            self._measure()
        return self._result(keep_model)

    def _resume(self, stopping: EarlyStopping | None) -> int:
        """Go on from the checkpoint, if there is one; return how many epochs are done."""
        snapshot = self.checkpoint.load(self.program.state) if self.checkpoint else None
        if snapshot is None:
            return 0
        self.program.go_on(snapshot.state)
        self.history = {name: list(values) for name, values in snapshot.history.items()}
        if stopping is not None and snapshot.stopping is not None:
            stopping.go_on(snapshot.stopping)
        self.clock -= snapshot.seconds
        self.training_seconds, self.started = snapshot.training_seconds, snapshot.started
        return snapshot.epochs

    def _save(self, stopping: EarlyStopping | None) -> None:
        if self.checkpoint is None or not self.checkpoint.is_due():
            return
        state = [variable.numpy() for variable in self.program.state]
        remembered = None if stopping is None else stopping.state
        seconds = time.perf_counter() - self.clock
        self.checkpoint.write(Snapshot(self.history, state, remembered, seconds, self.training_seconds, self.started))

    def _epoch(self, epoch: int) -> dict[str, float]:
        clock = time.perf_counter()
        scores = self.program.train_epoch(self.parts.train, self.seed, epoch - 1)
        self.training_seconds += time.perf_counter() - clock
        self._measure()
        values = {**scores.named("train"), **self._measured()}
        _check_finite(values, epoch)
        for name, value in values.items():
            self.history.setdefault(name, []).append(value)
        return values

    def _measure(self) -> None:
        self.last = {name: self.program.evaluate(part) for name, part in self.parts.measured()}

    def _measured(self) -> dict[str, float]:
        return {metric: value for name, last in self.last.items() for metric, value in last.named(name).items()}

    def _result(self, keep_model: bool) -> TrialResult:
        name, part = self.parts.scored
        predicted, truth = self.last[name].predicted, part.own_labels()
        metrics = {**self.program.evaluate(self.parts.train).named("train"), **self._measured()}
        return TrialResult(
            seed=self.seed,
            metrics=metrics,
            history=self._curves(),
            predicted=predicted,
            correct=predicted == truth if truth.dtype.kind == "i" else None,
            cost=self._cost(),
            started=self.started,
            model=model_bytes(self.program.model) if keep_model else None,
        )

    def _curves(self) -> dict[str, np.ndarray]:
        return {name: np.array(values) for name, values in self.history.items()}

    def _cost(self) -> Cost:
        epochs = len(next(iter(self.history.values())))
        return Cost(
            seconds=time.perf_counter() - self.clock,
            images_per_second=self.parts.train.size * epochs / self.training_seconds,
            peak_memory_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        )


def _check_finite(values: Mapping[str, float], epoch: int) -> None:
    for name, value in values.items():
        if not np.isfinite(value):
            raise NotFiniteError(f"{name} became {value} in epoch {epoch}")
