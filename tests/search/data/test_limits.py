"""The first so many images: exactly those, with a digest of their own."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.data.prepared import PreparedData, prepare, stage
from studies.errors import InputError
from studies.spec import DatasetSpec, DataSpec, SuggestedTraining


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    """Of twelve training images: a b a b a b a b c c a a."""
    x = np.arange(18, dtype=np.uint8)[:, None, None].repeat(4, 1).repeat(4, 2)
    y = np.array([0, 1] * 4 + [2, 2, 0, 0])
    np.savez(
        tmp_path / "a.npz",
        x_train=x[:12],
        y_train=y,
        x_test=x[12:],
        y_test=np.arange(6) % 3,
        class_names=np.array(["a", "b", "c"]),
        track_train=np.arange(12) // 2,
    )
    return DatasetSpec(name="npz", dir=str(tmp_path), file="a.npz", suggested=SuggestedTraining(epochs=1, batch_size=1))


def prepared(spec: DatasetSpec, **data: Any) -> PreparedData:
    assert spec.dir is not None
    return prepare(spec, Path(spec.dir) / "runs", data_spec=DataSpec(**data))


def test_the_first_images_are_kept_and_no_others(spec: DatasetSpec) -> None:
    data = prepared(spec, train_limit=9, test_limit=2)
    images = data.open()
    assert (data.n_train, data.n_test) == (9, 2)
    assert images.x_train[:, 0, 0, 0].tolist() == list(range(9))
    assert images.x_test[:, 0, 0, 0].tolist() == [12, 13]
    assert images.track_train is not None and images.track_train.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4]


def test_the_digest_is_that_of_the_images_used(spec: DatasetSpec) -> None:
    whole, part = prepared(spec), prepared(spec, train_limit=9)
    assert whole.digest != part.digest and whole.folder != part.folder
    assert prepared(spec, train_limit=12, test_limit=6) == whole
    assert prepared(spec, train_limit=9) == part
    assert prepared(spec) == whole


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"train_limit": 13}, "`study.data.train_limit` must be at most 12, the size of the training set of npz (or "),
        ({"test_limit": 7}, "`study.data.test_limit` must be at most 6, the size of the test set of npz (or "),
        ({"train_limit": 8}, "`study.data.train_limit` must be at least 9, to leave images of each class"),
        ({"train_limit": 8}, "Received: 8, which leaves none of class 'c'."),
        (
            {"train_limit": 9, "validation": {"fraction": 0.6}},
            "fraction=0.6, which leaves none of the 1 of class 'c'",
        ),
        ({"validation": {"folds": 3}}, "`study.data.validation.folds` must be at most 2"),
        ({"train_limit": 9, "validation": {"folds": 2, "group": "track"}}, "at most 1"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_before_anything_is_written(
    spec: DatasetSpec, data: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        prepared(spec, **data)
    assert spec.dir is not None and not (Path(spec.dir) / "runs").exists()


def test_a_split_is_tried_again_where_the_data_are_known(spec: DatasetSpec, tmp_path: Path) -> None:
    prepared(spec)
    with pytest.raises(InputError, match="folds"):
        stage(spec, tmp_path / "runs", data_spec=DataSpec.model_validate({"validation": {"folds": 3}}))
