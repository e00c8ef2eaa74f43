"""The executor that a study asks for, with its workers started."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field

from search.executors import LocalExecutor, WorkerDiedError
from search.plan import Plan
from search.progress import EpochDone
from search.trial import TrialTask, describe_model, seen_shape, start_worker
from studies.errors import InputError
from studies.spec import ExecutorSpec
from tracking.manifest import ModelCard


@dataclass
class Workers:
    """An executor, how many trials it runs at once, and where its workers' progress goes."""

    executor: Executor
    lanes: int
    listeners: list[Callable[[EpochDone], None]] = field(default_factory=list)

    def describe(self, plan: Plan) -> dict[str, ModelCard]:
        """Return the model of each arm, built in the workers.

        Raises:
            InputError: an arm's setting is not one that the model accepts.
        """
        study, shape = plan.spec.study, seen_shape(plan.data, plan.spec.study.training)
        arguments = shape, len(plan.data.class_names)
        futures = {
            arm: self.executor.submit(describe_model, study.model, arm, study.setting(arm), *arguments)
            for arm in study.arms
        }
        try:
            return {arm: future.result() for arm, future in futures.items()}
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
        yield Workers(executor, count, listeners)
    finally:
        executor.shutdown(cancel_futures=True)


def _program(*arguments: object) -> object:
    """Return what a worker could use again from an earlier task."""
    return arguments[0].program if arguments and isinstance(arguments[0], TrialTask) else None
