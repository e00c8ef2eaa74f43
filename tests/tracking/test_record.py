"""Records on disk: whole, checked, never changed, and the same bits when read again."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from stored_trials import cell, stored

from tracking.record import DamagedRecordError, Failure, RecordStore, StoredTrial, TrialRecord

TRIAL = cell("plain", 1)
FILES = ["correct.npy", "history.csv", "predicted.npy", "record.json"]


@pytest.fixture
def store(tmp_path: Path) -> RecordStore:
    return RecordStore(tmp_path / "runs" / "small")


def failure(key: str = TRIAL.key) -> Failure:
    return Failure(key=key, arm="plain", seed=1, reason="train_loss became nan", attempts=1)


def same(one: StoredTrial, other: StoredTrial) -> bool:
    arrays = [(one.predicted, other.predicted), (one.correct, other.correct)]
    arrays += [(one.history[name], other.history[name]) for name in one.history]
    return list(one.history) == list(other.history) and all(
        a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in arrays
    )


def test_what_is_read_is_what_was_written_to_the_bit(store: RecordStore) -> None:
    trial = stored(TRIAL, score=0.1 + 0.2, epochs=40)
    written = store.write(trial)
    read = store.read(TRIAL.key)
    assert read.record == written
    assert read.record.model_copy(update={"files": {}}) == trial.record
    assert same(read, trial)


@pytest.mark.parametrize("value", [5e-324, 1e308, 1 / 3, -0.0, 1e-7, float("inf"), float("nan")])
def test_any_float_in_a_history_comes_back(store: RecordStore, value: float) -> None:
    trial = stored(TRIAL)
    trial.history["test_loss"][0] = value
    store.write(trial)
    assert store.read(TRIAL.key).history["test_loss"].tobytes() == trial.history["test_loss"].tobytes()


def test_a_record_is_a_folder_of_files_that_other_tools_read(store: RecordStore) -> None:
    trial = stored(TRIAL)
    store.write(trial)
    folder = store.trials / TRIAL.key
    assert sorted(path.name for path in folder.iterdir()) == FILES
    content = json.loads((folder / "record.json").read_text())
    assert (content["arm"], content["seed"], content["setting"]) == ("plain", 1, {"rate": 0.5})
    assert content["metrics"]["test_accuracy"] == 0.75
    assert sorted(content["files"]) == FILES[:3]
    table = np.genfromtxt(folder / "history.csv", delimiter=",", names=True)
    assert table["epoch"].tolist() == [1, 2, 3]
    assert table["test_loss"].tolist() == trial.history["test_loss"].tolist()
    assert np.load(folder / "correct.npy").dtype == np.bool_


def test_a_record_of_an_unknown_form_is_not_guessed_at() -> None:
    content = json.loads(stored(TRIAL).record.model_dump_json())
    for change in ({"schema_version": 2}, {"surprise": 1}, {"seed": "one"}):
        with pytest.raises(ValidationError):
            TrialRecord.model_validate({**content, **change})


def test_a_finished_trial_is_never_written_over(store: RecordStore) -> None:
    store.write(stored(TRIAL))
    before = (store.trials / TRIAL.key / "record.json").read_bytes()
    with pytest.raises(FileExistsError):
        store.write(stored(TRIAL, score=0.1))
    assert (store.trials / TRIAL.key / "record.json").read_bytes() == before


def test_finished_keys_are_known_without_reading_them(store: RecordStore) -> None:
    assert store.keys() == []
    assert not store.has("plain1")
    for arm in ("plain", "dropped"):
        store.write(stored(cell(arm, 1)))
    assert store.keys() == ["dropped1", "plain1"]
    assert store.has("plain1")


def test_an_unknown_key_is_a_key_error(store: RecordStore) -> None:
    with pytest.raises(KeyError):
        store.read("nothing")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("part", [0, 0.5, 0.99])
def test_a_record_with_a_file_cut_short_is_damaged(store: RecordStore, name: str, part: float) -> None:
    store.write(stored(TRIAL))
    path = store.trials / TRIAL.key / name
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(DamagedRecordError) as caught:
        store.read(TRIAL.key)
    assert TRIAL.key in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", FILES)
def test_a_record_with_a_file_gone_is_damaged(store: RecordStore, name: str) -> None:
    store.write(stored(TRIAL))
    (store.trials / TRIAL.key / name).unlink()
    with pytest.raises(DamagedRecordError):
        store.read(TRIAL.key)


@pytest.mark.parametrize("files", [{}, {"history.csv": "0" * 64}, {"history.csv": "0" * 64, "../../x": "0" * 64}])
def test_a_record_whose_checksums_were_tampered_with_is_damaged(store: RecordStore, files: dict[str, str]) -> None:
    store.write(stored(TRIAL))
    path = store.trials / TRIAL.key / "record.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "files": files}))
    with pytest.raises(DamagedRecordError):
        store.read(TRIAL.key)


def test_a_record_in_another_trials_folder_is_damaged(store: RecordStore) -> None:
    store.write(stored(TRIAL))
    (store.trials / TRIAL.key).rename(store.trials / "dropped1")
    with pytest.raises(DamagedRecordError):
        store.read("dropped1")


def test_a_damaged_trial_is_set_aside_as_often_as_it_takes_and_kept(store: RecordStore) -> None:
    for number in (1, 2):
        store.write(stored(TRIAL))
        path = store.trials / TRIAL.key / "record.json"
        path.write_text(f"damage {number}")
        where = store.set_aside(TRIAL.key)
        assert where == store.folder / "damaged" / f"plain1.{number}"
        assert (where / "record.json").read_text() == f"damage {number}"
        assert not store.has(TRIAL.key)


def test_a_failure_is_remembered_until_its_key_is_finished(store: RecordStore) -> None:
    store.write_failure(failure())
    store.write_failure(failure("dropped1"))
    assert list(store.failures()) == [failure("dropped1"), failure()]
    store.write(stored(TRIAL))
    assert list(store.failures()) == [failure("dropped1")]
    assert not store.has("dropped1"), "a failed trial is not a finished one"


def test_a_later_failure_replaces_an_earlier_one(store: RecordStore) -> None:
    store.write_failure(failure())
    again = failure().model_copy(update={"attempts": 2, "reason": "its worker process ended"})
    store.write_failure(again)
    assert list(store.failures()) == [again]


def test_an_unreadable_note_about_a_failure_is_passed_over(store: RecordStore) -> None:
    store.write_failure(failure())
    (store.failed / "dropped1.json").write_text('{"key": "dropp')
    assert list(store.failures()) == [failure()]


def test_a_trial_of_another_study_is_adopted_whole(store: RecordStore, tmp_path: Path) -> None:
    other = RecordStore(tmp_path / "runs" / "other")
    trial = stored(TRIAL, study="other")
    other.write(trial)
    store.write_failure(failure())
    store.adopt(TRIAL.key, other)
    assert same(store.read(TRIAL.key), trial)
    assert store.read(TRIAL.key).record.study == "other"
    assert list(store.failures()) == []
    assert other.has(TRIAL.key), "it is copied, not moved"


def test_a_history_whose_metrics_differ_in_length_is_not_written(store: RecordStore) -> None:
    trial = stored(TRIAL)
    trial.history["test_loss"] = trial.history["test_loss"][:-1]
    with pytest.raises(ValueError, match="shorter"):
        store.write(trial)
    assert not store.folder.exists()
