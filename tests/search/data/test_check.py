"""Arrays that cannot be used are refused in a line or two that names the array and what was found."""

import re
from typing import Any

import numpy as np
import pytest

from search.data.check import check_images
from studies.errors import InputError


def arrays(**changes: Any) -> dict[str, np.ndarray]:
    """Twelve images of three classes to train on, six to test, with `changes`; None leaves one out."""
    pixels = np.random.default_rng(0)
    whole = {
        "x_train": pixels.integers(0, 256, (12, 8, 6, 3), dtype=np.uint8),
        "y_train": np.arange(12) % 3,
        "x_test": pixels.integers(0, 256, (6, 8, 6, 3), dtype=np.uint8),
        "y_test": np.arange(6) % 3,
    }
    return {name: array for name, array in {**whole, **changes}.items() if array is not None}


def floats(count: int, **kinds: Any) -> np.ndarray:
    return np.linspace(0, 1, count * 48).reshape(count, 8, 6, 1).astype(kinds.get("dtype", np.float64))


def test_valid_arrays_become_images_with_int32_labels() -> None:
    images = check_images(arrays(), "a.npz")
    assert (images.y_train.dtype, images.y_test.dtype) == (np.int32, np.int32)
    assert images.input_shape == (8, 6, 3)


def test_classes_without_names_are_named_by_number() -> None:
    assert check_images(arrays(), "a.npz").class_names == ("0", "1", "2")


@pytest.mark.parametrize("names", [np.array(["a", "b", "ü", "d"]), np.array(["a", "b", "ü".encode(), "d"], "S")])
def test_class_names_are_kept_even_for_a_class_without_images(names: np.ndarray) -> None:
    assert check_images(arrays(class_names=names), "a.npz").class_names == ("a", "b", "ü", "d")


def test_images_without_a_channel_axis_get_one() -> None:
    grey = arrays(x_train=np.zeros((12, 8, 6), np.uint8), x_test=np.zeros((6, 8, 6), np.uint8))
    assert check_images(grey, "a.npz").input_shape == (8, 6, 1)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4"])
def test_float_images_become_native_float32(dtype: str) -> None:
    images = check_images(arrays(x_train=floats(12, dtype=dtype), x_test=floats(6, dtype=dtype)), "a.npz")
    assert images.x_train.dtype == np.dtype("=f4") and images.x_train.dtype.isnative
    assert (images.x_train.min(), images.x_train.max()) == (0, 1)


def test_tracks_are_kept() -> None:
    track = np.arange(12, dtype=np.uint16) // 4
    kept = check_images(arrays(track_train=track), "a.npz").track_train
    assert kept is not None and kept.dtype == np.int32 and np.array_equal(kept, track)


NAN, LOUD = floats(12), floats(12) * 255
NAN[0, 0, 0, 0] = np.nan

REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "images with four channels": (
        {"x_train": np.zeros((12, 8, 6, 4), np.uint8)},
        "`x_train`",
        "(12, 8, 6, 4)",
    ),
    "images in a flat table": ({"x_test": np.zeros((6, 48), np.uint8)}, "`x_test`", "(6, 48)"),
    "no images to train on": (
        {"x_train": np.zeros((0, 8, 6, 3), np.uint8)},
        "`x_train`",
        "at least one image",
    ),
    "no images to test": ({"x_test": np.zeros((0, 8, 6, 3), np.uint8)}, "`x_test`", "at least one image"),
    "images without pixels": ({"x_train": np.zeros((12, 0, 6, 3), np.uint8)}, "`x_train`", "(12, 0, 6, 3)"),
    "images of wide integers": ({"x_train": np.zeros((12, 8, 6, 3), np.int64)}, "`x_train`", "int64"),
    "images of truth values": ({"x_test": np.zeros((6, 8, 6, 3), bool)}, "`x_test`", "bool"),
    "images of texts": ({"x_train": np.full((12, 8, 6, 3), "a")}, "`x_train`", "<U1"),
    "test images of another size": ({"x_test": np.zeros((6, 9, 6, 3), np.uint8)}, "`x_test`", "(9, 6, 3)"),
    "test images of another type": ({"x_test": np.zeros((6, 8, 6, 3))}, "`x_test`", "float"),
    "floats up to 255": ({"x_train": LOUD}, "`x_train`", "values from 0 to 255"),
    "floats below zero": ({"x_test": floats(6) - 0.5}, "`x_test`", "values from -0.5 to 0.5"),
    "a pixel that is not a number": ({"x_train": NAN}, "`x_train`", "1 values that are not finite"),
    "no pixel that is a number": ({"x_train": np.full((12, 8, 6, 1), np.nan)}, "`x_train`", "not finite"),
    "fewer labels than images": ({"y_train": np.zeros(11, int)}, "`y_train`", "(11,)"),
    "one-hot labels": ({"y_test": np.eye(6, dtype=int)}, "`y_test`", "(6, 6)"),
    "labels in a column": ({"y_test": np.zeros((6, 1), int)}, "`y_test`", "(6, 1)"),
    "float labels": ({"y_train": np.arange(12) % 3 / 1}, "`y_train`", "float64"),
    "negative labels": ({"y_train": np.arange(12) % 3 - 1}, "`y_train`", "from -1 to 1"),
    "negative test labels": ({"y_test": np.arange(6) % 3 - 1}, "`y_test`", "from -1 to 1"),
    "a label without a name": ({"class_names": np.array(["a", "b"])}, "`y_train`", "from 0 to 2"),
    "a label in the millions": ({"y_train": np.arange(12) * 10**6}, "`y_train`", "11000000 among 12"),
    "a label beyond 64 bits": (
        {"y_train": np.full(12, 2**64 - 1, np.uint64)},
        "`y_train`",
        "18446744073709551615",
    ),
    "an untrained test label": ({"y_test": np.arange(6)}, "`y_test`", "3, 4, 5"),
    "a huge test label": ({"y_test": np.full(6, 2**63 + 1, np.uint64)}, "`y_test`", "9223372036854775809"),
    "only one class": ({"y_train": np.zeros(12, int)}, "`y_train`", "two classes"),
    "class names that are numbers": ({"class_names": np.arange(3)}, "`class_names`", "int64"),
    "class names in a table": ({"class_names": np.full((3, 1), "a")}, "`class_names`", "(3, 1)"),
    "a class name in two lines": ({"class_names": np.array(["a", "b\nc", "d"])}, "`class_names`", r"b\nc"),
    "an empty class name": ({"class_names": np.array(["a", "", "d"])}, "`class_names`", "printable"),
    "fewer tracks than images": ({"track_train": np.zeros(3, int)}, "`track_train`", "(3,)"),
    "float tracks": ({"track_train": np.zeros(12)}, "`track_train`", "float64"),
    "tracks that do not fit": ({"track_train": np.full(12, 2**40)}, "`track_train`", "32 bits"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_naming_the_array_the_file_and_what_was_found(case: str) -> None:
    changes, array, found = REFUSED[case]
    with pytest.raises(InputError, match=re.escape(array)) as refusal:
        check_images(arrays(**changes), "my/a.npz")
    assert found in str(refusal.value) and "my/a.npz" in str(refusal.value)
    assert len(str(refusal.value).splitlines()) <= 2
