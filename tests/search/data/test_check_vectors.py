"""Arrays for regression: float vectors with a target each, from a file or from the built-in wave."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.data.check_vectors import check_vectors
from search.data.prepared import PreparedData, prepare
from search.data.sine import NOISE, make_sine
from studies.errors import InputError
from studies.spec import DatasetSpec, DataSpec, SuggestedTraining

SUGGESTED = SuggestedTraining(epochs=1, batch_size=1)


def arrays(**changes: Any) -> dict[str, np.ndarray]:
    whole = {
        "x_train": np.linspace(-9, 9, 24).reshape(12, 2),
        "y_train": np.linspace(-1, 1, 12),
        "x_test": np.linspace(-5, 5, 6).reshape(3, 2),
        "y_test": np.linspace(-1, 1, 3),
    }
    return {**whole, **changes}


@pytest.fixture
def table(tmp_path: Path) -> PreparedData:
    np.savez(tmp_path / "a.npz", **arrays())  # type: ignore[arg-type]  # its stub takes a keyword for a flag
    spec = DatasetSpec(name="npz", dir=str(tmp_path), file="a.npz", suggested=SUGGESTED)
    return prepare(spec, tmp_path / "runs")


def test_a_table_with_float_targets_is_a_regression(table: PreparedData) -> None:
    images = table.open()
    assert (table.task, table.input_shape, table.class_names) == ("regression", (2,), ())
    assert (images.x_train.dtype, images.y_train.dtype) == (np.float32, np.float32)
    assert images.x_train[0].tolist() == pytest.approx([-9, -9 + 18 / 23])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"x_test": np.zeros((3, 3))}, "vectors of one length. Received: 2 and 3"),
        ({"x_test": np.zeros((3, 2), int)}, "`x_test` in a.npz must hold floats of shape (n, features)"),
        ({"x_train": np.zeros((0, 2))}, "`x_train` in a.npz must hold at least one number"),
        ({"x_train": np.full((12, 2), 1e300)}, "Received: 24 that do not"),
        ({"y_train": np.zeros(11)}, "`y_train` in a.npz must have the shape (12,)"),
        ({"y_test": np.zeros(3, int)}, "`y_test` in a.npz must hold floats"),
        ({"y_test": np.array([0, np.nan, 1])}, "`y_test` in a.npz must hold finite numbers"),
        ({"class_names": np.array(["a"])}, "`class_names` in a.npz must be left out"),
        ({"track_train": np.zeros(3, int)}, "`track_train` in a.npz must have the shape (12,)"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        check_vectors(arrays(**changes), "a.npz")


def test_the_wave_is_a_sine_with_noise_of_the_stated_size() -> None:
    images = make_sine()
    assert (images.x_train.shape, images.y_train.shape) == ((400, 1), (400,))
    assert (images.x_test.shape, images.y_test.shape) == ((200, 1), (200,))
    assert images.x_train.min() >= -1 and images.x_train.max() < 1
    rest = images.y_train - np.sin(2 * np.pi * images.x_train[:, 0])
    # Within four standard errors of 400 draws.
    assert abs(rest.mean()) < 4 * NOISE / 20 and abs(rest.std() / NOISE - 1) < 4 / np.sqrt(800)


def test_the_wave_is_the_same_each_time_and_can_be_limited_and_split(tmp_path: Path) -> None:
    spec = DatasetSpec(name="sine", suggested=SUGGESTED)
    use = DataSpec.model_validate({"train_limit": 100, "validation": {"folds": 5}})
    first, again = prepare(spec, tmp_path / "a", data_spec=use), prepare(spec, tmp_path / "b", data_spec=use)
    assert first.digest == again.digest
    assert (first.n_train, first.n_test, first.task) == (100, 200, "regression")
