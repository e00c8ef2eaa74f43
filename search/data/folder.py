"""Images of the user's own in a folder, one subfolder per class (see `DatasetSpec` for the layouts)."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from search.data.check import check_images
from search.data.images import Images
from search.data.pictures import SUFFIXES, read_pictures
from search.data.progress import Notify
from search.data.split import stratified
from search.data.split_table import read_split
from studies.errors import InputError

Part = Literal["train", "test"]
PARTS: tuple[Part, Part] = ("train", "test")
SEED = 0
"""Of the order of the images, and of the test set where the folder does not say which they are: fixed for everyone."""


@dataclass(frozen=True)
class Picture:
    """A file, and what its place says about it."""

    path: Path
    label: str
    part: Part | None
    """None: to be decided."""


@dataclass(frozen=True)
class PictureFolder:
    """The files of a dataset, found and not yet read."""

    root: Path
    pictures: tuple[Picture, ...]
    """In the order of their paths."""
    table: Path | None
    """The CSV file that says which images are for testing."""

    def stamp(self) -> str:
        """Return a hash of the names, sizes and times of all files: it reads none of them."""
        sha = hashlib.sha256()
        for path in [*(picture.path for picture in self.pictures), *([self.table] if self.table else [])]:
            status = path.stat()
            sha.update(f"{path.relative_to(self.root)!s} {status.st_size} {status.st_mtime_ns}\n".encode())
        return sha.hexdigest()


def find_folder(root: Path, table: Path | None) -> PictureFolder:
    """Return the images under `root`: in root/train/CLASS and root/test/CLASS if it has both, else in root/CLASS.

    Args:
        root: the folder.
        table: a CSV file that splits them; train/ and test/ are then classes like any other.

    Raises:
        InputError: there are no images, a class has none, or there are not two classes.
    """
    below = [path.name for path in _subfolders(root)]
    if table is None and set(PARTS) <= set(below):
        pictures = [picture for part in PARTS for picture in _pictures(root / part, part)]
    else:
        pictures = _pictures(root, None)
    labels = sorted({picture.label for picture in pictures})
    if len(labels) < 2:
        raise InputError(
            f"`dataset.dir` must hold at least two classes, each a subfolder of images. Received: {root}, which holds "
            f"{f'only {labels[0]!r}' if labels else 'no subfolder'}."
        )
    return PictureFolder(root, tuple(pictures), table)


def read_folder(found: PictureFolder, size: int | None, test_fraction: float | None, notify: Notify) -> Images:
    """Return the images of `found`, as uint8 of one size, grey if all are grey and else RGB.

    They come in an order drawn once, so that the first so many are of all classes.

    Args:
        found: from `find_folder`.
        size: side of the square that they become; None: the most frequent size.
        test_fraction: share of each class that becomes the test set, where neither folders nor a table say.
        notify: takes lines about what was decided for the user, and about the progress.

    Raises:
        InputError: an image cannot be read, or the split leaves training or testing without what it needs.
    """
    used = _with_parts(found, test_fraction, notify)
    pictures = [used[row] for row in np.random.RandomState(SEED).permutation(len(used))]
    names = sorted({picture.label for picture in pictures})
    _check_parts(pictures, found)
    pixels = read_pictures([picture.path for picture in pictures], size, notify)
    labels = np.array([names.index(picture.label) for picture in pictures], np.int32)
    is_test = np.array([picture.part == "test" for picture in pictures])
    arrays = {
        "x_train": pixels[~is_test],
        "y_train": labels[~is_test],
        "x_test": pixels[is_test],
        "y_test": labels[is_test],
        "class_names": np.array(names),
    }
    return check_images(arrays, str(found.root))


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _pictures(root: Path, part: Part | None) -> list[Picture]:
    found: list[Picture] = []
    for folder in _subfolders(root):
        files = [Path(place, name) for place, _, names in os.walk(folder) for name in names]
        images = sorted(path for path in files if path.suffix.lower() in SUFFIXES and path.name[0] != ".")
        if not images:
            kinds = ", ".join(suffix[1:] for suffix in SUFFIXES)
            raise InputError(
                f"`dataset.dir` must hold images in each subfolder, which is a class. Received: {folder} without "
                f"any ({kinds})."
            )
        found.extend(Picture(path, folder.name, part) for path in images)
    return found


def _with_parts(found: PictureFolder, test_fraction: float | None, notify: Notify) -> list[Picture]:
    """Return the pictures that are used, each with its part."""
    if found.table is not None:
        by_path = {picture.path.relative_to(found.root).as_posix(): picture for picture in found.pictures}
        parts = read_split(found.table, by_path)
        if len(parts) < len(by_path):
            notify(f"{len(by_path) - len(parts):,} of {len(by_path):,} images are not in {found.table.name}: not used.")
        return [replace(picture, part=parts[name]) for name, picture in by_path.items() if name in parts]
    if found.pictures[0].part is not None:
        return list(found.pictures)
    if test_fraction is None:
        raise InputError(
            f"`dataset.test_fraction` must be given, as {found.root} has no train/ and test/ and no `dataset.csv` is "
            "named. Received: null."
        )
    labels = np.unique([picture.label for picture in found.pictures], return_inverse=True)[1]
    is_test = stratified(labels, test_fraction, SEED)
    notify(f"{is_test.sum():,} of {len(is_test):,} images in {found.root} are for testing, drawn class by class.")
    return [
        replace(picture, part="test" if test else "train")
        for picture, test in zip(found.pictures, is_test.tolist(), strict=True)
    ]


def _check_parts(pictures: Sequence[Picture], found: PictureFolder) -> None:
    is_drawn = found.table is None and found.pictures[0].part is None
    field = "`dataset.csv`" if found.table else "`dataset.test_fraction`" if is_drawn else "`dataset.dir`"
    trained, tested = ({picture.label for picture in pictures if picture.part == part} for part in PARTS)
    if not tested:
        received = f"none of {len(pictures)} in {found.root}"
        raise InputError(f"{field} must leave at least one image for testing. Received: {received}.")
    untrained = sorted(tested - trained)
    if untrained:
        count = sum(picture.label == untrained[0] for picture in pictures)
        raise InputError(
            f"{field} must leave images of each class to train on. Received: none of {untrained[0]!r} in {found.root}, "
            f"and {count} in the test set."
        )
