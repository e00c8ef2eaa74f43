"""What of the training set is held out for validation: by a fraction or by folds, of images or of whole tracks.

The same split on every machine and with every version of NumPy, which promises that only of `RandomState`; and
without scikit-learn, whose import takes longer than everything that a plan does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studies.data import ValidationSpec
from studies.errors import InputError


@dataclass(frozen=True, eq=False)
class Held:
    """Which images are trained on and which are held out; together they are all, and none is in both."""

    train: np.ndarray
    """(n_train,) int64, ascending positions in the training set."""
    validation: np.ndarray
    """(n_validation,) int64, ascending."""


@dataclass(frozen=True, eq=False)
class _Units:
    """What is never divided: images, or the tracks that they come in."""

    of_image: np.ndarray
    """(images,) the unit of each image."""
    size: np.ndarray
    """(units,) images of each unit."""
    stratum: np.ndarray
    """(units,) the class of each unit; of a track with several, the most frequent."""
    name: str
    """`images` or `tracks`."""


def split(
    labels: np.ndarray,
    validation: ValidationSpec,
    fold: int | None = None,
    tracks: np.ndarray | None = None,
    class_names: Sequence[str] = (),
) -> Held:
    """Return what `validation` holds out of a training set, each class in proportion.

    Args:
        labels: (images,) integers, the class of each image; or floats, targets, which have no proportions to keep.
        validation: how much is held out, and in which units.
        fold: which fold is held out, from 0; None where a fraction is.
        tracks: (images,) integers; images of one track share a number. None: unknown.
        class_names: for errors, in label order; without them a class is named by its number.

    Raises:
        InputError: the split leaves a class out of training, or nothing to validate on; there are more folds than
            the smallest class can fill; or there are no tracks to keep together.
    """
    if (fold is None) != (validation.folds is None) or (fold is not None and not 0 <= fold < (validation.folds or 0)):
        raise ValueError(f"fold must number one of the folds. Received: fold={fold}, folds={validation.folds}.")
    strata = np.zeros(len(labels), np.int64) if labels.dtype.kind == "f" else labels.astype(np.int64)
    names = class_names or [str(number) for number in range(strata.max() + 1)]
    units = _units(strata, validation, tracks)
    order = np.random.RandomState(validation.seed).permutation(len(units.size))
    if validation.folds is not None:
        _check_folds(validation.folds, units, names)
        held = _fold_of(units, validation.folds, order) == fold
    else:
        held = _is_held(units, validation.fraction or 0.0, order)
    is_held = held[units.of_image]
    found = Held(np.flatnonzero(~is_held).astype(np.int64), np.flatnonzero(is_held).astype(np.int64))
    _check_sides(found, strata, names, validation, units)
    return found


def stratified(labels: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Return (images,) bool: `fraction` of the images of each class, and of all, to the nearest image."""
    units = _Units(np.arange(len(labels)), np.ones(len(labels), np.int64), labels.astype(np.int64), "images")
    return _is_held(units, fraction, np.random.RandomState(seed).permutation(len(labels)))


def warning(validation: ValidationSpec | None, has_tracks: bool) -> str | None:
    """Return a line for a split that divides tracks, though they are known; None for any other."""
    if validation is None or validation.group is not None or not has_tracks:
        return None
    return (
        "Warning: this random split puts images of one track on both sides, so its validation scores will be too "
        "good; study.data.validation.group=track keeps tracks together."
    )


def _units(strata: np.ndarray, validation: ValidationSpec, tracks: np.ndarray | None) -> _Units:
    if validation.group is None:
        return _Units(np.arange(len(strata)), np.ones(len(strata), np.int64), strata, "images")
    if tracks is None:
        raise InputError(
            "`study.data.validation.group` must be null for a dataset that does not say which images belong together "
            "(`gtsrb` does, and an npz file with `track_train`). Received: 'track'."
        )
    _, of_image, size = np.unique(tracks, return_inverse=True, return_counts=True)
    images_of = np.zeros((len(size), strata.max() + 1), np.int64)  # Track by class.
    np.add.at(images_of, (of_image, strata), 1)
    return _Units(of_image, size, images_of.argmax(1), "tracks")


def _is_held(units: _Units, fraction: float, order: np.ndarray) -> np.ndarray:
    """Return (units,) bool: of each class `fraction` of the images, to the nearest unit, and so of all classes.

    The units of each class lie end to end on [0, 1], in the order drawn. Sorted by their middles, every beginning of
    the row has each class in proportion; it is cut where `fraction` of all images are before.
    """
    by_class = order[np.argsort(units.stratum[order], kind="stable")]
    size, stratum = units.size[by_class], units.stratum[by_class]
    images = np.bincount(stratum, size)
    middle = np.empty(len(order))
    middle[by_class] = (np.cumsum(size) - size / 2 - (np.cumsum(images) - images)[stratum]) / images[stratum]
    row = order[np.argsort(middle[order], kind="stable")]
    before = np.cumsum(units.size[row]) - units.size[row] / 2
    held = np.zeros(len(order), bool)
    held[row[before < fraction * units.size.sum()]] = True
    return held


def _fold_of(units: _Units, folds: int, order: np.ndarray) -> np.ndarray:
    """Return (units,) the fold of each: dealt out class by class, large ones first, equal ones in the order drawn.

    So no two folds differ by more than one unit, in any class or in all.
    """
    dealt = np.lexsort((np.argsort(order), -units.size, units.stratum))
    fold = np.empty(len(order), np.int64)
    fold[dealt] = np.arange(len(order)) % folds
    return fold


def _check_folds(folds: int, units: _Units, names: Sequence[str]) -> None:
    classes, counts = np.unique(units.stratum, return_counts=True)
    smallest = int(counts.argmin())
    if folds > counts[smallest]:
        of_class = f" of class {names[classes[smallest]]!r}, the smallest" if len(classes) > 1 else ""
        raise InputError(
            f"`study.data.validation.folds` must be at most {counts[smallest]}, the number of training {units.name}"
            f"{of_class}. Received: {folds}."
        )


def _check_sides(
    held: Held, strata: np.ndarray, names: Sequence[str], validation: ValidationSpec, units: _Units
) -> None:
    given = f"fraction={validation.fraction}" if validation.folds is None else f"folds={validation.folds}"
    field = f"`study.data.validation.{given.partition('=')[0]}`"
    lost = sorted(set(np.unique(strata).tolist()) - set(np.unique(strata[held.train]).tolist()))
    if lost:
        count = len(np.unique(units.of_image[strata == lost[0]]))
        more = f", and none of {len(lost) - 1} more" if len(lost) > 1 else ""
        raise InputError(
            f"{field} must leave {units.name} of each class to train on. Received: {given}, which leaves none of the "
            f"{count} of class {names[lost[0]]!r}{more}."
        )
    if not len(held.validation):
        raise InputError(
            f"{field} must hold out at least one of {len(strata):,} training images. Received: {given}; of "
            f"{len(units.size):,} {units.name} that is none."
        )
