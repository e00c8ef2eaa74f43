"""The workers of a Dask cluster, as a `concurrent.futures.Executor`.

Dask places the tasks, retries nothing on its own as far as is seen here, and forgets a task whose future is released.
What `Client.get_executor` does not have is what this one is for: progress while a trial runs, a way to end it early,
a lost worker as an exception that says so, and data that travel once a machine.
"""

import itertools
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Executor, Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import distributed
from distributed import Client, KilledWorker

from search.cluster.data_cache import Brought, DataMissingError
from search.cluster.host import TOPIC, Answer, RemoteCall, TrialHost, run_call, stop_call
from search.cluster.model_files import model_files, model_of
from search.cluster.shipping import Shipping
from search.cluster.versions import package_digest
from search.data.progress import say
from search.executors import WorkerDiedError
from search.progress import EpochDone, Message, Said
from studies.errors import InputError


@dataclass(eq=False)
class _Task:
    """A call, from `submit` to its end; Dask may be given it more than once."""

    future: "Future[Any]"
    call: RemoteCall
    key: str = ""
    """Dask's name for it."""
    remote: Any = None
    """None: Dask has nothing more to say about it."""
    worker: str = ""
    """The address of the Dask worker that runs it."""
    sent: int = 0


@dataclass
class DaskExecutor(Executor):
    """One coordinator's tasks on the workers of `client`.

    Args:
        client: connected; whoever made it closes it.
        tasks_per_worker: after this many, the process in which a Dask worker runs them is replaced.
        resources: what each task takes of what its worker offers, such as `{"GPU": 0.25}`.
        on_progress: called from a thread of its own.
    """

    client: Client
    tasks_per_worker: int
    resources: Mapping[str, float]
    on_progress: Callable[[Message], None]
    _tasks: dict[str, _Task] = field(default_factory=dict)
    _closed: bool = False

    def __post_init__(self) -> None:
        self._session = uuid.uuid4().hex[:12]
        self._source = package_digest()
        self._numbers = itertools.count()
        self._lock = threading.RLock()
        self._shipping = Shipping(self.client)
        self._model_files = cache(model_files)  # As they are when the first task needs them, for all of them.
        self._workers = set(self.client.scheduler_info(n_workers=-1)["workers"])
        self.client.register_plugin(TrialHost())
        self.client.subscribe_topic(TOPIC, self._told)
        self.client.subscribe_topic("all", self._told_of_workers)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Schedule `fn(*args, **kwargs)` on a worker; all three must be picklable.

        Raises:
            InputError: the model that it builds cannot be found.
        """
        model = model_of(*args)
        files = None if model is None else self._model_files(model)
        call = RemoteCall(self._session, self._source, self.tasks_per_worker, files, fn, args, kwargs)
        task = _Task(Future(), call)
        task.future.add_done_callback(lambda future: self._forget(task) if future.cancelled() else None)
        if self._closed:
            raise RuntimeError("cannot submit to an executor that was shut down")
        self._send(task)
        return task.future

    def prune(self, future: "Future[Any]") -> None:
        """Ask the task of `future` to end early: from now on its `progress.stop_asked()` says so."""
        with self._lock:
            task = next((task for task in self._tasks.values() if task.future is future), None)
        if task is not None and task.worker:
            ask = partial(self.client.run, stop_call, task.key, workers=[task.worker], on_error="ignore")
            self.client.loop.add_callback(ask)  # Nobody waits for the answer, which a dead worker never gives.

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Stop taking tasks; with `cancel_futures` also drop those that wait and end those that run."""
        with self._lock:
            self._closed = True
            left = [*self._tasks.values()]
        if cancel_futures:
            for task in left:
                if not task.future.cancel():
                    self._settle(task, error=WorkerDiedError("it was abandoned"))
        if wait:
            for task in left:
                with suppress(CancelledError):
                    task.future.exception()

    def _send(self, task: _Task) -> None:
        """Give `task` to Dask, under a new name, so that what is left of an earlier attempt is not taken for it."""
        task.key, task.worker = f"{TOPIC}-{self._session}-{next(self._numbers)}", ""
        task.sent += 1
        resources = dict(self.resources) or None
        with self._lock:
            self._tasks[task.key] = task
        remote = task.remote = self.client.submit(run_call, task.call, key=task.key, pure=False, resources=resources)
        if task.future.cancelled():
            self._forget(task)
        remote.add_done_callback(partial(self._ended, task))

    def _ended(self, task: _Task, remote: distributed.Future) -> None:
        """Take what Dask says about the end of `task`; in Dask's thread for that."""
        if task.remote is not remote:
            return
        try:
            self._take(task, remote.result())
        except KilledWorker as error:
            self._settle(task, error=WorkerDiedError(f"its Dask worker was lost: {error.last_worker.address}"))
        except CancelledError:
            text = "The Dask scheduler was lost. What is recorded is kept; the same command goes on from there."
            self._settle(task, error=InputError(text))
        except Exception as error:
            self._settle(task, error=error)

    def _take(self, task: _Task, answer: Answer) -> None:
        """Take what a host says came of `task`."""
        result, error = answer.result, answer.error
        if isinstance(error, DataMissingError):
            arrived = partial(self._again, task)
            self._shipping.bring(task.call.args[0].data, error, arrived, is_lost=task.sent > 1)
        elif isinstance(result, Brought):
            self._settle(task, result=result.store(task.call.args[0].home))
        else:
            self._settle(task, result=result, error=error)

    def _again(self, task: _Task, error: InputError | None) -> None:
        """Send a task again whose data are there now, or could not be brought."""
        if error is None and task.sent > 3:
            error = InputError(f"A worker does not keep the data that it is sent ({task.call.args[0].data.name}).")
        if error is not None:
            self._settle(task, error=error)
            return
        if not task.future.done():
            self._forget(task)
            self._send(task)

    def _settle(self, task: _Task, result: object = None, error: Exception | None = None) -> None:
        """End `task`, unless it has ended already."""
        with self._lock:
            self._forget(task)
            if task.future.done():
                return
            if not task.future.running() and not task.future.set_running_or_notify_cancel():
                return
            if error is None:
                task.future.set_result(result)
            else:
                task.future.set_exception(error)

    def _forget(self, task: _Task) -> None:
        """Let go of `task` on the cluster: if it waits there it is dropped, if it runs it is ended."""
        with self._lock:
            self._tasks.pop(task.key, None)
            remote, task.remote = task.remote, None
        if remote is not None:
            remote.release()

    def _told(self, event: tuple[float, dict[str, Any]]) -> None:
        """Hear a host: that a task runs, or that one has finished an epoch; in the thread of the connection."""
        told = event[1]
        if "epoch" in told:
            if told["session"] == self._session:
                self.on_progress(EpochDone(**told["epoch"]))
            return
        if "said" in told:
            if told["session"] == self._session:
                self.on_progress(Said(told["said"]))
            return
        with self._lock:
            task = self._tasks.get(told["task"])
            if task is None:
                return
            task.worker = told["worker"]
            if not task.future.running():
                task.future.set_running_or_notify_cancel()

    def _told_of_workers(self, event: tuple[float, dict[str, Any]]) -> None:
        """Hear the scheduler: of each worker that comes and goes."""
        told = event[1]
        if told.get("action") == "add-worker":
            self._workers.add(told["worker"])
        if told.get("action") != "remove-worker":
            return
        lost = told["worker"]
        self._workers.discard(lost)
        self._shipping.lost(lost)
        with self._lock:
            running = [task for task in self._tasks.values() if task.worker == lost]
        for task in running:
            self._settle(task, error=WorkerDiedError(f"its Dask worker was lost ({lost})"))
        if not self._workers and not self._closed:
            say("No Dask worker is left; waiting for one.")
