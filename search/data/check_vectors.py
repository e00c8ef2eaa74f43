"""What is required of arrays for regression: vectors of numbers, with one target each."""

from collections.abc import Mapping

import numpy as np

from search.data.check import check_tracks
from search.data.images import Images
from studies.errors import InputError


def is_regression(arrays: Mapping[str, np.ndarray]) -> bool:
    """Return whether `arrays` are meant for regression: a table of inputs and floats as targets."""
    return arrays["x_train"].ndim == 2 and arrays["y_train"].dtype.kind == "f"


def check_vectors(arrays: Mapping[str, np.ndarray], where: str) -> Images:
    """Return `arrays` as valid data for regression: everything as float32.

    Args:
        arrays: x_train and x_test, (n, features) floats; y_train and y_test, (n,) floats; if there are tracks,
            track_train, (n_train,) integers.
        where: what the arrays were read from, for the error.

    Raises:
        InputError: naming the array that cannot be used, what was expected of it and what was received.
    """
    if "class_names" in arrays:
        raise InputError(f"`class_names` in {where} must be left out: `y_train` holds floats, targets of a regression.")
    x_train, x_test = (_table(arrays[name], f"`{name}` in {where}") for name in ("x_train", "x_test"))
    if x_train.shape[1] != x_test.shape[1]:
        raise InputError(
            f"`x_train` and `x_test` in {where} must hold vectors of one length. "
            f"Received: {x_train.shape[1]} and {x_test.shape[1]}."
        )
    track = arrays.get("track_train")
    return Images(
        x_train=x_train,
        y_train=_targets(arrays["y_train"], len(x_train), f"`y_train` in {where}"),
        x_test=x_test,
        y_test=_targets(arrays["y_test"], len(x_test), f"`y_test` in {where}"),
        class_names=(),
        track_train=None if track is None else check_tracks(track, len(x_train), f"`track_train` in {where}"),
    )


def _table(x: np.ndarray, field: str) -> np.ndarray:
    if x.ndim != 2 or x.dtype.kind != "f":
        received = f"{x.dtype} of shape {x.shape}"
        raise InputError(f"{field} must hold floats of shape (n, features) for a regression. Received: {received}.")
    if x.size == 0:
        raise InputError(f"{field} must hold at least one number. Received: the shape {x.shape}.")
    return _finite(x, field)


def _targets(y: np.ndarray, count: int, field: str) -> np.ndarray:
    if y.shape != (count,):
        raise InputError(f"{field} must have the shape ({count},), one target per vector. Received: {y.shape}.")
    if y.dtype.kind != "f":
        raise InputError(f"{field} must hold floats, as targets of a regression. Received: {y.dtype}.")
    return _finite(y, field)


def _finite(values: np.ndarray, field: str) -> np.ndarray:
    with np.errstate(over="ignore"):  # What is too large becomes infinite, and is refused.
        narrow = np.ascontiguousarray(values, dtype=np.float32)
    if not np.isfinite(narrow).all():
        count = narrow.size - int(np.isfinite(narrow).sum())
        raise InputError(f"{field} must hold finite numbers that fit into 32 bits. Received: {count} that do not.")
    return narrow
