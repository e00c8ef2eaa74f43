"""Where a long trial has got to, on disk, so that after a kill it goes on from there to the same bits.

`CHECKPOINTS/KEY/` holds the last state of one trial:

    checkpoint.json    which epoch it is of, the curves so far, and the SHA-256 of the arrays (`_Card`)
    epoch-000040.npz   weights, optimizer, the states of random layers, and the best weights so far if needed
    next.json          the card to come, for a moment only

The card is replaced when its arrays are on the disk, and only then the arrays before them go: whenever the process is
killed, the card that is there has its arrays beside it.

Trials that are trained as one program are saved together or not at all, since what goes on apart sums in another order.
All lay down arrays and `next.json` before the first takes its own as its card; who was killed before it could take its
own finds on loading that another of its company did, and takes it then.
"""

import hashlib
import io
import shutil
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError

from search.train.stopping import StoppingState
from studies.declaration import Declaration
from tracking import atomic

FOLDER_NAME = "checkpoints"
EVERY_SECONDS = 120.0
"""The least time between two checkpoints of a trial; a shorter trial has none."""
_CARD, _NEXT = "checkpoint.json", "next.json"


@dataclass(frozen=True)
class Snapshot:
    """A trial between two epochs."""

    history: Mapping[str, Sequence[float]]
    """Metric to a value for each epoch so far."""
    state: Sequence[Any]
    """All that training changes, as arrays in the order of the engine that made them."""
    stopping: StoppingState | None
    seconds: float
    """Wall time so far."""
    training_seconds: float
    """Of it, what training took, evaluation left out."""
    started: datetime

    @property
    def epochs(self) -> int:
        """How many are done."""
        return len(next(iter(self.history.values()), ()))


class _Card(Declaration):
    schema_version: Literal[1] = 1
    key: str
    arrays: str
    """Name of the file."""
    sha256: str
    history: dict[str, list[float]]
    best: float | None
    waited: int | None
    seconds: float
    training_seconds: float
    started: datetime
    company: tuple[str, ...] = ()
    """Keys of all that were saved together, where there is more than one."""


