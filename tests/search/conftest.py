"""Places in which a small study runs."""

from pathlib import Path

import pytest
from small_study import Place, make_place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return a fresh working folder."""
    return make_place(tmp_path)
