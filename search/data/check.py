"""What is required of arrays before anything is trained on them."""

from collections.abc import Mapping

import numpy as np

from search.data.images import Images
from studies.errors import InputError

REQUIRED = ("x_train", "y_train", "x_test", "y_test")
OPTIONAL = ("class_names", "track_train")


def check_images(arrays: Mapping[str, np.ndarray], where: str) -> Images:
    """Return `arrays` as valid images: a channel axis added, float images as float32, labels as int32.

    Args:
        arrays: those of `REQUIRED`, with any of `OPTIONAL`, by name. Images are (n, height, width, channels)
            with 1 or 3 channels, or (n, height, width), uint8 or floats in [0, 1]; labels and tracks are (n,)
            integers; class names are (classes,) text, and without them a class is named by its number.
        where: what the arrays were read from, for the error.

    Raises:
        InputError: naming the array that cannot be used, what was expected of it and what was received.
    """
    x_train, x_test = (_pixels(arrays[name], f"`{name}` in {where}") for name in ("x_train", "x_test"))
    if x_train.shape[1:] != x_test.shape[1:] or x_train.dtype != x_test.dtype:
        received = " and ".join(f"{x.shape[1:]} {x.dtype}" for x in (x_train, x_test))
        raise InputError(
            f"`x_train` and `x_test` in {where} must hold images of one shape and type. Received: {received}."
        )
    y_train = _integers(arrays["y_train"], len(x_train), f"`y_train` in {where}")
    y_test = _integers(arrays["y_test"], len(x_test), f"`y_test` in {where}")
    class_names = _class_names(arrays.get("class_names"), y_train, where)
    _check_classes(y_train, y_test, len(class_names), where)
    track = arrays.get("track_train")
    return Images(
        x_train=x_train,
        y_train=y_train.astype(np.int32),
        x_test=x_test,
        y_test=y_test.astype(np.int32),
        class_names=class_names,
        track_train=None if track is None else check_tracks(track, len(x_train), f"`track_train` in {where}"),
    )


def _pixels(x: np.ndarray, field: str) -> np.ndarray:
    if x.ndim not in (3, 4) or (x.ndim == 4 and x.shape[3] not in (1, 3)):
        raise InputError(
            f"{field} must have the shape (n, height, width, channels) with 1 or 3 channels, "
            f"or (n, height, width). Received: {x.shape}."
        )
    if x.size == 0:
        raise InputError(f"{field} must hold at least one image. Received: the shape {x.shape}.")
    if x.ndim == 3:
        x = x[..., np.newaxis]
    if x.dtype == np.uint8:
        return np.ascontiguousarray(x)
    if x.dtype.kind != "f":
        raise InputError(f"{field} must be uint8 (0 to 255) or floats (0 to 1). Received: {x.dtype}.")
    _check_range(x, field)
    return np.ascontiguousarray(x, dtype=np.float32)


def _check_range(x: np.ndarray, field: str) -> None:
    low, high = x.min(), x.max()  # NaN if any is
    if low >= 0 and high <= 1:
        return
    finite = x[np.isfinite(x)]
    found = f"{x.size - finite.size} values that are not finite" if finite.size < x.size else ""
    if finite.size:
        found += f"{', else ' if found else ''}values from {finite.min():.6g} to {finite.max():.6g}"
    raise InputError(f"{field} must lie in [0, 1], being floats (or be uint8). Received: {found}.")


def _integers(values: np.ndarray, count: int, field: str) -> np.ndarray:
    if values.shape != (count,):
        raise InputError(f"{field} must have the shape ({count},), one number per image. Received: {values.shape}.")
    if values.dtype.kind not in "iu":
        raise InputError(f"{field} must hold integers. Received: {values.dtype}.")
    return values


def check_tracks(values: np.ndarray, count: int, field: str) -> np.ndarray:
    """Return the track of each of `count` images as (count,) int32.

    Raises:
        InputError: they are not so many integers, or do not fit into 32 bits.
    """
    low, high = int(_integers(values, count, field).min()), int(values.max())
    if low < -(2**31) or high >= 2**31:
        raise InputError(f"{field} must fit into 32 bits. Received: numbers from {low} to {high}.")
    return values.astype(np.int32)


def _class_names(names: np.ndarray | None, y_train: np.ndarray, where: str) -> tuple[str, ...]:
    if names is None:
        highest = int(y_train.max())
        if highest >= len(y_train):
            raise InputError(
                f"`y_train` in {where} must number the classes from 0 without gaps. "
                f"Received: class {highest} among {len(y_train)} images."
            )
        return tuple(str(number) for number in range(highest + 1))
    if names.ndim != 1 or names.dtype.kind not in "US":
        received = f"{names.dtype} of shape {names.shape}"
        raise InputError(f"`class_names` in {where} must be a list of texts. Received: {received}.")
    texts = names if names.dtype.kind == "U" else np.char.decode(names, "utf-8", "replace")
    unfit = [text for text in texts.tolist() if not (text.strip() and text.isprintable())]
    if unfit:
        raise InputError(f"`class_names` in {where} must be printable texts. Received: {unfit[0]!r}.")
    return tuple(texts.tolist())


def _check_classes(y_train: np.ndarray, y_test: np.ndarray, classes: int, where: str) -> None:
    for name, labels in (("y_train", y_train), ("y_test", y_test)):
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or (high >= classes and name == "y_train"):
            raise InputError(
                f"`{name}` in {where} must hold classes from 0 to {classes - 1}. Received: labels from {low} to {high}."
            )
    trained = np.unique(y_train).tolist()
    if len(trained) < 2:
        raise InputError(f"`y_train` in {where} must hold at least two classes. Received: only class {trained[0]}.")
    untrained = sorted(set(np.unique(y_test).tolist()) - set(trained))
    if untrained:
        shown = ", ".join(str(label) for label in untrained[:5]) + (", ..." if len(untrained) > 5 else "")
        raise InputError(f"`y_test` in {where} must hold only classes that occur in `y_train`. Received: {shown} too.")
