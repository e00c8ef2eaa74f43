"""Tells whoever runs a study that MLflow does not take what it is owed, and when it does again."""

import threading
import time
from collections.abc import Callable

from search.display import Display
from tracking.address import StoreAddress
from tracking.publish import Publisher
from tracking.trouble import trouble_with

_LOOK_SECONDS = 5.0
"""Between two looks at what is owed: some milliseconds each, more the more trials there are."""
_SLOW_SECONDS = 60.0
"""What is owed for so long without an error is owed to a slow server."""


class TrackingWatch:
    """What is known of the store of one study while it runs.

    Args:
        address: of the store.
        say: takes a line that stays.
    """

    def __init__(self, address: StoreAddress, say: Callable[[str], None]) -> None:
        self._address, self._say = address, say
        self._looked = 0.0
        self._owing_since: float | None = None
        self._said = False
        """Whether the last that was said is that something is wrong."""

    def ask(self) -> None:
        """Say within 10 s if a server cannot be used now; nothing waits for it."""
        if self._address.is_server:
            threading.Thread(target=self._ask, name="tracking", daemon=True).start()

    def look(self, publisher: Publisher, display: Display) -> None:
        """Show on `display` what is owed, if there is something wrong; cheap when it was called a moment ago."""
        now = time.monotonic()
        if now < self._looked + _LOOK_SECONDS:
            return
        self._looked = now
        reason, owed = publisher.trouble, publisher.owed()
        if not owed:
            self._owing_since = None
        elif self._owing_since is None:
            self._owing_since = now
        if not reason and self._owing_since is not None and now > self._owing_since + _SLOW_SECONDS:
            reason = "it is slow"
        if owed and reason:
            display.owed = f"MLflow: {owed} items are owed to {self._address.public} ({reason}); nothing is lost."
            self._complain(reason)
        elif not owed:
            display.owed = ""
            if self._said:
                self._said = False
                self._say(f"MLflow: {self._address.public} has everything that it was owed.")

    def _ask(self) -> None:
        if reason := trouble_with(self._address):
            self._complain(reason)

    def _complain(self, reason: str) -> None:
        if not self._said:
            self._said = True
            self._say(
                f"MLflow: {self._address.public} cannot be used now: {reason}. The study goes on; what it is owed is "
                "kept on disk and delivered when it can."
            )
