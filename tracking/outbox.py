"""What MLflow has not been told yet: what is on disk minus what a ledger says was delivered.

There is no queue that could be lost or get out of step. `runs/STUDY/mlflow/ledger.jsonl` has one line per
delivery to one store; whatever is on disk with another content, or without a line, is owed. So what a killed
process delivered and did not note is delivered again, which `tracking.mlflow_store` makes harmless.
"""

import hashlib
import json
import os
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from studies.errors import InputError
from tracking import atomic
from tracking.address import StoreAddress, check
from tracking.manifest import FILE_NAME, StudyManifest, read_manifest
from tracking.record import RecordStore
from tracking.shown_models import confirmed_best, settled_models

Kind = Literal["study", "trial", "failure", "model", "registration", "report"]


@dataclass(frozen=True)
class Item:
    """Something on disk that MLflow is to show."""

    kind: Kind
    key: str
    """The trial's key; `study`, `registration` and `report` for those."""
    digest: str
    """SHA-256 of the content on disk, or the key of what is to be registered: another one is owed again."""


@dataclass(frozen=True)
class Delivery:
    """One line of the ledger."""

    kind: Kind | Literal["forgotten"]
    """`forgotten`: the store lost everything that the lines before told it."""
    key: str
    digest: str
    run_id: str
    tracking_uri: str
    """Without credentials."""
    experiment_id: str


class Ledger:
    """The deliveries of one study to one store, append-only."""

    def __init__(self, path: Path, tracking_uri: str) -> None:
        self.path = path
        self.tracking_uri = tracking_uri

    def read(self) -> dict[tuple[str, str], Delivery]:
        """Return the last delivery of each (kind, key); a line that a crash cut in half does not count."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return {}
        found: dict[tuple[str, str], Delivery] = {}
        for line in lines:
            delivery = _parse(line)
            if delivery is None or delivery.tracking_uri != self.tracking_uri:
                continue
            if delivery.kind == "forgotten":
                found.clear()
            else:
                found[delivery.kind, delivery.key] = delivery
        return found

    def add(self, delivery: Delivery) -> None:
        """Append one line and wait until it is on the disk."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab+") as file:
            if file.tell() and not _ends_in_newline(self.path):
                file.write(b"\n")  # Ends the half-written line of a crash, which would swallow this one.
            file.write(json.dumps(asdict(delivery)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


class Outbox:
    """What one study owes to one store."""

    def __init__(self, folder: Path, tracking_uri: str) -> None:
        """Look at the study in `folder` (`runs/STUDY`); nothing is written until something is delivered."""
        self.folder = folder
        self.address: StoreAddress = check(tracking_uri)
        self.home = folder / "mlflow"
        self.ledger = Ledger(self.home / "ledger.jsonl", self.address.public)
        self._digests: dict[Path, tuple[tuple[int, int, int], str]] = {}

    def owed(self) -> list[Item]:
        """Return what is on disk and not delivered: the study, trials in plan order, failures, models, the report.

        A study without a readable manifest owes nothing: there is no run yet that its trials could belong to.
        """
        manifest = self.manifest()
        if manifest is None:
            return []
        file = self.address.file
        delivered = self.ledger.read() if file is None or file.is_file() else {}
        digests = {name: delivery.digest for name, delivery in delivered.items()}
        return [item for item in self._on_disk(manifest) if digests.get((item.kind, item.key)) != item.digest]

    def manifest(self) -> StudyManifest | None:
        """Return the study's manifest, or None while there is none that can be read."""
        try:
            return read_manifest(self.folder.parent, self.folder.name)
        except InputError:
            return None

    def record(self, item: Item, run_id: str, experiment_id: str) -> None:
        """Note that `item` has been delivered."""
        self.ledger.add(
            Delivery(item.kind, item.key, item.digest, run_id, self.address.public, experiment_id),
        )

    def forget(self) -> None:
        """Note that the store no longer has what was delivered, so that all of it is owed again."""
        self.ledger.add(Delivery("forgotten", "", "", "", self.address.public, ""))

    def parent(self) -> str | None:
        """Return the id of the study's run as far as the ledger knows it."""
        delivery = self.ledger.read().get(("study", "study"))
        return delivery.run_id if delivery else None

    def experiment(self) -> str | None:
        """Return the id of the study's experiment as far as the ledger knows it."""
        delivery = self.ledger.read().get(("study", "study"))
        return delivery.experiment_id if delivery else None

    def folder_id(self) -> str:
        """Return a name that no other folder has, by which the study's run is found; made at first."""
        path = self.home / "folder_id"
        if not path.is_file():
            atomic.write_text(path, uuid.uuid4().hex)
        return path.read_text(encoding="utf-8").strip()

    @property
    def trouble(self) -> str:
        """Why the store did not take what it is owed, when it was last tried, in one line; empty if it did."""
        try:
            return self._trouble.read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    def note_trouble(self, reason: str) -> None:
        """Keep `reason` for whoever shows the running study; an empty one says that all is well."""
        if reason == self.trouble:
            return
        if reason:
            atomic.write_text(self._trouble, reason)
        else:
            self._trouble.unlink(missing_ok=True)

    @property
    def _trouble(self) -> Path:
        return self.home / "trouble.txt"

    def _on_disk(self, manifest: StudyManifest) -> list[Item]:
        store = RecordStore(self.folder)
        finished, planned = store.keys(), {trial.key: place for place, trial in enumerate(manifest.trials)}
        finished.sort(key=lambda key: planned.get(key, len(planned)))
        items = [Item("study", "study", self._digest([self.folder / FILE_NAME]))]
        items += [Item("trial", key, self._digest([store.trials / key / "record.json"])) for key in finished]
        failed = [path for path in sorted(store.failed.glob("[!.]*.json")) if not store.has(path.stem)]
        items += [Item("failure", path.stem, self._digest([path])) for path in failed]
        items += self._models_on_disk(manifest, store)
        if report := report_files(self.folder):
            items.append(Item("report", "report", self._digest(report)))
        return items

    def _models_on_disk(self, manifest: StudyManifest, store: RecordStore) -> list[Item]:
        """Return the models that will stay, and what a search's registered model is to be."""
        settled = settled_models(manifest, store)
        # A record has its model's digest in it, so that large files need not be read to know that they are the same.
        items = [Item("model", key, self._digest([store.trials / key / "record.json"])) for key in settled]
        if settled and (best := confirmed_best(manifest, store)):
            items.append(Item("registration", "registration", best))
        return items

    def _digest(self, files: Iterable[Path]) -> str:
        """Return one SHA-256 of names and contents; a file is read again only when it was written again."""
        parts = [f"{file.relative_to(self.folder)} {self._file_digest(file)}" for file in files]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _file_digest(self, file: Path) -> str:
        try:
            status = file.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if file not in self._digests or self._digests[file][0] != stamp:
                self._digests[file] = (stamp, hashlib.sha256(file.read_bytes()).hexdigest())
        except FileNotFoundError:
            return ""  # Went away while we looked; the next look sees what is there then.
        return self._digests[file][1]


def report_files(folder: Path) -> list[Path]:
    """Return the files of the study's report, sorted, drafts left out."""
    files = (path for path in (folder / "report").rglob("[!.]*") if path.is_file())
    return sorted(files)


def _parse(line: bytes) -> Delivery | None:
    try:
        return Delivery(**json.loads(line))
    except (ValueError, TypeError):
        return None


def _ends_in_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
