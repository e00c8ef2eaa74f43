"""Places in which a small study runs, or has run."""

from pathlib import Path

import pytest
from small_study import Place, finished_place, make_place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return a fresh working folder."""
    return make_place(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return a place where the small study has run, undisturbed. Tests may read it, not change it."""
    return finished_place(tmp_path_factory.mktemp("finished"))
