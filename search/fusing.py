"""An executor that lets trials wait for each other: those that wait together go to the device together."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, InvalidStateError
from contextlib import suppress
from typing import Any

from search import progress
from search.executors import LocalExecutor
from search.fused_trial import train_tasks
from search.trial import TrialTask, run_trial

_GATHERING_SECONDS = 0.5
"""Without another trial for so long, those that wait are all that can be had."""


class FusingExecutor(Executor):
    """One worker process that owns the device, and is given as many trials at a time as there are.

    Args:
        most: how many trials are handed over at once.
        initializer: makes a process a worker.
        tasks_per_worker: calls after which the process is replaced.
        on_progress: told what the worker says.
    """

    def __init__(
        self,
        most: int,
        initializer: Callable[[], None],
        tasks_per_worker: int,
        on_progress: Callable[[progress.Message], None],
    ) -> None:
        self._most, self._on_progress = most, on_progress
        self._pool = LocalExecutor(1, tasks_per_worker, initializer, self._hear)
        self._waiting: dict[Future[Any], TrialTask] = {}
        self._running: dict[str, Future[Any]] = {}
        self._call: Future[Any] | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="fusing", daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Schedule `fn(*args, **kwargs)`; a trial waits for company first."""
        if fn is not run_trial:
            return self._pool.submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        with self._changed:
            if self._closed:
                raise RuntimeError("cannot submit to an executor that was shut down")
            self._waiting[future] = args[0]
            self._changed.notify_all()
        return future

    def prune(self, future: "Future[Any]") -> None:
        """Ask the trial of `future` to leave its group; one that does not run is left alone."""
        with self._changed:
            key = next((key for key, other in self._running.items() if other is future), None)
            call = self._call
        if key is not None and call is not None:
            self._pool.prune(call, key)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Stop taking trials; with `cancel_futures` also drop those that wait and kill the worker."""
        with self._changed:
            self._closed = True
            if cancel_futures:
                for future in self._waiting:
                    future.cancel()
                self._waiting.clear()
            self._changed.notify_all()
        if cancel_futures:
            self._pool.shutdown(wait, cancel_futures=True)
        if wait:
            self._thread.join()
        self._pool.shutdown(wait)

    def _serve(self) -> None:
        while tasks := self._gathered():
            error = self._train(tasks)
            with self._changed:
                left, self._running, self._call = list(self._running.values()), {}, None
            for future in left:  # The worker died: those that had ended before have their results.
                future.set_exception(error or RuntimeError("a trial of the group was forgotten"))

    def _train(self, tasks: list[TrialTask]) -> BaseException | None:
        """Have `tasks` trained; return what ended the worker's call, if it did not end by itself."""
        try:
            call = self._pool.submit(train_tasks, tasks)
            with self._changed:
                self._call = call
            return call.exception()
        except (CancelledError, RuntimeError) as error:  # The executor was shut down meanwhile.
            return error

    def _gathered(self) -> list[TrialTask]:
        """Wait until no more trials come; return those that wait, none when the executor is shut down."""
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return []
                self._changed.wait()
            while len(self._waiting) < self._most and not self._closed:
                if not self._changed.wait(_GATHERING_SECONDS):
                    break
            chosen = list(self._waiting.items())[: self._most]
            for future, task in chosen:
                del self._waiting[future]
                if future.set_running_or_notify_cancel():
                    self._running[task.key] = future
            return [task for _, task in chosen if task.key in self._running] or self._gathered()

    def _hear(self, message: progress.Message) -> None:
        if not isinstance(message, progress.TrialEnded):
            self._on_progress(message)
            return
        with self._changed:
            future = self._running.pop(message.key, None)
        if future is None:
            return
        with suppress(InvalidStateError):
            if message.error is not None:
                future.set_exception(message.error)
            else:
                future.set_result(message.outcome)
