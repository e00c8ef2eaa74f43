import os
import subprocess
import sys
from pathlib import Path

import pytest

from tracking.provenance import environment, git_commit


def _git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(("git", *identity, *arguments), cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "--quiet")
    (tmp_path / "file").write_text("one")
    _git(tmp_path, "add", "file")
    _git(tmp_path, "commit", "--quiet", "-m", "first")
    _git(tmp_path, "tag", "-a", "v1", "-m", "a tag must not replace the hash")
    return tmp_path


def test_the_environment_names_python_packages_hardware_and_host() -> None:
    found = environment()
    assert found.python == ".".join(map(str, sys.version_info[:3]))
    assert {"tensorflow", "keras", "keras-tuner", "optuna", "mlflow", "numpy"} == set(found.packages)
    assert f"{len(os.sched_getaffinity(0))} core" in found.hardware
    assert found.host


def test_asking_for_the_environment_imports_nothing_heavy() -> None:
    code = (
        "import sys; from tracking.provenance import environment; environment();"
        "sys.exit(bool({'tensorflow', 'keras', 'mlflow', 'optuna'} & set(sys.modules)))"
    )
    assert subprocess.run((sys.executable, "-c", code), check=False).returncode == 0


def test_a_clean_working_directory_gives_its_commit(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    assert environment().git_commit == _git(repository, "rev-parse", "HEAD")


def test_a_changed_working_directory_says_so(repository: Path) -> None:
    (repository / "file").write_text("two")
    assert git_commit(repository) == _git(repository, "rev-parse", "HEAD") + "-dirty"


def test_outside_a_repository_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_commit(tmp_path) == ""


def test_without_git_there_is_no_commit(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository))
    assert git_commit(repository) == ""
