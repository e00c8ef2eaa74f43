"""Records on disk, the truth: `runs/STUDY/trials/KEY/` holds what one finished trial left.

    record.json     what was trained and what it scored (`TrialRecord`), with checksums of the files beside it
    history.csv     one row per epoch: epoch, then one column per metric
    predicted.npy   (n_test,) the class given to each test example
    correct.npy     (n_test,) bool, whether that class is right; absent where targets are numbers
    base.keras      of a frozen base: the trained model as it is, on which a search stands
    model.keras     the trained model for its users, if it is kept (see `tracking.kept_model`)

A folder appears at once and complete, and is never changed, but for a model that goes when a better one is there. A
failed trial leaves `runs/STUDY/failed/KEY.json` instead, which goes away when the key is finished.
"""

import hashlib
import io
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, ValidationError

from studies.spec import DataSpec, Declaration, Setting, TrainingSpec
from tracking import atomic
from tracking.saved_model import MODEL_FILE, SavedModel

METRICS = (
    *("train_accuracy", "train_loss"),
    *("validation_accuracy", "validation_loss"),
    *("test_accuracy", "test_loss"),
)
"""The metrics that a record may hold, in the order in which they are shown."""


class Environment(Declaration):
    """What a trial ran on."""

    python: str
    packages: dict[str, str]
    """Versions of the packages that take part in training."""
    hardware: str
    """Processor, cores and accelerator, in words."""
    host: str
    git_commit: str
    """Commit of the working tree, with `-dirty` if it had changes; empty outside a repository."""


Convolution = Literal["grouped", "patches"]
"""One convolution in groups, or products of patches with kernels (see `search.train.fused.convolution`)."""


class ExecutionPlan(Declaration):
    """How trials were computed on JAX; it changes their results by rounding only, and is no part of a key."""

    convolution: Convolution | None
    """The way that was the fastest where they were trained; null for a model without one."""
    epochs_per_call: int
    """Epochs at most between two looks at the group from outside."""


class Cost(Declaration):
    """What a trial took."""

    seconds: float
    """Wall time of training and evaluation, without the worker's start; of a fused trial, its share of it."""
    images_per_second: float
    """Training images per second of training time, evaluation left out."""
    peak_memory_mib: float
    """Largest resident memory of the worker process so far."""
    members: int = 1
    """Trials that were trained at once, as one program, this one included."""
    plan: ExecutionPlan | None = None
    """Null on TensorFlow, whose engine has one way only."""


class TrialRecord(Declaration):
    """One finished trial."""

    schema_version: Literal[1] = 1
    key: str
    """Hash of all that determines the result; the name of the trial's folder."""
    study: str
    """The study it was trained for; others may share the record."""
    arm: str
    setting: Setting
    seed: int
    model: str
    fold: int | None = None
    """Which fold was held out, where folds take turns."""
    dataset: str
    data_digest: str
    """Of the arrays that were used."""
    data: DataSpec = DataSpec()
    """What of the dataset was used, and how."""
    training: TrainingSpec
    engine: str
    metrics: dict[str, float]
    """Final metrics in inference mode on the whole training and test sets; accuracies as fractions, losses in nats."""
    cost: Cost
    started: datetime
    environment: Environment
    command: str
    """The shell command that trains exactly this trial."""
    files: dict[str, str] = Field(default={})
    """SHA-256 of each file beside the record, by name, but for `model.keras`; filled in when the record is written."""
    saved_model: SavedModel | None = None
    """The model file that was written with the record; it may have made room for a better one since."""


class Failure(Declaration):
    """A trial that did not finish."""

    key: str
    arm: str
    seed: int
    reason: str
    """One line: what ended it."""
    attempts: int
    details: str = ""
    """Traceback, if there is one."""


@dataclass(frozen=True)
class StoredTrial:
    """A record with its arrays."""

    record: TrialRecord
    history: dict[str, np.ndarray]
    """Metric name to (epochs,) float values, from the first epoch to the last."""
    predicted: np.ndarray
    """(n_test,) class given to each test example."""
    correct: np.ndarray | None
    """(n_test,) bool; None where targets are numbers and not classes."""
    base: bytes | None = None
    """Of a frozen base, the content of its `.keras` file, without which its record would be of no use."""


class DamagedRecordError(Exception):
    """A record on disk that is not whole."""


