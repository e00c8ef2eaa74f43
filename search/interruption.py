"""Ctrl-C and SIGTERM, as states that the study loop looks at instead of exceptions out of nowhere."""

import math
import signal
import time
from types import FrameType

GRACE_SECONDS = 60.0
"""How long running trials are waited for after SIGTERM: less than the 90 s after which systemd kills, and the two
minutes that docker-compose.yml gives; what kills sooner costs the trials that run, and no record."""


class Interruption:
    """Counts the requests to stop while it is entered.

    Once: start no new trial, finish the running ones, after SIGTERM for no longer than `GRACE_SECONDS`. Again: abandon
    the running ones too; one that is long enough to have a checkpoint goes on from it.
    """

    def __init__(self) -> None:
        self.stopping = False
        self.exit_code = 128 + signal.SIGINT
        self._abandoned_at = math.inf

    @property
    def abandoning(self) -> bool:
        """Whether running trials are not waited for any more."""
        return time.monotonic() >= self._abandoned_at

    @property
    def leave(self) -> str:
        """What the running trials may hope for, in a sentence."""
        if self._abandoned_at == math.inf:
            return "Ctrl-C again abandons them."
        return f"They have {max(0.0, self._abandoned_at - time.monotonic()):.0f} s."

    def __enter__(self) -> "Interruption":
        self._before = {name: signal.signal(name, self._received) for name in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *error: object) -> None:
        for name, handler in self._before.items():
            signal.signal(name, handler)

    def _received(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (the signal module's signature)
        if self.stopping:
            self._abandoned_at = -math.inf
        elif number == signal.SIGTERM:
            self._abandoned_at = time.monotonic() + GRACE_SECONDS
        self.stopping = True
        self.exit_code = 128 + number
