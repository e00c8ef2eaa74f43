"""Which trials of a plan are on disk: in the study's own folder, in another's, whole or not."""

from pathlib import Path

import pytest
from stored_trials import cell, stored

from search.recorded import find_recorded
from tracking.record import RecordStore

PLAN = [cell(arm, seed) for seed in (1, 2) for arm in ("plain", "dropped")]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def store(runs: Path) -> RecordStore:
    return RecordStore(runs / "small")


def everything(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_study_that_never_ran_has_everything_to_train_and_still_has_no_folder(runs: Path, store: RecordStore) -> None:
    recorded = find_recorded(PLAN, store, runs)
    assert list(recorded.missing) == PLAN
    assert (recorded.finished, recorded.elsewhere, recorded.damaged) == ((), (), ())
    assert not runs.exists()


def test_what_is_finished_is_not_trained_again_and_the_rest_stays_in_plan_order(runs: Path, store: RecordStore) -> None:
    written = store.write(stored(PLAN[1]))
    recorded = find_recorded(PLAN, store, runs)
    assert recorded.finished == (written,)
    assert list(recorded.missing) == [PLAN[0], PLAN[2], PLAN[3]]


def test_what_another_study_has_finished_is_taken_from_there(runs: Path, store: RecordStore) -> None:
    other = RecordStore(runs / "other")
    other.write(stored(PLAN[0], study="other"))
    [(trial, where)] = (recorded := find_recorded(PLAN, store, runs)).elsewhere
    assert (trial, where.folder) == (PLAN[0], runs / "other")
    assert recorded.missing == tuple(PLAN[1:])
    store.adopt(trial.key, where)
    assert find_recorded(PLAN, store, runs).finished[0].study == "other", "the record says who trained it"


def test_ones_own_record_is_preferred_to_anothers(runs: Path, store: RecordStore) -> None:
    mine = store.write(stored(PLAN[0]))
    RecordStore(runs / "other").write(stored(PLAN[0], study="other"))
    recorded = find_recorded(PLAN, store, runs)
    assert (recorded.finished, recorded.elsewhere) == ((mine,), ())


@pytest.mark.parametrize("name", ["record.json", "history.csv", "predicted.npy", "correct.npy"])
@pytest.mark.parametrize("harm", ["cut in half", "changed", "gone"])
def test_a_damaged_record_is_trained_again_and_nothing_is_touched_by_looking(
    name: str, harm: str, runs: Path, store: RecordStore
) -> None:
    for trial in PLAN[:2]:
        store.write(stored(trial))
    victim = store.trials / PLAN[0].key / name
    content = victim.read_bytes()
    match harm:
        case "cut in half":
            victim.write_bytes(content[: len(content) // 2])
        case "changed":
            victim.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
        case "gone":
            victim.unlink()
    before = everything(runs)
    recorded = find_recorded(PLAN, store, runs)
    assert recorded.damaged == (PLAN[0],)
    assert list(recorded.missing) == [PLAN[0], PLAN[2], PLAN[3]]
    assert [record.key for record in recorded.finished] == [PLAN[1].key]
    assert everything(runs) == before


def test_a_damaged_record_of_another_study_is_passed_over_for_a_whole_one(runs: Path, store: RecordStore) -> None:
    for name in ("a", "b"):
        RecordStore(runs / name).write(stored(PLAN[0], study=name))
    (runs / "a" / "trials" / PLAN[0].key / "history.csv").write_text("epoch\n")
    [(_, where)] = find_recorded(PLAN, store, runs).elsewhere
    assert where.folder.name == "b"
    (runs / "b" / "trials" / PLAN[0].key / "history.csv").write_text("epoch\n")
    recorded = find_recorded(PLAN, store, runs)
    assert (recorded.elsewhere, recorded.damaged) == ((), ())
    assert list(recorded.missing) == PLAN


def test_an_unfinished_draft_is_no_record(runs: Path, store: RecordStore) -> None:
    store.write(stored(PLAN[0]))
    (store.trials / PLAN[0].key).rename(store.trials / f".{PLAN[0].key}.draft")
    assert list(find_recorded(PLAN, store, runs).missing) == PLAN
    assert store.keys() == []
