"""Which images of a dataset a study keeps, to show them: chosen by their place alone, so that nobody picks."""

import numpy as np

from search.data.images import Images
from tracking.samples import Sample, Samples

MOST_TRAINING, MOST_TEST = 50, 48
PER_CLASS = 5
"""Training images of one class."""
LONGEST_SIDE = 48
"""Pixels; larger images are scaled down, so that what is kept stays below 700 KB."""


def sample(images: Images, data_digest: str) -> Samples | None:
    """Return at most 50 training images, the same number of each class, and at most 48 test images.

    They are spread evenly over the images of each class, and over the test set: neighbours are often alike, such as
    the frames of one sign. Of over 50 classes the first 50 are shown.

    Returns:
        None for data that are no images with classes.
    """
    if images.task != "classification" or images.x_train.ndim != 4:
        return None
    classes = np.unique(images.y_train)[:MOST_TRAINING]
    count = min(PER_CLASS, MOST_TRAINING // len(classes))
    training = [_spread(np.flatnonzero(images.y_train == label), count) for label in classes]
    test = _spread(np.arange(len(images.y_test)), MOST_TEST)
    return Samples(
        data_digest=data_digest,
        training=_taken(images.x_train, images.y_train, np.concatenate(training)),
        test=_taken(images.x_test, images.y_test, test),
    )


def _spread(rows: np.ndarray, count: int) -> np.ndarray:
    """Return `count` of `rows`, from the middles of as many equal parts; all of them if they are fewer."""
    count = min(count, len(rows))
    return rows[(2 * np.arange(count) + 1) * len(rows) // (2 * count)]


def _taken(x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> Sample:
    return Sample(rows.astype(np.int64), y[rows].astype(np.int64), np.stack([_small(x[row]) for row in rows]))


def _small(pixels: np.ndarray) -> np.ndarray:
    """Return one image as (height, width, channels) uint8, scaled down if it is large."""
    levels = pixels if pixels.dtype == np.uint8 else np.rint(255 * pixels).astype(np.uint8)
    height, width, channels = levels.shape
    longest = max(height, width)
    if longest <= LONGEST_SIDE:
        return levels
    from PIL import Image

    size = tuple(max(1, round(side * LONGEST_SIDE / longest)) for side in (width, height))
    flat = levels[..., 0] if channels == 1 else levels
    small = Image.fromarray(flat).resize((size[0], size[1]), Image.Resampling.BOX)
    return np.asarray(small).reshape(size[1], size[0], channels)
