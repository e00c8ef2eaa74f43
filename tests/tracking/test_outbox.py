from collections.abc import Callable
from pathlib import Path

import pytest

from tracking.manifest import StudyManifest
from tracking.outbox import Outbox
from tracking.record import Failure, RecordStore

StudyMaker = Callable[..., tuple[StudyManifest, RecordStore]]
SERVER = "http://me:secret@host:5000"
TWO_ARMS = {"original": [0.94, 0.93], "dropout1": [0.97, 0.96]}


@pytest.fixture
def folder(make_study: StudyMaker) -> Path:
    _, store = make_study(accuracies=TWO_ARMS, epochs=2)
    (store.folder / "report").mkdir()
    (store.folder / "report" / "report.md").write_text("# Report")
    return store.folder


def _deliver(outbox: Outbox) -> None:
    for item in outbox.owed():
        outbox.record(item, "run", "1")


def _names(outbox: Outbox) -> list[str]:
    return [item.key for item in outbox.owed()]


def test_everything_on_disk_is_owed_at_first_the_study_before_its_trials_in_plan_order(folder: Path) -> None:
    store = RecordStore(folder)
    store.write_failure(Failure(key="other", arm="original", seed=9, reason="NaN loss", attempts=1))
    planned = ["original-1", "dropout1-1", "original-2", "dropout1-2"]
    assert _names(Outbox(folder, SERVER)) == ["study", *planned, "other", "report"]


def test_looking_writes_nothing(folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    assert Outbox(folder, SERVER).owed()
    assert sorted(folder.rglob("*")) == before


def test_what_was_delivered_is_not_owed_even_after_a_restart(folder: Path) -> None:
    _deliver(Outbox(folder, SERVER))
    assert Outbox(folder, SERVER).owed() == []


def test_another_store_is_owed_everything(folder: Path) -> None:
    _deliver(Outbox(folder, SERVER))
    assert len(Outbox(folder, "http://another:5000").owed()) == 6


def test_a_changed_report_and_a_changed_manifest_are_owed_again(folder: Path) -> None:
    outbox = Outbox(folder, SERVER)
    _deliver(outbox)
    (folder / "report" / "table.csv").write_text("new")
    assert _names(outbox) == ["report"]
    (folder / "study.json").write_text((folder / "study.json").read_text().replace("Which", "What"))
    assert _names(outbox) == ["study", "report"]


def test_a_failure_that_was_followed_by_a_record_is_not_owed(folder: Path) -> None:
    outbox = Outbox(folder, SERVER)
    store = RecordStore(folder)
    failure = Failure(key="original-1", arm="original", seed=1, reason="killed", attempts=1)
    store.write_failure(failure)
    assert "failure" not in [item.kind for item in outbox.owed()]


def test_a_half_written_line_does_not_count_and_does_not_swallow_the_next(folder: Path) -> None:
    outbox = Outbox(folder, SERVER)
    _deliver(outbox)
    ledger = folder / "mlflow" / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-20])
    assert _names(outbox) == ["report"]
    _deliver(outbox)
    assert outbox.owed() == []


def test_a_store_that_forgot_is_owed_everything_again(folder: Path) -> None:
    outbox = Outbox(folder, SERVER)
    _deliver(outbox)
    outbox.forget()
    assert len(outbox.owed()) == 6
    assert outbox.parent() is None


def test_a_database_that_was_deleted_is_owed_everything_again(folder: Path, tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    database.touch()
    outbox = Outbox(folder, f"sqlite:///{database}")
    _deliver(outbox)
    assert outbox.owed() == []
    database.unlink()
    assert len(outbox.owed()) == 6


def test_a_study_without_a_manifest_owes_nothing_yet(folder: Path) -> None:
    (folder / "study.json").unlink()
    assert Outbox(folder, SERVER).owed() == []


def test_the_ledger_knows_no_credentials(folder: Path) -> None:
    _deliver(Outbox(folder, SERVER))
    ledger = (folder / "mlflow" / "ledger.jsonl").read_text()
    assert "http://host:5000" in ledger
    assert "secret" not in ledger
