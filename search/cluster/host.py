"""What runs inside a Dask worker: it hands each trial to a process of our own pool, and stays light itself.

So a trial on a cluster runs exactly as on the coordinator's machine: one thread, a process that is replaced after so
many trials, and whose death (out of memory, a crash in native code) costs that trial only and says how. Each thread
of the Dask worker has one such process; they end when nothing has come for a while, and with the Dask worker.
"""

import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from distributed import WorkerPlugin, get_worker
from distributed.worker import Worker

from search.backends import start_worker
from search.cluster.data_cache import Brought, arrays_of, cache_folder, cached, checkpoint_folder
from search.cluster.model_files import ModelFiles, unpack
from search.cluster.versions import check_same_source
from search.data.stored import PreparedData
from search.executors import LocalExecutor, WorkerDiedError
from search.progress import EpochDone, Message, Said
from search.train import checkpoint
from search.train.frozen import FeaturesTask
from search.train.result import TrialPrunedError
from search.trial import TrialFailedError, TrialTask

TOPIC = "ablation-search"
"""Dask's name for the messages that hosts send to coordinators, and for the host among a worker's plugins."""
IDLE_SECONDS = 60.0
"""How long a pool without a task is kept: TensorFlow's import takes seconds, its memory is the next coordinator's."""


@dataclass(frozen=True)
class RemoteCall:
    """A function to call on some worker, and what that takes."""

    session: str
    """Names the coordinator: each has processes of its own, so that none meets another's modules."""
    source: str
    """Digest of the coordinator's copy of this package."""
    tasks_per_worker: int
    model: ModelFiles | None
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What came of a call."""

    result: Any
    error: Exception | None = None


@dataclass
class _Pool:
    """One coordinator's processes on this Dask worker."""

    executor: LocalExecutor
    folder: Path
    """Where its models are."""
    busy: int = 0
    calls: int = 0


