"""Optuna's storage in a real Postgres: the same answers, a restart in the middle, and no password anywhere."""

import os
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import quote

import optuna
import pytest
from optuna.trial import TrialState
from postgres_server import PASSWORD, Postgres
from small_study import SEARCH, Place, make_place
from stored_trials import cell, stored

from search.sampler import CellQueue
from search.storage import StorageLostError, check, open_storage, resolve
from studies.compose import compose
from studies.errors import InputError
from studies.secrets import without_credentials

SECRETS = (PASSWORD, quote(PASSWORD, safe=""))
SHORTER = (
    "study.search.settings=3",
    "study.search.confirm.settings=1",
    "study.search.confirm.replicates=2",
    "study.training.epochs=1",
)


@pytest.fixture
def database(postgres: Postgres, request: pytest.FixtureRequest) -> str:
    """Return the address of an empty database, password included."""
    return postgres.database(request.node.name[:60])


def run(place: Place, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        place.command("search.run", "executor.workers=1", *arguments),
        cwd=place.folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def what_contains(secret: str, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


def test_cells_are_asked_and_told_in_postgres_as_in_a_file(database: str, tmp_path: Path) -> None:
    spec = compose(["study=dropout_ablation"]).study
    for _ in range(2):  # The second is a coordinator that continues.
        queue = CellQueue(spec, resolve(database, tmp_path))
        queue.synchronise([stored(cell("original", 1), 0.5).record])
    queue.ask(cell("dropout1", 1))
    queue.tell(stored(cell("dropout1", 1), 0.75).record)
    reopened = open_storage(resolve(database, tmp_path))
    [name] = optuna.get_all_study_names(reopened)
    trials = optuna.load_study(study_name=name, storage=reopened).trials
    assert [(trial.params["arm"], trial.value) for trial in trials] == [("original", 0.5), ("dropout1", 0.75)]


def test_a_search_keeps_its_proposals_in_postgres_and_its_password_nowhere(database: str, tmp_path: Path) -> None:
    place = make_place(tmp_path, SEARCH, is_shown=True)
    done = run(place, *SHORTER, OPTUNA_STORAGE=database)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    storage = open_storage(resolve(database, tmp_path))
    studies = [optuna.load_study(study_name=name, storage=storage) for name in optuna.get_all_study_names(storage)]
    # Three proposals, and two arms with two seeds each in the confirmation.
    assert sorted(len(study.trials) for study in studies) == [3, 4]
    assert all(trial.state == TrialState.COMPLETE for study in studies for trial in study.trials)
    assert not (place.folder / "runs" / "optuna.db").exists()
    for secret in SECRETS:
        assert secret not in said
        assert what_contains(secret, place.folder) == []


def test_a_password_given_on_the_command_line_is_not_repeated(database: str, tmp_path: Path) -> None:
    place = make_place(tmp_path, is_shown=True)
    done = run(place, f"storage='{database}'", "study.training.epochs=1", "study.replicates=2")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    for secret in SECRETS:
        assert secret not in said
        assert what_contains(secret, place.folder) == []
    given = f"storage='{without_credentials(database)}'"
    again = run(place, given, "study.training.epochs=1", "study.replicates=2", OPTUNA_STORAGE=database)
    assert "nothing to train" in again.stdout


def test_the_variable_has_the_password_of_an_address_without_one(
    database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPTUNA_STORAGE", database)
    check(resolve(without_credentials(database), tmp_path))


def test_what_is_asked_while_postgres_restarts_is_answered_when_it_is_back(
    postgres: Postgres, database: str, tmp_path: Path
) -> None:
    queue = CellQueue(compose(["study=dropout_ablation"]).study, resolve(database, tmp_path))
    queue.ask(cell("original", 1))
    postgres.stop()
    threading.Timer(2.0, postgres.start).start()
    began = time.monotonic()
    queue.tell(stored(cell("original", 1), 0.5).record)
    assert time.monotonic() - began >= 2.0
    queue.ask(cell("original", 2))
    queue.tell(stored(cell("original", 2), 0.75).record)
    reopened = open_storage(resolve(database, tmp_path))
    [name] = optuna.get_all_study_names(reopened)
    assert [trial.value for trial in optuna.load_study(study_name=name, storage=reopened).trials] == [0.5, 0.75]


def test_a_transaction_that_is_cut_off_is_a_lost_storage_without_its_password(database: str, tmp_path: Path) -> None:
    from sqlalchemy import text

    storage = open_storage(resolve(database, tmp_path))
    with pytest.raises(StorageLostError) as lost, storage.engine.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert "went away" in str(lost.value)
    assert not any(secret in str(lost.value) for secret in SECRETS)


@pytest.mark.parametrize("trouble", ["wrong password", "nobody there", "no database"])
def test_a_storage_that_cannot_be_used_is_said_at_once_and_nothing_is_written(
    trouble: str, postgres: Postgres, place: Place
) -> None:
    address = {
        "wrong password": postgres.url(password="mistaken"),
        "nobody there": postgres.url().replace(str(postgres.port), "1"),
        "no database": postgres.url("missing"),
    }[trouble]
    before = place.files()
    began = time.monotonic()
    done = run(place, OPTUNA_STORAGE=address)
    assert time.monotonic() - began < 10
    assert done.returncode == 2, done.stdout + done.stderr
    assert "`storage` 'postgresql+psycopg://***@127.0.0.1" in done.stderr
    assert "mistaken" not in done.stderr
    assert not any(secret in done.stderr for secret in SECRETS)
    assert len(done.stderr.strip().splitlines()) <= 2
    assert place.files() == before


@pytest.mark.parametrize("given", ["redis://localhost", "optuna.db", "postgresql:optuna"])
def test_an_address_that_is_no_databases_is_named(given: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="`storage` must be the URL of a database"):
        resolve(given, tmp_path)
