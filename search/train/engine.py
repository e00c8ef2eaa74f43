"""The engine trains a list of trials that share a setting and yields what each one left."""

import resource
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import numpy as np

from search.train.batches import Split
from search.train.program import Evaluation, Program
from search.train.result import TrialResult
from studies.spec import TrainingSpec
from tracking.record import METRICS, Cost

OnEpoch = Callable[[int], None]
"""Called with the epochs that the running trial has done."""


class NotFiniteError(ArithmeticError):
    """A loss that became NaN or infinite."""


def train(
    program: Program,
    training: TrainingSpec,
    train: Split,
    test: Split,
    seeds: Sequence[int],
    on_epoch: OnEpoch,
) -> Iterator[TrialResult]:
    """Yield the result of each seed as soon as it is trained.

    Raises:
        NotFiniteError: a loss is no longer a number; trials already yielded are not touched by it.
    """
    for seed in seeds:
        yield _train_one(program, training, train, test, seed, on_epoch)


def _train_one(
    program: Program, training: TrainingSpec, train: Split, test: Split, seed: int, on_epoch: OnEpoch
) -> TrialResult:
    started, clock = datetime.now(UTC), time.perf_counter()
    program.reset(seed)
    history: dict[str, list[float]] = {name: [] for name in METRICS}
    training_seconds = 0.0
    for epoch in range(training.epochs):
        epoch_clock = time.perf_counter()
        accuracy, loss = program.train_epoch(seed, epoch)
        training_seconds += time.perf_counter() - epoch_clock
        last = program.evaluate(test)
        values = dict(zip(METRICS, (accuracy, loss, last.accuracy, last.loss), strict=True))
        _check_finite(values, epoch + 1)
        for name, value in values.items():
            history[name].append(value)
        on_epoch(epoch + 1)
    return TrialResult(
        seed=seed,
        metrics=_final_metrics(program.evaluate(train), last),
        history={name: np.array(values) for name, values in history.items()},
        predicted=last.predicted,
        correct=last.predicted == test.labels.numpy(),
        cost=Cost(
            seconds=time.perf_counter() - clock,
            images_per_second=train.size * training.epochs / training_seconds,
            peak_memory_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        ),
        started=started,
    )


def _final_metrics(train: Evaluation, test: Evaluation) -> dict[str, float]:
    return dict(zip(METRICS, (train.accuracy, train.loss, test.accuracy, test.loss), strict=True))


def _check_finite(values: dict[str, float], epoch: int) -> None:
    for name, value in values.items():
        if not np.isfinite(value):
            raise NotFiniteError(f"{name} became {value} in epoch {epoch}")
