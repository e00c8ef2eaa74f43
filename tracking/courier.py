"""Carries what a study owes to MLflow, item by item, and notes each in the ledger."""

import logging
import math
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from studies.secrets import masked
from tracking.manifest import FILE_NAME, StudyManifest
from tracking.model_content import model_content, registration
from tracking.model_files import put_model_files
from tracking.outbox import Item, Outbox
from tracking.record import DamagedRecordError, Failure, RecordStore
from tracking.run_content import RunContent, failure_run, study_run, trial_run
from tracking.run_files import (
    description,
    put_failure_files,
    put_report_files,
    put_study_files,
    put_trial_files,
)
from tracking.trouble import plainly

if TYPE_CHECKING:
    from tracking.mlflow_models import MlflowModels
    from tracking.mlflow_store import MlflowStore, StudyRun

_LOGGER = logging.getLogger(__name__)


class BusyError(Exception):
    """Another process delivers this study."""


@dataclass(frozen=True)
class Outcome:
    """What one round of deliveries came to."""

    delivered: int
    owed: int
    reason: str = ""
    """Why something is still owed: the last error, in one line, without credentials."""


@dataclass(frozen=True)
class _Session:
    store: "MlflowStore"
    models: "MlflowModels"
    study: "StudyRun"
    pictures: Path


class Courier:
    """Delivers one study to one store; MLflow is imported with the first item that is owed."""

    def __init__(self, folder: Path, tracking_uri: str) -> None:
        self.folder = folder
        self.outbox = Outbox(folder, tracking_uri)
        self.records = RecordStore(folder)
        # Held from the first delivery to the end of the process: what the session remembers is then true.
        self._lock = FileLock(self.outbox.home / "lock")
        self._session: _Session | None = None
        self._reported = -math.inf

    def deliver(self, wait_seconds: float = 0.0, report_every: float = 0.0) -> Outcome:
        """Deliver everything that is owed, until two failures in a row: those are the store's, not an item's.

        Args:
            wait_seconds: for another process that delivers this study.
            report_every: seconds; a report is not owed so soon after the last one, which it mostly repeats.

        Raises:
            BusyError: another process has had the study's lock for `wait_seconds`.
        """
        if not self._due(report_every):
            return Outcome(0, 0)
        self._take_lock(wait_seconds)
        delivered, failures, reason = 0, 0, ""
        try:
            session = self._open()
            for item in self._due(report_every):
                try:
                    self._deliver(item, session)
                except Exception as error:
                    reason, failures = _line(error), failures + 1
                    _LOGGER.warning("%s %s was not delivered: %s", item.kind, item.key, reason)
                    if failures == 2 or item.kind == "study":
                        break
                else:
                    delivered, failures = delivered + 1, 0
        except Exception as error:
            reason = _line(error)
            _LOGGER.warning("%s does not answer: %s", self.outbox.address.public, reason)
        if reason:
            self._session = None  # Looks again at what is there before the next try.
        return Outcome(delivered, len(self._due(report_every)), reason)

    def verify(self) -> str:
        """Have everything owed again if the store no longer has the study; a database may get deleted.

        Returns:
            Why the store could not be asked; empty if it could.

        Raises:
            BusyError: another process delivers this study.
        """
        if self.outbox.parent() is None:
            return ""
        self._take_lock(0.0)
        try:
            self._forget_what_is_gone(self._connect())
        except Exception as error:
            return _line(error)
        return ""

    def close(self) -> None:
        """Let another process deliver this study."""
        self._session = None
        self._lock.release()

    def _due(self, report_every: float) -> list[Item]:
        held = time.monotonic() < self._reported + report_every
        return [item for item in self.outbox.owed() if not (held and item.kind == "report")]

    def _take_lock(self, wait_seconds: float) -> None:
        if self._lock.is_locked:
            return
        self.outbox.home.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=wait_seconds)
        except Timeout:
            raise BusyError(f"Another process is delivering {self.folder.name} to MLflow.") from None

    def _connect(self) -> "MlflowStore":
        from tracking.mlflow_store import MlflowStore

        return MlflowStore(self.outbox.address, self.folder.parent / "mlflow-artifacts")

    def _open(self) -> _Session:
        """Return the connection, made and checked once, and again after a failure."""
        from tracking.mlflow_models import MlflowModels

        if self._session is None:
            store = self._connect()
            self._forget_what_is_gone(store)
            study = store.open_study(self._study_run(self._manifest()))
            pictures = self.outbox.home / "graphs"
            pictures.mkdir(exist_ok=True)
            self._session = _Session(store, MlflowModels(store.client), study, pictures)
        return self._session

    def _forget_what_is_gone(self, store: "MlflowStore") -> None:
        parent = self.outbox.parent()
        if parent is not None and not store.has(parent):
            _LOGGER.warning("the store lost the study's run; everything is delivered again")
            self.outbox.forget()

    def _deliver(self, item: Item, session: _Session) -> None:
        manifest, store, study = self._manifest(), session.store, session.study
        with self._scratch() as files:
            run_id = study.run_id
            if item.kind == "trial":
                trial = self.records.read(item.key)
                put_trial_files(self.records.trials / item.key, trial, manifest, session.pictures, files)
                run_id = store.put_trial(study, trial_run(trial, manifest), files)
            elif item.kind == "failure":
                path = self.records.failed / f"{item.key}.json"
                failure, failed = Failure.model_validate_json(path.read_bytes()), _modified(path)
                put_failure_files(failure, files)
                run_id = store.put_trial(study, failure_run(failure, failed, manifest), files)
            elif item.kind == "model":
                trial, run_id = self.records.read(item.key), study.children[item.key].run_id
                put_model_files(self.records, trial.record, files)
                session.models.put(study.experiment_id, run_id, model_content(trial, manifest), files)
            elif item.kind == "registration":
                trial, run_id = self.records.read(item.digest), study.children[item.digest].run_id
                session.models.register(study.experiment_id, run_id, registration(item.digest, trial, manifest))
            else:
                put = put_report_files if item.kind == "report" else put_study_files
                put(self.folder, files)
                store.put_study(study, self._study_run(manifest), files)
        self.outbox.record(item, run_id, study.experiment_id)
        if item.kind == "report":
            self._reported = time.monotonic()

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        """Give a folder for the files of one run; what a killed process left of its own goes first."""
        for leftover in self.outbox.home.glob("draft-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="draft-", dir=self.outbox.home) as name:
            yield Path(name)

    def _manifest(self) -> StudyManifest:
        manifest = self.outbox.manifest()
        if manifest is None:
            raise DamagedRecordError(f"{self.folder / FILE_NAME} cannot be read")
        return manifest

    def _study_run(self, manifest: StudyManifest) -> RunContent:
        """Return the study's run as of now; it ends with its last trial, once all and a report are there."""
        report = self.folder / "report"
        ends = {path.parent.name: _modified(path) for path in self.records.trials.glob("[!.]*/record.json")}
        ends |= {path.stem: _modified(path) for path in self.records.failed.glob("[!.]*.json")}
        complete = report.is_dir() and all(trial.key in ends for trial in manifest.trials)
        started = min([_modified(self.folder / FILE_NAME), *ends.values()])
        ended = max(ends.values(), default=None) if complete else None
        return study_run(manifest, self.outbox.folder_id(), description(report), (started, ended))


def _modified(path: Path) -> int:
    """Return when `path` was written, in milliseconds since 1970."""
    return path.stat().st_mtime_ns // 1_000_000


def _line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return masked(plainly(text)[:400])