class Checkpoint:
    """The checkpoint of one trial, written by whoever trains it: nobody else has its state.

    Args:
        folder: of all checkpoints; the trial has a folder of its own in it, which is made with the first one.
        key: of the trial.
        resumed: told the curves so far, by metric, when a trial goes on.
        complain: told in one line that a checkpoint cannot be used, or not be written.
        every_seconds: the least time between two.
    """

    def __init__(
        self,
        folder: Path,
        key: str,
        resumed: Callable[[Mapping[str, Sequence[float]]], None],
        complain: Callable[[str], None],
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._home, self._key = folder / key, key
        self._resumed, self._complain = resumed, complain
        self._every = every_seconds
        self._written = time.monotonic()
        self._complained = False

    def load(self, like: Iterable[Any]) -> Snapshot | None:
        """Return where the trial was, or None if it begins; what cannot be used is set aside.

        Args:
            like: arrays of the shapes and types that the state must have.
        """
        self._catch_up()
        if not (self._home / _CARD).is_file():
            return None
        try:
            snapshot = self._read([(tuple(one.shape), np.dtype(one.dtype)) for one in like])
        except FileNotFoundError:
            self._set_aside("its arrays are missing")
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            self._set_aside(str(error).splitlines()[0])
        else:
            self._resumed(snapshot.history)
            return snapshot
        return None

    def is_due(self) -> bool:
        """Return whether it is time for the next one."""
        return time.monotonic() >= self._written + self._every

    def write(self, snapshot: Snapshot) -> None:
        """Put `snapshot` in the place of the one before; a disk that does not take it costs the trial nothing."""
        write_together([(self, snapshot)])

    def _prepare(self, snapshot: Snapshot, company: tuple[str, ...]) -> None:
        """Lay down all of `snapshot` beside what is there."""
        stopping = snapshot.stopping
        best = () if stopping is None or stopping.weights is None else stopping.weights
        buffer = io.BytesIO()
        np.savez(buffer, *(np.asarray(one) for one in (*snapshot.state, *best)), allow_pickle=False)
        card = _Card(
            key=self._key,
            arrays=f"epoch-{snapshot.epochs:06d}.npz",
            sha256=hashlib.sha256(buffer.getbuffer()).hexdigest(),
            history={metric: list(values) for metric, values in snapshot.history.items()},
            best=None if stopping is None else stopping.best,
            waited=None if stopping is None else stopping.waited,
            seconds=snapshot.seconds,
            training_seconds=snapshot.training_seconds,
            started=snapshot.started,
            company=company,
        )
        atomic.write_bytes(self._home / card.arrays, buffer.getvalue())
        atomic.write_text(self._home / _NEXT, card.model_dump_json(indent=1))

    def _take(self) -> None:
        """Make what was laid down the checkpoint."""
        atomic.rename(self._home / _NEXT, self._home / _CARD)
        arrays = _read_card(self._home / _CARD).arrays
        for path in self._home.iterdir():
            if path.name not in (arrays, _CARD):
                path.unlink()

    def _catch_up(self) -> None:
        """Take what was laid down, if another of the company did so before the process was killed."""
        with suppress(OSError, ValueError):
            card = _read_card(self._home / _NEXT)
            others = (self._home.with_name(key) / _CARD for key in card.company)
            if any(_read_card(other).arrays == card.arrays for other in others if other.is_file()):
                self._take()

    def _say_once(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            self._complain(f"its checkpoint cannot be written ({error}); it goes on without")

    def _read(self, shapes: Sequence[tuple[tuple[int, ...], np.dtype[Any]]]) -> Snapshot:
        card = _read_card(self._home / _CARD)
        if card.key != self._key:  # The key covers the engine's version.
            raise ValueError(f"it is of trial {card.key}")
        content = (self._home / card.arrays).read_bytes()
        if hashlib.sha256(content).hexdigest() != card.sha256:
            raise ValueError(f"{card.arrays} is not what was written")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            all_of = [arrays[f"arr_{number}"] for number in range(len(arrays.files))]
        state, best = all_of[: len(shapes)], all_of[len(shapes) :]
        if [(one.shape, one.dtype) for one in state] != list(shapes):
            raise ValueError("it is of another model")
        stopping = None
        if card.best is not None and card.waited is not None:
            stopping = StoppingState(card.best, card.waited, best or None)
        return Snapshot(card.history, state, stopping, card.seconds, card.training_seconds, card.started)

    def _set_aside(self, reason: str) -> None:
        aside = self._home.with_name(f"{self._key}.damaged")
        shutil.rmtree(aside, ignore_errors=True)  # One is enough to look at.
        with suppress(OSError):
            self._home.rename(aside)
        self._complain(f"its checkpoint cannot be used ({reason}): set aside as {aside.name}, it begins anew")


def write_together(snapshots: Sequence[tuple[Checkpoint, Snapshot]]) -> None:
    """Put the snapshot of each checkpoint in the place of the one before: of all or, if the disk or a kill is in the
    way, of none."""
    company = tuple(checkpoint._key for checkpoint, _ in snapshots) if len(snapshots) > 1 else ()
    at_hand = None
    try:
        for at_hand, snapshot in snapshots:
            at_hand._prepare(snapshot, company)
        for at_hand, _ in snapshots:
            at_hand._take()
    except OSError as error:
        if at_hand is not None:
            at_hand._say_once(error)
    now = time.monotonic()
    for checkpoint, _ in snapshots:
        checkpoint._written = now


def _read_card(path: Path) -> _Card:
    try:
        return _Card.model_validate_json(path.read_bytes())
    except ValidationError:
        raise ValueError(f"{path.name} cannot be read") from None


def discard(folder: Path, key: str) -> None:
    """Remove the checkpoint of `key` from `folder`, if it has one: its trial is over."""
    shutil.rmtree(folder / key, ignore_errors=True)


def kept(folder: Path) -> list[str]:
    """Return the keys of the trials that have a checkpoint in `folder`, sorted."""
    return sorted(path.parent.name for path in folder.glob(f"*/{_CARD}") if "." not in path.parent.name)