@dataclass
class TrialHost(WorkerPlugin):  # type: ignore[misc]  # Dask has no types
    """The one of a Dask worker, shared by all coordinators."""

    name = TOPIC
    idempotent = True
    _pools: dict[str, _Pool] = field(default_factory=dict)
    _running: dict[str, tuple[LocalExecutor, "Future[Any]"]] = field(default_factory=dict)

    def setup(self, worker: Worker) -> None:
        """Belong to `worker`, from its event loop."""
        self._worker = worker
        self._lock = threading.Lock()
        if multiprocessing.parent_process() is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the nanny decides.

    def teardown(self, worker: Worker) -> None:
        """End all processes."""
        del worker
        with self._lock:
            pools, self._pools = [*self._pools.values()], {}
        for pool in pools:
            pool.executor.shutdown(wait=False, cancel_futures=True)

    def transition(self, key: object, start: str, finish: str, **kwargs: object) -> None:
        """End the process of a task that nobody waits for any more: cancelled, or its coordinator is gone."""
        del kwargs
        if (start, finish) == ("executing", "released"):
            executor, future = self._running.get(str(key), (None, None))
            if executor is not None and future is not None:
                executor.abandon(future)

    def stop(self, key: str) -> None:
        """Ask the task `key` to end early, if it runs."""
        executor, future = self._running.get(key, (None, None))
        if executor is not None and future is not None:
            executor.prune(future)

    def run(self, key: str, call: RemoteCall) -> Any:
        """Run `call`, which Dask knows as `key`, in a process of this worker; from a thread of the Dask worker.

        Raises:
            DataMissingError: the data of the trial have to be brought here first.
            WorkerDiedError: the process ended, and how.
            InputError: this worker does not have the coordinator's package or model.
        """
        args = tuple(self._at_home(argument) for argument in call.args)
        pool = self._enter(call)
        try:
            if call.model is not None:
                unpack(call.model, pool.folder, f"worker {self._worker.address}")
            self._worker.log_event(TOPIC, {"task": key, "worker": self._worker.address})
            future = pool.executor.submit(call.function, *args, **call.kwargs)
            self._running[key] = pool.executor, future
            result = future.result()
            _discard_checkpoint(call)
            return Brought(result, arrays_of(result)) if isinstance(result, PreparedData) else result
        except WorkerDiedError as error:
            raise WorkerDiedError(f"{error} on {self._worker.address}") from None
        except (TrialFailedError, TrialPrunedError):
            _discard_checkpoint(call)
            raise
        finally:
            self._running.pop(key, None)
            self._leave(call.session, pool)

    def _at_home(self, argument: object) -> object:
        """Return an argument of a call with the paths that are right on this machine."""
        if isinstance(argument, TrialTask):
            data = cached(argument.data, self._worker.address)
            return replace(argument, data=data, checkpoints=checkpoint_folder())
        if isinstance(argument, FeaturesTask):
            return replace(argument, data=cached(argument.data, self._worker.address), home=cache_folder())
        return argument

    def _enter(self, call: RemoteCall) -> _Pool:
        """Return the pool of the coordinator that sent `call`, made if need be."""
        with self._lock:
            pool = self._pools.get(call.session)
            if pool is None:
                check_same_source(call.source, f"worker {self._worker.address}")
                pool = self._pools[call.session] = self._open(call)
            pool.busy += 1
            pool.calls += 1
            return pool

    def _open(self, call: RemoteCall) -> _Pool:
        # A nanny marks its worker as one that may have no children; these end with their parent by themselves.
        cast(Any, multiprocessing.current_process())._config["daemon"] = False
        folder = Path(self._worker.local_directory) / f"models-{call.session}"
        folder.mkdir(parents=True, exist_ok=True)
        start, report = partial(_start, str(folder)), partial(self._report, call.session)
        return _Pool(LocalExecutor(self._worker.state.nthreads, call.tasks_per_worker, start, report), folder)

    def _leave(self, session: str, pool: _Pool) -> None:
        with self._lock:
            pool.busy -= 1
            if not pool.busy:
                timer = threading.Timer(IDLE_SECONDS, self._end_if_idle, (session, pool, pool.calls))
                timer.daemon = True
                timer.start()

    def _end_if_idle(self, session: str, pool: _Pool, calls: int) -> None:
        with self._lock:
            if pool.calls != calls or self._pools.get(session) is not pool:
                return
            del self._pools[session]
        pool.executor.shutdown(cancel_futures=True)

    def _report(self, session: str, event: Message) -> None:
        if isinstance(event, Said):
            self._worker.log_event(TOPIC, {"session": session, "said": event.text})
        if not isinstance(event, EpochDone):
            return
        scores = {name: float(score) for name, score in event.scores.items()}
        self._worker.log_event(TOPIC, {"session": session, "epoch": asdict(replace(event, scores=scores))})


def run_call(call: RemoteCall) -> Answer:
    """Run `call` on the Dask worker that this is a task of (see `TrialHost.run`).

    What it raises is an answer too: an exception would be Dask's to log, traceback and all, for each pruned trial.
    """
    worker = get_worker()
    try:
        return Answer(_host(worker).run(str(worker.get_current_task()), call))
    except Exception as error:
        return Answer(None, error)


def stop_call(key: str, dask_worker: Worker) -> None:
    """Ask the task `key` to end early; Dask passes the worker on which this is called."""
    _host(dask_worker).stop(key)


def _discard_checkpoint(call: RemoteCall) -> None:
    """Remove what a trial that is over has left on this machine."""
    for argument in call.args:
        if isinstance(argument, TrialTask):
            checkpoint.discard(checkpoint_folder(), argument.key)


def _host(worker: Worker) -> TrialHost:
    return cast(TrialHost, worker.plugins[TOPIC])


def _start(folder: str) -> None:
    """Be a process that trains, with the coordinator's models before any others of these names."""
    sys.path.insert(0, folder)
    start_worker()
