"""Delivers when nudged and every few seconds, and less and less often to a store that is down."""

import contextlib
import logging
import os
import select
import time
from collections.abc import Iterator

from studies.secrets import masked
from tracking.address import StoreAddress
from tracking.courier import BusyError, Courier, Outcome
from tracking.trouble import is_refusal

LOOK_SECONDS = 5.0
"""How often the disk is looked at without a nudge."""
REPORT_SECONDS = 300.0
"""How often the report of a running study is delivered at most; the last one always is."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0
_LAST_WAIT_SECONDS = 10.0
_LOGGER = logging.getLogger(__name__)


def follow(courier: Courier, nudges: int) -> int:
    """Deliver until `nudges` is closed, then once more.

    Args:
        courier: of the study.
        nudges: a file descriptor; every byte on it says that there is something new.

    Returns:
        How many items are still owed.
    """
    pauses = _pauses()
    while True:
        outcome = _deliver(courier)
        if outcome.owed:
            pause = LONGEST_PAUSE_SECONDS if is_refusal(outcome.reason) else next(pauses)
            # A nudge does not cut this wait short: what is new changes nothing about the store.
            closed = _wait(nudges, pause, wakes=False)
        else:
            pauses = _pauses()
            closed = _wait(nudges, LOOK_SECONDS, wakes=True)
        if closed:
            return _deliver_last(courier)


def prepare(address: StoreAddress, log_level: int) -> None:
    """Set this process up before MLflow is imported: bounded calls, no chatter, no secrets in the log."""
    os.environ.update(address.environment())
    fixed = {
        # The HTTP client repeats a POST whose answer was late, and a repeated creation is a second run. What
        # failed is tried again by us, who look first.
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "MLFLOW_CONFIGURE_LOGGING": "false",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MPLBACKEND": "agg",
    }
    os.environ.update(fixed)
    defaults = {
        # Longer than a server that is only slow takes: nothing waits for this process.
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
        "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT": "120",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    handler = logging.StreamHandler()
    handler.setFormatter(_MaskedFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=log_level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)


class _MaskedFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


def _deliver_last(courier: Courier) -> int:
    """Deliver once more, giving another publisher of the study a while to do it instead."""
    deadline = time.monotonic() + _LAST_WAIT_SECONDS
    while True:
        try:
            return _noted(courier, courier.deliver(wait_seconds=0.5)).owed
        except BusyError as error:
            if time.monotonic() > deadline:
                _LOGGER.warning("%s", error)
                return len(courier.outbox.owed())


def _deliver(courier: Courier) -> Outcome:
    try:
        outcome = courier.deliver(report_every=REPORT_SECONDS)
    except BusyError as error:
        outcome = Outcome(0, len(courier.outbox.owed()), str(error))
    return _noted(courier, outcome)


def _noted(courier: Courier, outcome: Outcome) -> Outcome:
    """Return `outcome`, of which others can read now what is wrong, or that nothing is any more."""
    with contextlib.suppress(OSError):  # A full disk has better witnesses.
        courier.outbox.note_trouble(outcome.reason if outcome.owed else "")
    if outcome.delivered or outcome.owed:
        _LOGGER.info("%d delivered, %d owed. %s", outcome.delivered, outcome.owed, outcome.reason)
    return outcome


def _pauses() -> Iterator[float]:
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _wait(nudges: int, seconds: float, *, wakes: bool) -> bool:
    """Wait for `seconds`, or less if `wakes` and there is a nudge; return whether `nudges` was closed."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([nudges], [], [], left)
        if ready and not os.read(nudges, 4096):
            return True
        if ready and wakes:
            return False
    return False
