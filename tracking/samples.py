"""A few images of a study's dataset: kept with the study, since the dataset may be gone when its report is written.

`runs/STUDY/samples.npz` is written when the study begins.
"""

import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tracking import atomic

if TYPE_CHECKING:
    from tracking.manifest import StudyManifest

FILE_NAME = "samples.npz"


@dataclass(frozen=True, eq=False)
class Sample:
    """Some images of the training or the test set."""

    rows: NDArray[np.int64]
    """(n,) where in the set they are."""
    labels: NDArray[np.int64]
    """(n,) class."""
    images: NDArray[np.uint8]
    """(n, height, width, channels); channels is 1 or 3."""

    def is_valid(self, count: int, classes: int) -> bool:
        """Return whether these can be images of a set of `count` images of `classes` classes."""
        n, shape = len(self.rows), self.images.shape
        fits = self.images.dtype == np.uint8 and len(shape) == 4 and shape[0] == n and shape[3] in (1, 3)
        return fits and _within(self.rows, n, count) and _within(self.labels, n, classes)


@dataclass(frozen=True, eq=False)
class Samples:
    """What a study shows of its dataset."""

    data_digest: str
    """Of the dataset that they are from."""
    training: Sample
    """Class by class, of each the same number as far as it has them."""
    test: Sample
    """By ascending row."""

    def write(self, folder: Path) -> None:
        """Put them into the study's folder, atomically."""
        buffer = io.BytesIO()
        parts = {"training": self.training, "test": self.test}
        arrays = {f"{part}_{name}": array for part, one in parts.items() for name, array in vars(one).items()}
        np.savez_compressed(buffer, data_digest=np.array(self.data_digest), allow_pickle=False, **arrays)
        atomic.write_bytes(folder / FILE_NAME, buffer.getvalue())


def read_samples(folder: Path, manifest: "StudyManifest") -> Samples | None:
    """Return what was kept of the dataset of the study in `folder`; None if nothing, or of another dataset."""
    try:
        with np.load(folder / FILE_NAME, allow_pickle=False) as stored:
            training, test = (
                Sample(*(stored[f"{part}_{name}"] for name in ("rows", "labels", "images")))
                for part in ("training", "test")
            )
            found = Samples(str(stored["data_digest"]), training, test)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None  # The next run of the study writes them again.
    classes = len(manifest.class_names)
    valid = training.is_valid(manifest.n_train, classes) and test.is_valid(manifest.n_test, classes)
    return found if valid and found.data_digest == manifest.data_digest else None


def _within(values: NDArray[np.int64], n: int, end: int) -> bool:
    if values.shape != (n,) or values.dtype.kind not in "iu" or n == 0:
        return False
    return bool(values.min() >= 0 and values.max() < end)
