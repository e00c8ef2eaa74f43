"""One real worker process that a test can kill in the middle of its task; and workers that wait for what is done to
them, so that it comes in time on a machine that is busy with something else."""

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from search import progress
from search.executors import LocalExecutor, WorkerDiedError
from search.progress import EpochDone, Message, Said, TrialEnded
from search.trial import TrialOutcome


def stand_still_after(epochs: int) -> None:
    """Have this process, a worker, come to a standstill where it would report the epoch after `epochs`."""
    send = progress.send

    def patiently(message: Message) -> None:
        if isinstance(message, EpochDone) and message.epoch > epochs:
            time.sleep(600)
        send(message)

    progress.send = patiently


def wait_for_stop(key: str, epoch: int) -> None:
    """Have this process, a worker, wait after that epoch of trial `key` until it is asked to stop it; once."""
    send = progress.send

    def patiently(message: Message) -> None:
        send(message)
        if isinstance(message, EpochDone) and (message.key, message.epoch) == (key, epoch):
            progress.send, end = send, time.monotonic() + 240
            while not progress.stop_asked(key) and time.monotonic() < end:
                time.sleep(0.01)

    progress.send = patiently


def _no_further(epochs: int, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    stand_still_after(epochs)
    return function(*args, **kwargs)


class MortalWorker:
    """A pool of one, and what it said about its last task."""

    def __init__(self, initializer: Callable[[], None]) -> None:
        self.said: list[str] = []
        self.epochs: list[int] = []
        self.outcomes: dict[str, TrialOutcome] = {}
        self._on_epoch: Callable[[int], None] = lambda epoch: None
        self.executor = LocalExecutor(1, 100, initializer, self._hear)

    def _hear(self, message: Message) -> None:
        match message:
            case Said(text):
                self.said.append(text)
            case EpochDone(epoch=epoch):
                self.epochs.append(epoch)
                self._on_epoch(epoch)
            case TrialEnded(key, outcome):
                self.outcomes[key] = outcome

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return what `function` returns; what was said before is forgotten."""
        self.said, self.epochs, self.outcomes = [], [], {}
        return self.executor.submit(function, *args, **kwargs).result(240)

    def kill_after(self, epochs: int, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Call `function`, and kill the process with -9 once it has reported its epoch number `epochs`: at any moment
        before it reports the next one, which it does not, however late the kill is."""
        worker, reached = self.executor.submit(os.getpid).result(240), threading.Event()
        self._on_epoch = lambda epoch: reached.set() if epoch == epochs else None
        future = self.executor.submit(_no_further, epochs, function, *args, **kwargs)
        assert reached.wait(240)
        self._on_epoch = lambda epoch: None
        os.kill(worker, signal.SIGKILL)
        assert isinstance(future.exception(30), WorkerDiedError)
