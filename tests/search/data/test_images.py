from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from search.data.images import Images, digest

IMAGES = Images(
    x_train=np.arange(48, dtype=np.uint8).reshape(4, 2, 2, 3),
    y_train=np.array([0, 1, 0, 1], np.int32),
    x_test=np.arange(24, dtype=np.uint8).reshape(2, 2, 2, 3),
    y_test=np.array([0, 1], np.int32),
    class_names=("a", "b"),
)


def test_equal_images_have_one_digest_wherever_they_lie_in_memory() -> None:
    scattered = replace(IMAGES, x_train=np.asfortranarray(IMAGES.x_train), y_test=np.array([0, 9, 1, 9], np.int32)[::2])
    assert digest(scattered) == digest(IMAGES)
    assert len(digest(IMAGES)) == 64


@pytest.mark.parametrize(
    "change",
    [
        {"x_train": IMAGES.x_train[::-1]},
        {"x_train": IMAGES.x_train.reshape(4, 2, 2, 3).transpose(0, 2, 1, 3)},
        {"x_train": IMAGES.x_train.reshape(4, 1, 4, 3)},
        {"y_test": IMAGES.y_test.astype(np.int64)},
        {"class_names": ("a", "b", "c")},
        {"class_names": ("a", "B")},
        {"track_train": np.zeros(4, np.int32)},
    ],
    ids=["order", "pixels", "shape", "dtype", "more classes", "class name", "tracks"],
)
def test_any_difference_changes_the_digest(change: dict[str, Any]) -> None:
    assert digest(replace(IMAGES, **change)) != digest(IMAGES)
