"""Optuna's view of an ablation, in a real database: what was asked, what was told, and what a death leaves."""

import shutil
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState
from stored_trials import cell, stored

from search.sampler import CellQueue
from search.storage import default_storage
from studies.compose import compose
from studies.spec import StudySpec
from tracking.record import TrialRecord

DIED = """
import os, signal, sys
from pathlib import Path
from search.sampler import CellQueue
from search.storage import default_storage
from studies.spec import StudySpec
from tracking.manifest import PlannedTrial
queue = CellQueue(StudySpec.model_validate_json(sys.argv[1]), default_storage(Path(sys.argv[2])))
for seed in (1, 2):
    queue.ask(PlannedTrial(key=f"original{seed}", arm="original", setting={}, seed=seed))
os.kill(os.getpid(), signal.SIGKILL)
"""


def spec(*overrides: str) -> StudySpec:
    return compose(["study=dropout_ablation", *overrides]).study


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with Optuna's tables, which take half a second to make."""
    folder = tmp_path_factory.mktemp("optuna")
    optuna.storages.RDBStorage(default_storage(folder))
    return folder / "optuna.db"


@pytest.fixture
def storage(tmp_path: Path, empty_database: Path) -> str:
    shutil.copy(empty_database, tmp_path)
    return default_storage(tmp_path)


@pytest.fixture
def queue(storage: str) -> CellQueue:
    return CellQueue(spec(), storage)


def trials(storage: str) -> list[FrozenTrial]:
    """What someone who opens the only study in the database sees."""
    [name] = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage).trials


def states(storage: str) -> list[str]:
    return [trial.state.name for trial in trials(storage)]


def record(arm: str, seed: int, score: float = 0.75) -> TrialRecord:
    return stored(cell(arm, seed), score).record


def test_an_asked_cell_is_a_running_trial_with_its_arm_its_seed_and_its_key(queue: CellQueue, storage: str) -> None:
    queue.ask(cell("dropout1", 4))
    [trial] = trials(storage)
    assert trial.state == TrialState.RUNNING
    assert trial.params == {"arm": "dropout1", "seed": 4}
    assert trial.user_attrs == {"key": "dropout14", "record": "dropout_ablation/trials/dropout14/record.json"}


def test_cells_are_what_was_asked_for_in_that_order_whatever_optuna_would_propose(
    queue: CellQueue, storage: str
) -> None:
    cells = [cell(arm, seed) for seed in (1, 2, 3) for arm in ("dropout3", "original")]
    for asked in cells:
        queue.ask(asked)
    assert [trial.user_attrs["key"] for trial in trials(storage)] == [asked.key for asked in cells]
    assert [(trial.params["arm"], trial.params["seed"]) for trial in trials(storage)] == [
        (asked.arm, asked.seed) for asked in cells
    ]


def test_a_told_cell_is_complete_with_its_value_and_the_way_to_its_record(queue: CellQueue, storage: str) -> None:
    for seed in (1, 2):
        queue.ask(cell("original", seed))
    queue.tell(record("original", 2, score=0.25))
    queue.tell(record("original", 1, score=0.5))
    first, second = trials(storage)
    assert (first.state, first.value) == (TrialState.COMPLETE, 0.5)
    assert (second.state, second.value) == (TrialState.COMPLETE, 0.25)
    assert first.user_attrs["record"] == "dropout_ablation/trials/original1/record.json"


def test_a_cell_that_ended_without_a_record_is_failed_with_its_reason(queue: CellQueue, storage: str) -> None:
    queue.ask(cell("original", 1))
    queue.tell_failed("original1", "train_loss became nan")
    [trial] = trials(storage)
    assert trial.state == TrialState.FAIL
    record = "dropout_ablation/trials/original1/record.json"
    assert trial.user_attrs == {"key": "original1", "record": record, "reason": "train_loss became nan"}


def test_a_failed_cell_can_be_asked_again(queue: CellQueue, storage: str) -> None:
    queue.ask(cell("original", 1))
    queue.tell_failed("original1", "its worker process ended")
    queue.ask(cell("original", 1))
    queue.tell(record("original", 1))
    assert states(storage) == ["FAIL", "COMPLETE"]


@pytest.mark.parametrize(
    ("metric", "best"), [("test_accuracy", "dropout1"), ("test_loss", "original")], ids=["greater", "less"]
)
def test_the_direction_is_that_of_the_metric(metric: str, best: str, storage: str) -> None:
    queue = CellQueue(spec(f"study.metric={metric}"), storage)
    for arm, score in (("original", 0.25), ("dropout1", 0.75)):
        queue.ask(cell(arm, 1))
        queue.tell(record(arm, 1, score))
    [name] = optuna.get_all_study_names(storage)
    assert optuna.load_study(study_name=name, storage=storage).best_params["arm"] == best


def test_what_a_killed_coordinator_left_is_failed_and_what_has_a_record_is_told(storage: str, tmp_path: Path) -> None:
    died = subprocess.run(
        [sys.executable, "-c", DIED, spec().model_dump_json(), str(tmp_path)], timeout=60, check=False
    )
    assert died.returncode == -9
    assert states(storage) == ["RUNNING", "RUNNING"]
    queue = CellQueue(spec(), storage)
    queue.synchronise([record("original", 2, score=0.5)])
    assert states(storage) == ["FAIL", "FAIL", "COMPLETE"]
    last = trials(storage)[-1]
    assert (last.params, last.value) == ({"arm": "original", "seed": 2}, 0.5)
    assert last.user_attrs["key"] == "original2"
    assert last.user_attrs["record"] == "dropout_ablation/trials/original2/record.json"
    queue.ask(cell("original", 1))
    assert trials(storage)[-1].params == {"arm": "original", "seed": 1}


def test_a_record_is_told_once(queue: CellQueue, storage: str) -> None:
    queue.ask(cell("original", 1))
    queue.tell(record("original", 1))
    records = [record("original", 1), record("dropout1", 1)]
    for _ in range(3):
        CellQueue(spec(), storage).synchronise(records)
    assert sorted(trial.user_attrs["key"] for trial in trials(storage)) == ["dropout11", "original1"]
    assert set(states(storage)) == {"COMPLETE"}


def test_synchronising_an_empty_study_with_nothing_is_nothing(queue: CellQueue, storage: str) -> None:
    queue.synchronise([])
    assert trials(storage) == []


def test_more_replicates_and_other_budgets_stay_in_one_optuna_study(storage: str) -> None:
    CellQueue(spec(), storage)
    CellQueue(spec("study.replicates=9", "study.training.epochs=3", "study.arms.dropout1.rate=0.1"), storage)
    assert len(optuna.get_all_study_names(storage)) == 1


@pytest.mark.parametrize(
    "override", ["~study.arms.dropout3", "study.arms.more.rate=0.1", "study.metric=test_loss", "study.name=another"]
)
def test_other_arms_or_another_metric_are_another_optuna_study(override: str, storage: str) -> None:
    for overrides in ((), (override,)):
        queue = CellQueue(spec(*overrides), storage)
        queue.ask(cell("original", 1))
        queue.tell(record("original", 1))
    names = optuna.get_all_study_names(storage)
    assert len(names) == 2
    assert all(len(optuna.load_study(study_name=name, storage=storage).trials) == 1 for name in names)
