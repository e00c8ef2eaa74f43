"""Handwritten digits that come with scikit-learn: 1,797 real images, enough to show what dropout does."""

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from search.data.images import Images

SIDE = 32
N_TRAIN, N_TEST = 1000, 797
SPLIT_SEED = 0
RECIPE = 2
"""To be raised with any change of what `load_digits` returns."""


def source_stamp() -> str:
    """Return what the arrays depend on, without loading any of it."""
    return f"recipe {RECIPE}, scikit-learn {version('scikit-learn')}, pillow {version('pillow')}"


def load_digits() -> Images:
    """Return the digits as (n, 32, 32, 3) uint8, the same in each channel: 1,000 for training, 797 for test.

    The 8x8 images of 0..16 become 0..255 and are scaled up bilinearly. The split is stratified by class and the same
    for everyone. Who wrote a digit is not recorded, so there are no tracks.
    """
    from PIL import Image

    small, labels = _read()
    # Pillow resizes 8-bit images in integer arithmetic: the same bytes on every machine.
    levels = np.rint(small.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    size = (SIDE, SIDE)
    grey = np.stack([np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)) for image in levels])
    x = np.repeat(grey[..., np.newaxis], 3, axis=3)
    y = labels.astype(np.int32)
    train, test = _split(y)
    return Images(x[train], y[train], x[test], y[test], class_names=tuple(str(digit) for digit in range(10)))


def _read() -> tuple[np.ndarray, np.ndarray]:
    """Return (1797, 64) values of 0..16 and (1797,) labels.

    From scikit-learn's file, since importing its loader takes over a second, which a plan does not have.
    """
    package = find_spec("sklearn")
    file = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz" if package and package.origin else None
    if file is not None and file.is_file():
        table = np.loadtxt(file, delimiter=",")
        return table[:, :-1], table[:, -1]
    from sklearn import datasets

    values, labels = datasets.load_digits(return_X_y=True)
    return values, labels


def _split(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows for training and for test: each class in proportion, to the nearest image."""
    order = np.random.default_rng(SPLIT_SEED).permutation(len(y))
    place = np.empty(len(y))
    for label in np.unique(y):
        rows = order[y[order] == label]
        place[rows] = (np.arange(len(rows)) + 0.5) / len(rows)  # Each class spread evenly over [0, 1].
    spread = order[np.argsort(place[order], kind="stable")]
    return np.sort(spread[:N_TRAIN]), np.sort(spread[N_TRAIN:])
