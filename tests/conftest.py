"""What all tests share."""

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def _programs_are_compiled_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> None:
    """Let processes on JAX find what another has compiled: XLA takes longer than all that the tests train."""
    base = tmp_path_factory.getbasetemp()
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str((base if worker_id == "master" else base.parent) / "compiled")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.2"
