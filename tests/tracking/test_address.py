from pathlib import Path

import pytest

from studies.errors import InputError
from tracking.address import check, resolve


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_without_a_word_about_it_the_store_is_a_database_in_the_runs_folder(tmp_path: Path) -> None:
    assert resolve(None, tmp_path).file == tmp_path / "mlflow.db"


def test_the_variable_is_honoured_when_the_study_names_no_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://variable:5000")
    assert resolve(None, tmp_path).uri == "http://variable:5000"
    assert resolve("http://study:5000", tmp_path).uri == "http://study:5000"


def test_the_variable_brings_the_credentials_of_an_address_written_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:secret@host/db")
    assert resolve("postgresql://host/db", tmp_path).uri == "postgresql://me:secret@host/db"


def test_a_server_gets_user_and_password_in_variables_of_their_own() -> None:
    assert check("https://me:s%40cret@host").environment() == {
        "MLFLOW_TRACKING_URI": "https://host",
        "MLFLOW_TRACKING_USERNAME": "me",
        "MLFLOW_TRACKING_PASSWORD": "s@cret",
    }


def test_a_relative_database_has_the_same_name_from_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert check("sqlite:///a.db").public == f"sqlite:///{tmp_path / 'a.db'}"


@pytest.mark.parametrize("uri", ["mlruns", "file:///mlruns", "sqlite://", "sqlite:///:memory:", "ftp://me:secret@host"])
def test_what_is_neither_server_nor_database_is_refused_without_repeating_a_password(uri: str) -> None:
    with pytest.raises(InputError, match="`tracking_uri` must be the address of") as refused:
        check(uri)
    assert "secret" not in str(refused.value)
