"""Handwritten digits that come with scikit-learn: 1,797 real images, enough to show what dropout does."""

from importlib.metadata import version

import numpy as np

from search.data.images import Images

SIDE = 32
N_TRAIN, N_TEST = 1000, 797
SPLIT_SEED = 0
RECIPE = 1
"""To be raised with any change of what `load_digits` returns."""


def source_stamp() -> str:
    """Return what the arrays depend on, without loading any of it."""
    return f"recipe {RECIPE}, scikit-learn {version('scikit-learn')}, pillow {version('pillow')}"


def load_digits() -> Images:
    """Return the digits as (n, 32, 32, 3) uint8, the same in each channel: 1,000 for training, 797 for test.

    The 8x8 images of 0..16 become 0..255 and are scaled up bilinearly. The split is scikit-learn's
    `train_test_split`, stratified by class, with `random_state=SPLIT_SEED`: the same for everyone. Who wrote
    a digit is not recorded, so there are no tracks.
    """
    from PIL import Image
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    small, labels = datasets.load_digits(return_X_y=True)
    # Pillow resizes 8-bit images in integer arithmetic: the same bytes on every machine.
    levels = np.rint(small.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    size = (SIDE, SIDE)
    grey = np.stack([np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)) for image in levels])
    x = np.repeat(grey[..., np.newaxis], 3, axis=3)
    y = labels.astype(np.int32)
    train, test = train_test_split(
        np.arange(len(y)), train_size=N_TRAIN, test_size=N_TEST, stratify=y, random_state=SPLIT_SEED
    )
    return Images(x[train], y[train], x[test], y[test], class_names=tuple(str(digit) for digit in range(10)))
