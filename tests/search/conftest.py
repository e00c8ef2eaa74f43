"""Places in which a small study runs, or has run."""

from collections.abc import Callable
from pathlib import Path

import pytest
from small_study import SEARCH, Place, finished_place, make_place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return a fresh working folder."""
    return make_place(tmp_path)


@pytest.fixture(scope="session")
def searched(once: Callable[[str, Callable[[Path], object]], Path]) -> Place:
    """Return a place where the small search has run, undisturbed. Tests may read it and run it again, not change it; a
    copy would not do for all, since its images are looked at anew."""
    return Place(once("searched", lambda folder: finished_place(folder, SEARCH, is_shown=True)))
