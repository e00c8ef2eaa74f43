"""Whether a trial that was trained again came out as recorded, and what was different around it if not."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from tracking.record import Environment, StoredTrial

if TYPE_CHECKING:
    from search.train.result import TrialResult

TOLERANCE = 1e-5
"""Largest deviation of a loss, or of a predicted target, that is put down to another order of summation."""
PREDICTIONS_PER_MILLE = 1
"""Predicted classes in a thousand that may then fall on the other side of a tie; of a small test set, one."""


@dataclass(frozen=True)
class Deviation:
    """The largest absolute difference between the record and what was trained again, and where it is."""

    size: float = 0.0
    where: str = ""
    """Such as `test_loss of epoch 3`, or `test_loss` for the final value."""

    def __str__(self) -> str:
        return f"{self.size:.2g} in {self.where}" if self.size else "0"


@dataclass(frozen=True)
class Verdict:
    """What came of training a trial again."""

    outcome: Literal["identical", "within tolerance", "different"]
    reason: str
    """By how much, in words."""

    @property
    def stands(self) -> bool:
        """Whether the record is confirmed."""
        return self.outcome != "different"

    def __str__(self) -> str:
        return f"{self.outcome}: {self.reason}"


def compare(stored: StoredTrial, again: "TrialResult") -> Verdict:
    """Compare final metrics, every epoch and every prediction of a record with those of another training of it.

    Identical is to the bit. Within tolerance are losses and predicted targets up to `TOLERANCE` apart, predicted
    classes of which at most `PREDICTIONS_PER_MILLE` differ, and accuracies that differ by no more than such a share.
    """
    if misfit := _misfit(stored, again):
        return Verdict("different", misfit)
    if _identical(stored, again):
        return Verdict("identical", "every metric, every epoch and every prediction, to the bit")
    loss, accuracy = (_largest(stored, again, kind) for kind in ("loss", "accuracy"))
    close, share, words = _predictions(stored.predicted, again.predicted)
    # A share such as 0.75 - 0.7375 is not exactly 1 / 80.
    within = close and loss.size <= TOLERANCE and accuracy.size <= share + 1e-9
    return Verdict(
        "within tolerance" if within else "different",
        f"losses differ by up to {loss} (tolerance {TOLERANCE:g}), accuracies by up to {accuracy}, {words}",
    )


def _predictions(before: np.ndarray, now: np.ndarray) -> tuple[bool, float, str]:
    """Return whether (n,) predictions are close, the share of them that may differ, and how far they are, in words."""
    if before.dtype.kind == "f":
        largest = float(np.abs(before - now).max(initial=0.0))
        return largest <= TOLERANCE, 0.0, f"predictions by up to {largest:.2g}"
    allowed = max(1, len(before) * PREDICTIONS_PER_MILLE // 1000)
    flips = int(np.count_nonzero(before != now))
    words = f"{flips} of {len(before)} predictions differ (tolerance {allowed})"
    return flips <= allowed, allowed / len(before), words


def surroundings(before: Environment, engine_before: str, now: Environment, engine_now: str) -> tuple[str, str]:
    """Return what of versions, hardware and code the record has and this training has not, and the reverse."""
    old, new = _facts(before, engine_before), _facts(now, engine_now)
    return ", ".join(fact for fact in old if fact not in new), ", ".join(fact for fact in new if fact not in old)


def _facts(environment: Environment, engine: str) -> list[str]:
    versions = [f"{name} {version}" for name, version in environment.packages.items()]
    commit = f"commit {environment.git_commit[:12]}" if environment.git_commit else "no commit"
    return list(
        dict.fromkeys([f"python {environment.python}", *versions, *engine.split(", "), environment.hardware, commit])
    )


def _misfit(stored: StoredTrial, again: "TrialResult") -> str:
    """Return why the two cannot be compared number by number, or nothing."""
    if stored.record.metrics.keys() != again.metrics.keys() or stored.history.keys() != again.history.keys():
        recorded = {*stored.record.metrics, *stored.history}
        return f"metrics {sorted({*again.metrics, *again.history})}, recorded {sorted(recorded)}"
    lengths = {name: (len(again.history[name]), len(values)) for name, values in stored.history.items()}
    for name, (now, before) in lengths.items():
        if now != before:
            return f"{now} epochs of {name}, recorded {before}"
    if stored.predicted.shape != again.predicted.shape:
        return f"{len(again.predicted)} predictions, recorded {len(stored.predicted)}"
    return ""


def _identical(stored: StoredTrial, again: "TrialResult") -> bool:
    curves = all(np.array_equal(stored.history[name], values) for name, values in again.history.items())
    return stored.record.metrics == again.metrics and curves and np.array_equal(stored.predicted, again.predicted)


def _largest(stored: StoredTrial, again: "TrialResult", kind: str) -> Deviation:
    """Return the largest deviation among the metrics whose name ends in `kind`, final values before epochs."""
    found = [
        Deviation(abs(value - again.metrics[name]), name)
        for name, value in stored.record.metrics.items()
        if name.endswith(kind)
    ]
    for name, values in stored.history.items():
        if name.endswith(kind) and len(values):
            gaps = np.abs(values - again.history[name])
            worst = int(gaps.argmax())
            found.append(Deviation(float(gaps[worst]), f"{name} of epoch {worst + 1}"))
    return max(found, key=lambda one: one.size, default=Deviation())
