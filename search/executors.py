"""Worker processes on this machine, as a `concurrent.futures.Executor`.

Python's own `ProcessPoolExecutor` gives up the whole pool when one worker dies. Here each worker belongs to a thread
that feeds it, so that a death is that one task's exception, says how the process ended, and costs no other task.
"""

import contextlib
import multiprocessing
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from itertools import count
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from search import progress
from search.worker_process import Call, Stop, work

_SPAWN = multiprocessing.get_context("spawn")  # TensorFlow's threads do not survive a fork


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Have a process that is started here not hear Ctrl-C, which reaches the whole group, before it can ignore it."""
    resource_tracker.ensure_running()  # When it starts with a worker, it lets the signal through again.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class WorkerDiedError(Exception):
    """The process that ran a task is gone; the message says how it ended."""


@dataclass(eq=False)
class _Task:
    future: "Future[Any]"
    call: Call
    affinity: Hashable


@dataclass
class _Worker:
    """A process, and the pipe that feeds it."""

    process: Any
    pipe: Connection
    log: Path
    tasks_done: int = 0
    sending: threading.Lock = field(default_factory=threading.Lock)

    def send(self, message: Call | Stop) -> None:
        """Send from any thread; OSError if the process is gone."""
        with self.sending:
            self.pipe.send(message)

    def receive(self) -> Any:
        """Return the next that the process says.

        Raises:
            WorkerDiedError: the process is gone.
        """
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            raise WorkerDiedError(self.ended()) from None

    def ended(self) -> str:
        """Return how the dead process ended, with the last line it wrote."""
        self.process.join()
        code = self.process.exitcode
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        return f"its worker process ended ({how})" + (f": {lines[-1][:200]}" if code > 0 and lines else "")


@dataclass
class LocalExecutor(Executor):
    """A pool of spawned processes.

    Each is replaced after `tasks_per_worker` tasks, which keeps memory flat however long the pool lives.
    """

    workers: int
    tasks_per_worker: int
    initializer: Callable[[], None]
    on_progress: Callable[[progress.Message], None]
    affinity: Callable[..., Hashable] = lambda *_: None
    """Of a task's arguments: a worker prefers a task with the value of its last one, whose leftovers it can use."""
    _queue: list[_Task] = field(default_factory=list, init=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False)
    _closed: bool = field(default=False, init=False)
    _killed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._logs = Path(tempfile.mkdtemp(prefix="workers-"))
        self._live: dict[int, _Worker] = {}
        self._affinities: dict[int, Hashable] = {}
        self._running: dict[Future[Any], tuple[_Worker, Call]] = {}
        self._numbers = count()
        self._threads = [
            threading.Thread(target=self._serve, args=(number,), name=f"worker-{number}", daemon=True)
            for number in range(self.workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Schedule `fn(*args, **kwargs)` on a worker; all three must be picklable."""
        task = _Task(Future(), Call(next(self._numbers), fn, args, kwargs), self.affinity(*args))
        with self._changed:
            if self._closed:
                raise RuntimeError("cannot submit to an executor that was shut down")
            self._queue.append(task)
            self._changed.notify_all()
        return task.future

    def prune(self, future: "Future[Any]", key: str = "") -> None:
        """Ask the task of `future` to end early: from now on its `progress.stop_asked()` says so.

        A task that does not run, no longer or not yet, is left alone.

        Args:
            future: of the task.
            key: of one trial, where the task has several and goes on with the others.
        """
        with self._changed:
            worker, call = self._running.get(future, (None, None))
        if worker is not None and call is not None:
            with contextlib.suppress(OSError):  # It has just died, which its own thread finds out.
                worker.send(Stop(call.number, key))

    def abandon(self, future: "Future[Any]") -> None:
        """End the task of `future` with its process, or drop it where it waits."""
        with self._changed:
            worker, _ = self._running.get(future, (None, None))
        if worker is not None:
            worker.process.kill()
        else:
            future.cancel()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Stop taking tasks; with `cancel_futures` also drop those that wait and kill the workers."""
        with self._changed:
            self._closed = True
            if cancel_futures:
                self._killed = True
                for task in self._queue:
                    task.future.cancel()
                self._queue.clear()
                for worker in self._live.values():
                    worker.process.kill()
            self._changed.notify_all()
        if wait:
            for thread in self._threads:
                thread.join()
            shutil.rmtree(self._logs, ignore_errors=True)

    def _serve(self, number: int) -> None:
        """Feed one worker until the pool is shut down."""
        worker = self._start(number)
        while (task := self._next(number)) is not None:
            if not task.future.set_running_or_notify_cancel():
                continue
            if not worker.process.is_alive() or worker.tasks_done >= self.tasks_per_worker:
                self._stop(worker)
                worker = self._start(number)
            self._run(worker, task)
        self._stop(worker)

    def _next(self, number: int) -> _Task | None:
        """Return a task that can use what this worker did last, else one that no other worker is better for."""
        with self._changed:
            while not self._queue:
                if self._closed:
                    return None
                self._changed.wait()
            last = self._affinities.get(number)
            taken = {affinity for other, affinity in self._affinities.items() if other != number}
            fitting = (task for task in self._queue if task.affinity == last)
            free = (task for task in self._queue if task.affinity not in taken)
            task = next(fitting, None) or next(free, self._queue[0])
            self._queue.remove(task)
            self._affinities[number] = task.affinity
            return task

    def _run(self, worker: _Worker, task: _Task) -> None:
        try:
            answer = self._answer(worker, task)
        except WorkerDiedError as error:
            task.future.set_exception(error)
            return
        except Exception as error:  # Of who listens. What the worker says next would be taken for another task's.
            worker.process.kill()
            worker.process.join()
            task.future.set_exception(error)
            return
        finally:
            with self._changed:
                self._running.pop(task.future, None)
        worker.tasks_done += 1
        result, raised = answer
        if raised is not None:
            task.future.set_exception(raised)
        else:
            task.future.set_result(result)

    def _answer(self, worker: _Worker, task: _Task) -> tuple[Any, Exception | None]:
        """Return what came of `task`, having passed on what its worker said meanwhile."""
        try:
            worker.send(task.call)
        except OSError:
            raise WorkerDiedError(worker.ended()) from None
        with self._changed:
            self._running[task.future] = worker, task.call
        while isinstance(said := worker.receive(), progress.Message):
            self.on_progress(said)
        answer: tuple[Any, Exception | None] = said
        return answer

    def _start(self, number: int) -> _Worker:
        ours, theirs = _SPAWN.Pipe()
        log = self._logs / f"worker-{number}.log"
        process = _SPAWN.Process(target=work, args=(theirs, self.initializer, log), daemon=True)
        with self._changed:
            with _deaf_to_ctrl_c():
                process.start()
            theirs.close()
            worker = self._live[number] = _Worker(process, ours, log)
            if self._killed:
                process.kill()
        return worker

    def _stop(self, worker: _Worker) -> None:
        worker.pipe.close()  # The worker reads the end of its input and leaves.
        worker.process.join(timeout=10)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
