"""A worker process: it runs what comes through a pipe until the pipe is closed, and sends back what came of it."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from search import progress


@dataclass(frozen=True)
class Call:
    """What is sent to a worker: a function to call."""

    number: int
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True)
class Stop:
    """What is sent to a worker: that a call is no longer wanted, or one trial of those that it trains."""

    number: int
    """Of the call, which may have ended by the time that this arrives."""
    key: str = ""
    """Of the trial; none: the whole call."""


@dataclass
class _Inbox:
    """The worker's end of the pipe."""

    pipe: Connection
    number: int = -1
    """Of the call that runs."""
    stopped: set[str] = field(default_factory=set)
    """Keys of the trials that are no longer wanted; an empty one stands for the whole call."""

    def next(self) -> Call:
        """Wait for the next call."""
        while not isinstance(message := self.pipe.recv(), Call):
            pass  # A stop that came too late.
        self.number, self.stopped = message.number, set()
        return message

    def stop_asked(self, key: str = "") -> bool:
        while self.pipe.poll():  # While a call runs, nothing but stops can come.
            stop = self.pipe.recv()
            if stop.number == self.number:
                self.stopped.add(stop.key)
        return not self.stopped.isdisjoint(("", key))


def work(pipe: Connection, initializer: Callable[[], None], log: Path) -> None:
    """Be a worker process: run what comes through `pipe` until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the coordinator decides.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    inbox = _Inbox(pipe)
    progress.send, progress.stop_asked = pipe.send, inbox.stop_asked
    initializer()
    while True:
        try:
            call = inbox.next()
        except EOFError:
            sys.exit(0)
        try:
            answer: tuple[Any, Exception | None] = (call.function(*call.args, **call.kwargs), None)
        except Exception as error:
            answer = (None, error)
        with contextlib.suppress(BrokenPipeError):
            pipe.send(answer)


def _leave_with_parent() -> None:
    """End this process when its parent is gone, however it went: nobody is left to take the result."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
