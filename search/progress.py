"""How a trial says where it is, and learns that it is no longer wanted, from whatever process it runs in.

The executor that owns a worker process puts its own functions here when the worker starts; without one, progress goes
nowhere, no trial is asked to stop, and nothing else changes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class EpochDone:
    """A running trial has finished an epoch."""

    key: str
    epoch: int
    """From 1."""
    epochs: int
    images_per_second: float
    """Training images per second of wall time since the trial's last message."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """The metrics of this epoch, by name."""


@dataclass(frozen=True)
class TrialEnded:
    """One of the trials of a task that has several is over: what it left, or why it left nothing."""

    key: str
    outcome: Any = None
    error: Exception | None = None


@dataclass(frozen=True)
class Said:
    """Something that the user should know."""

    text: str


Message = EpochDone | TrialEnded | Said
send: Callable[[Message], None] = lambda _: None  # noqa: E731
stop_asked: Callable[..., bool] = lambda *_: False  # noqa: E731
"""Whether the task that this process runs was asked to end early, or the trial `key` of those that it has; some
microseconds when it was not."""
