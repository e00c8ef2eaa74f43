"""The executor that a study asks for, with its workers started."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from search.backends import device_of, start_worker
from search.executors import LocalExecutor, WorkerDiedError
from search.models.space import Space
from search.plan import Plan
from search.progress import EpochDone, Message, Said
from search.space import branches
from search.train.inputs import outputs, seen_shape
from search.trial import TrialTask, declared_by, describe_model
from studies.errors import InputError
from studies.spec import Backend, ExecutorSpec, RunSpec
from tracking.manifest import ModelCard

if TYPE_CHECKING:
    from search.cluster.executor import DaskExecutor
    from search.fusing import FusingExecutor

_T = TypeVar("_T")
_MOST_FUSED = 256
"""Trials that wait for each other at most, unless the study says otherwise; what does not fit the device is halved."""


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

        def ask(arm: str) -> "Future[ModelCard]":
            shared = plan.recipes[arm]
            shape = seen_shape(plan.data, shared.training)
            return self.executor.submit(describe_model, shared.model, arm, shared.setting, shape, classes)

        futures = {arm: ask(arm) for arm in plan.spec.study.arms}
        return {arm: _built(plan.recipes[arm].model, one, partial(ask, arm)) for arm, one in futures.items()}

    def declared(self, plan: Plan) -> Space:
        """Return the hyperparameters that the model of the study declares, found in a worker.

        Raises:
            InputError: the model cannot be built.
        """
        study = plan.spec.study
        shape = seen_shape(plan.data, study.training)

        def ask() -> "Future[Space]":
            return self.executor.submit(declared_by, study.model, shape, outputs(plan.data), branches(study))

        return _built(study.model, ask(), ask)


def _built(model: str, future: "Future[_T]", ask: "Callable[[], Future[_T]]") -> _T:
    """Return what a worker says of `model`; if that is lost, which may not be the model's fault, ask another one.

    Raises:
        InputError: both were lost, or the model is not what it should be.
    """
    try:
        try:
            return future.result()
        except WorkerDiedError:
            return ask().result()
    except WorkerDiedError as error:
        raise InputError(f"`study.model` {model!r} cannot be built: {error}.") from None


def lanes(spec: ExecutorSpec, most: int) -> int:
    """Return how many trials `spec` runs at once if there are `most` to run; of a cluster not yet asked, at least."""
    return max(1, min(spec.workers or (len(os.sched_getaffinity(0)) if spec.name == "local" else 1), most))


def _unheard(text: str) -> None:
    """Say nothing."""


@contextmanager
def open_workers(spec: RunSpec, most: int, say: Callable[[str], None] = _unheard) -> Iterator[Workers]:
    """Start the executor of `spec`, for no more than `most` trials at once, and end it afterwards.

    Args:
        spec: names the executor and the backend.
        most: trials that there are.
        say: told what the user should know, in a line.

    Raises:
        InputError: the cluster cannot be used.
    """
    listeners: list[Callable[[EpochDone], None]] = []

    def notify(message: Message) -> None:
        if isinstance(message, Said):
            say(message.text)
        elif isinstance(message, EpochDone):
            for listen in listeners:
                listen(message)

    is_dask = spec.executor.name == "dask"
    with _cluster(spec.executor, most, notify) if is_dask else _local(spec, most, notify, say) as (executor, count):
        try:
            yield Workers(executor, count, executor.prune, listeners)
        finally:
            executor.shutdown(cancel_futures=True)


@contextmanager
def _local(
    spec: RunSpec, most: int, notify: Callable[[Message], None], say: Callable[[str], None]
) -> "Iterator[tuple[LocalExecutor | FusingExecutor, int]]":
    start = partial(start_worker, spec.backend, spec.executor.device)
    fused = _fused(spec.executor, most, notify, say, start) if spec.backend == "jax" else None
    if fused is not None:
        yield fused
        return
    count = lanes(spec.executor, most)
    executor = LocalExecutor(count, spec.executor.trials_per_worker, start, notify, affinity=_program)
    if spec.executor.device == "gpu":
        _device(executor, spec.executor, spec.backend)
    yield executor, count


def _fused(
    spec: ExecutorSpec,
    most: int,
    notify: Callable[[Message], None],
    say: Callable[[str], None],
    start: Callable[[], None],
) -> "tuple[FusingExecutor, int] | None":
    """Return the executor of trials that are one program, and how many it takes; None where that does not pay."""
    from search.fusing import FusingExecutor

    count = min(spec.fuse or _MOST_FUSED, most)
    executor = FusingExecutor(count, start, spec.trials_per_worker, notify)
    device = _device(executor, spec, "jax")
    if device == "cpu" and spec.device is None:
        say("JAX has no accelerator here. On a CPU, backend=tensorflow trains several times faster.")
    if device == "cpu" and spec.fuse is None:
        executor.shutdown()
        return None
    return executor, count


def _device(executor: "LocalExecutor | FusingExecutor", spec: ExecutorSpec, backend: Backend) -> str:
    """Return what the workers compute on.

    Raises:
        InputError: it is not what the study asks for.
    """
    try:
        device: str = executor.submit(device_of, backend).result()
        if spec.device == "gpu" and device != "gpu":
            with_gpu = "'jax[cuda12]'" if backend == "jax" else "'tensorflow[and-cuda]'"
            raise InputError(
                f"`executor.device` must be what is here. Received: 'gpu'; backend={backend} finds a {device} only. "
                f"With an NVIDIA GPU: pip install {with_gpu}."
            )
    except InputError:
        executor.shutdown(cancel_futures=True)
        raise
    return device


@contextmanager
def _cluster(spec: ExecutorSpec, most: int, notify: Callable[[Message], None]) -> "Iterator[tuple[DaskExecutor, int]]":
    from search.cluster.connection import connected
    from search.cluster.executor import DaskExecutor

    with connected(spec) as connection:
        executor = DaskExecutor(connection.client, spec.trials_per_worker, spec.resources, notify)
        yield executor, min(connection.lanes, most)


def _program(*arguments: object) -> object:
    """Return what a worker could use again from an earlier task."""
    return arguments[0].program if arguments and isinstance(arguments[0], TrialTask) else None
