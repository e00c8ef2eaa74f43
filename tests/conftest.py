"""What all tests share."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from small_study import Place, finished_place


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return a folder that the processes of this test run have in common."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session", autouse=True)
def _programs_are_compiled_once(common: Path) -> None:
    """Let processes on JAX find what another has compiled: XLA takes longer than all that the tests train."""
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(common / "compiled")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.05"


Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def once(common: Path) -> Once:
    """Return a function that returns a folder of that name, filled in the first process that asks; the others wait."""

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder, whole = common / f"once-{name}", common / f"once-{name}.whole"
        with FileLock(common / f"once-{name}.lock"):
            if not whole.exists():
                shutil.rmtree(folder, ignore_errors=True)  # Of one who failed.
                folder.mkdir()
                make(folder)
                whole.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def finished(once: Once) -> Place:
    """Return a place where the small study has run, undisturbed. Tests may read it, not change it."""

    def make(folder: Path) -> None:
        place = finished_place(folder, is_shown=True)
        if "still owed" in (folder / "output.txt").read_text():  # A busy machine: a study waits a minute, no longer.
            done = place.run("study=small", module="tracking.publish")
            assert done.returncode == 0, done.stdout + done.stderr

    return Place(once("finished", make))


@pytest.fixture(scope="session")
def empty_database(once: Once) -> Path:
    """Return a database with MLflow's tables, which take a hundred migrations to make. Tests copy it."""

    def make(folder: Path) -> None:
        from mlflow import MlflowClient

        MlflowClient(f"sqlite:///{folder / 'mlflow.db'}").search_experiments(max_results=1)

    return once("empty-database", make) / "mlflow.db"
