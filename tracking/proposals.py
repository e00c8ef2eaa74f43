"""What a search has proposed: `runs/STUDY/proposals/DESIGN.jsonl`, one line per proposal, in the order of asking.

Together with the records it is the truth about a search: a coordinator that starts again goes on from here, whatever
became of Optuna's own storage.
"""

import json
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from pydantic import Field, ValidationError

from studies.spec import Declaration, Scalar, Setting


class Parameter(Declaration):
    """One hyperparameter of a search, as it was resolved from the model and the study file."""

    name: str
    """Of a model's hyperparameter, or `training.FIELD`."""
    choices: tuple[Scalar, ...] = ()
    """The values to choose from; empty for a range."""
    low: int | float | None = None
    high: int | float | None = None
    step: int | float | None = None
    log: bool = False
    whole: bool = False
    """Whether a range is one of whole numbers."""
    when: dict[str, tuple[Scalar, ...]] = Field(default={})
    """Other hyperparameters, and the values of each under which this one is asked for."""

    @property
    def steps(self) -> int:
        """How many steps of a range fit between its ends."""
        low, high, step = (Decimal(str(number)) for number in (self.low, self.high, self.step or 1))
        return int((high - low) // step)

    def at(self, place: int) -> int | float:
        """Return the value of a range after `place` steps, in decimals as Optuna counts: 0.2 + 2 * 0.2 is 0.6."""
        value = Decimal(str(self.low)) + place * Decimal(str(self.step or 1))
        return int(value) if self.whole else float(value)

    def is_active(self, values: Mapping[str, Scalar]) -> bool:
        """Return whether a setting that has `values` has this hyperparameter too."""
        return all(parent in values and values[parent] in allowed for parent, allowed in self.when.items())


class Proposal(Declaration):
    """One answer of the sampler."""

    number: int
    """From 0, in the order of asking."""
    optuna: int
    """Number of the trial in the Optuna study."""
    arm: str
    """The name under which the setting is trained; that of an earlier proposal, if it is the same setting."""
    values: dict[str, Scalar]
    """What the sampler chose."""
    setting: Setting
    """The values of all hyperparameters, those that are fixed included."""
    training: dict[str, Scalar] = Field(default={})
    """What it changes in the study's training, such as `{"batch_size": 32, "augmentation.crop": 28}`."""
    keys: tuple[str, ...]
    """Of the trials of the setting: one per seed and fold."""
    repeated: bool = False
    """Whether an earlier proposal was the same setting: it is not trained again."""


class ProposalLog:
    """The proposals of one search, append-only."""

    def __init__(self, folder: Path, design: str) -> None:
        """Read and write in `folder` (`runs/STUDY`) what belongs to `design` (see `SearchManifest`)."""
        self.path = folder / "proposals" / f"{design}.jsonl"

    def read(self) -> list[Proposal]:
        """Return the proposals in order; a line that a crash cut in half, and was never trained, does not count."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        found: list[Proposal] = []
        for line in lines:
            try:
                found.append(Proposal.model_validate(json.loads(line)))
            except (ValueError, ValidationError):
                continue
        return found

    def add(self, proposal: Proposal) -> None:
        """Append one line and wait until it is on the disk."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            if file.tell() and not self._ends_a_line():
                file.write(b"\n")  # Ends the half-written line of a crash, which would swallow this one.
            file.write(proposal.model_dump_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _ends_a_line(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"
