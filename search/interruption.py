"""Ctrl-C and SIGTERM, as states that the study loop looks at instead of exceptions out of nowhere."""

import signal
from types import FrameType


class Interruption:
    """Counts the requests to stop while it is entered.

    Ctrl-C once: start no new trial, finish the running ones. Again, or SIGTERM: abandon the running ones too.
    """

    def __init__(self) -> None:
        self.stopping = False
        self.abandoning = False
        self.exit_code = 128 + signal.SIGINT

    def __enter__(self) -> "Interruption":
        self._before = {name: signal.signal(name, self._received) for name in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *error: object) -> None:
        for name, handler in self._before.items():
            signal.signal(name, handler)

    def _received(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (the signal module's signature)
        self.abandoning = self.stopping or number == signal.SIGTERM
        self.stopping = True
        self.exit_code = 128 + number
