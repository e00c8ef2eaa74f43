"""One Postgres for all tests of the service."""

import gc
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from postgres_server import Postgres, program
from small_study import Place, make_place


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running server for all tests, each of which makes a database of its own."""
    program("initdb")
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    user = None
    if psutil.Process().uids().effective == 0:  # Postgres refuses to run as root.
        user = "postgres"
        shutil.chown(folder, user)
    server = Postgres(folder, user)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return a fresh working folder."""
    return make_place(tmp_path)


@pytest.fixture(autouse=True)
def _connections_end_with_their_test() -> Iterator[None]:
    """Let go of the pools that a test opened by Optuna's storages, not in the middle of a test that hears of it."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