class RecordStore:
    """The trials of one study under `folder` (`runs/STUDY`)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trials = folder / "trials"
        self.failed = folder / "failed"

    def has(self, key: str) -> bool:
        """Return whether `key` is finished (without checking that its files are whole)."""
        return (self.trials / key / "record.json").is_file()

    def keys(self) -> list[str]:
        """Return the finished keys, sorted."""
        return sorted(path.parent.name for path in self.trials.glob("[!.]*/record.json"))

    def write(self, trial: StoredTrial, served: bytes | None = None) -> TrialRecord:
        """Put a finished trial on disk, atomically, and forget an earlier failure of its key.

        `served` is the content of the file that the record's `saved_model` describes.
        """
        files = {
            "history.csv": _history_csv(trial.history),
            "predicted.npy": _npy(trial.predicted),
        }
        if trial.correct is not None:
            files["correct.npy"] = _npy(trial.correct.astype(bool))
        if trial.base is not None:
            files["base.keras"] = trial.base
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        record = trial.record.model_copy(update={"files": digests})
        files["record.json"] = record.model_dump_json(indent=1).encode()
        if served is not None:
            files[MODEL_FILE] = served

        def fill(draft: Path) -> None:
            for name, content in files.items():
                (draft / name).write_bytes(content)

        atomic.write_folder(self.trials / record.key, fill)
        (self.failed / f"{record.key}.json").unlink(missing_ok=True)
        return record

    def read(self, key: str) -> StoredTrial:
        """Return the finished trial `key`.

        Raises:
            KeyError: there is no such trial.
            DamagedRecordError: its files are not what was written.
        """
        folder = self.trials / key
        if not folder.is_dir():
            raise KeyError(key)
        try:
            record = TrialRecord.model_validate_json((folder / "record.json").read_bytes())
            if record.key != key:
                raise DamagedRecordError(f"{folder} holds the record of {record.key}")
            content = {name: (folder / name).read_bytes() for name in record.files}
            for name, digest in record.files.items():
                if hashlib.sha256(content[name]).hexdigest() != digest:
                    raise DamagedRecordError(f"{folder / name} is not what was written")
            correct = content.get("correct.npy")
            return StoredTrial(
                record=record,
                history=_read_history(content["history.csv"]),
                predicted=np.load(io.BytesIO(content["predicted.npy"]), allow_pickle=False),
                correct=None if correct is None else np.load(io.BytesIO(correct), allow_pickle=False),
                base=content.get("base.keras"),
            )
        except (OSError, ValidationError, KeyError) as error:
            raise DamagedRecordError(f"{folder} is not whole: {str(error).splitlines()[0]}") from error

    def record(self, key: str) -> TrialRecord | None:
        """Return what is said of `key`, without looking at the files beside it; None if nothing readable is."""
        try:
            return TrialRecord.model_validate_json((self.trials / key / "record.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def model_file(self, key: str) -> Path | None:
        """Return the model of the finished trial `key`, or None if it has none (any more)."""
        path = self.trials / key / MODEL_FILE
        return path if path.is_file() else None

    def drop_model(self, key: str) -> None:
        """Remove the model of `key`; the rest of its record stays."""
        (self.trials / key / MODEL_FILE).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a killed coordinator left half-written. To be called by the only one there is."""
        for draft in self.trials.glob(".*"):
            shutil.rmtree(draft, ignore_errors=True)

    def set_aside(self, key: str) -> Path:
        """Move the damaged trial `key` out of the way, keeping it for inspection; return where it is now."""
        for number in range(1, 1000):
            target = self.folder / "damaged" / f"{key}.{number}"
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                return (self.trials / key).rename(target)
        raise FileExistsError(f"{self.folder / 'damaged'} is full of copies of {key}")

    def adopt(self, key: str, other: "RecordStore") -> None:
        """Copy the finished trial `key` of another study into this one."""
        source = other.trials / key

        def fill(draft: Path) -> None:
            for file in source.iterdir():
                # The other study may be run at this moment, and drop a model for a better one.
                with suppress(FileNotFoundError):
                    shutil.copyfile(file, draft / file.name)

        atomic.write_folder(self.trials / key, fill)
        (self.failed / f"{key}.json").unlink(missing_ok=True)

    def write_failure(self, failure: Failure) -> None:
        """Remember that a trial did not finish."""
        atomic.write_text(self.failed / f"{failure.key}.json", failure.model_dump_json(indent=1))

    def failures(self) -> Iterator[Failure]:
        """Yield the failures that are on disk and readable."""
        for path in sorted(self.failed.glob("[!.]*.json")):
            try:
                yield Failure.model_validate_json(path.read_bytes())
            except ValidationError:
                continue  # A note about a failure; losing it costs nothing, the key is trained again anyway.


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _history_csv(history: Mapping[str, np.ndarray]) -> bytes:
    """Write floats so that reading them gives the same bits."""
    lines = [",".join(["epoch", *history])]
    rows = zip(*(np.asarray(values).tolist() for values in history.values()), strict=True)
    lines += [",".join([str(epoch), *map(json.dumps, row)]) for epoch, row in enumerate(rows, start=1)]
    return ("\n".join(lines) + "\n").encode()


def _read_history(content: bytes) -> dict[str, np.ndarray]:
    header, *rows = content.decode().splitlines()
    table = np.array([[float(cell) for cell in row.split(",")] for row in rows], dtype=np.float64)
    return {name: table[:, column] for column, name in enumerate(header.split(",")) if column > 0}
