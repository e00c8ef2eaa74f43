"""The executor that a study asks for, with its workers started."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from search.executors import LocalExecutor, WorkerDiedError
from search.models.space import Space
from search.plan import Plan, recipe
from search.progress import EpochDone
from search.train.inputs import outputs, seen_shape
from search.trial import TrialTask, declared_by, describe_model, start_worker
from studies.errors import InputError
from studies.spec import ExecutorSpec
from tracking.manifest import ModelCard


@dataclass
class Workers:
    """An executor, how many trials it runs at once, and where its workers' progress goes."""

    executor: Executor
    lanes: int
    prune: Callable[[Future[Any]], None]
    """Asks the trial of a future to end early."""
    listeners: list[Callable[[EpochDone], None]] = field(default_factory=list)

    def describe(self, plan: Plan) -> dict[str, ModelCard]:
        """Return the model of each arm, built in the workers.

        Raises:
            InputError: an arm's setting is not one that the model accepts.
        """
        classes = outputs(plan.data)
        futures = {}
        for arm in plan.spec.study.arms:
            shared = recipe(plan.spec, arm)
            shape = seen_shape(plan.data, shared.training)
            futures[arm] = self.executor.submit(describe_model, shared.model, arm, shared.setting, shape, classes)
        cards = {}
        for arm, future in futures.items():
            try:
                cards[arm] = future.result()
            except WorkerDiedError as error:
                model = plan.spec.study.model_of(arm)
                raise InputError(f"`study.model` {model!r} cannot be built: {error}.") from None
        return cards

    def declared(self, plan: Plan) -> Space:
        """Return the hyperparameters that the model of the study declares, found in a worker.

        Raises:
            InputError: the model cannot be built.
        """
        study = plan.spec.study
        shape = seen_shape(plan.data, study.training)
        future = self.executor.submit(declared_by, study.model, shape, outputs(plan.data))
        try:
            return future.result()
        except WorkerDiedError as error:
            raise InputError(f"`study.model` {study.model!r} cannot be built: {error}.") from None


def lanes(spec: ExecutorSpec, most: int) -> int:
    """Return how many trials `spec` runs at once if there are `most` to run."""
    return max(1, min(spec.workers or len(os.sched_getaffinity(0)), most))


@contextmanager
def open_workers(spec: ExecutorSpec, most: int) -> Iterator[Workers]:
    """Start the executor of `spec`, with no more than `most` workers, and end it afterwards."""
    count = lanes(spec, most)
    listeners: list[Callable[[EpochDone], None]] = []

    def notify(event: EpochDone) -> None:
        for listen in listeners:
            listen(event)

    executor = LocalExecutor(count, spec.trials_per_worker, start_worker, notify, affinity=_program)
    try:
        yield Workers(executor, count, executor.prune, listeners)
    finally:
        executor.shutdown(cancel_futures=True)


def _program(*arguments: object) -> object:
    """Return what a worker could use again from an earlier task."""
    return arguments[0].program if arguments and isinstance(arguments[0], TrialTask) else None
