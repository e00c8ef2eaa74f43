"""A dataset in memory, and the digest that tells one from another."""

import hashlib
from dataclasses import dataclass

import numpy as np

ARRAYS = ("x_train", "y_train", "x_test", "y_test", "track_train")


@dataclass(frozen=True, eq=False)
class Images:
    """Labelled images for training and for testing; `check_images` makes one that is valid."""

    x_train: np.ndarray
    """(n_train, height, width, channels) uint8 of 0..255, or float32 of 0..1; channels is 1 or 3."""
    y_train: np.ndarray
    """(n_train,) int32, the class of each image."""
    x_test: np.ndarray
    """(n_test, height, width, channels), of the dtype of `x_train`."""
    y_test: np.ndarray
    """(n_test,) int32; each of its classes occurs in `y_train`."""
    class_names: tuple[str, ...]
    """One name per class, in label order."""
    track_train: np.ndarray | None = None
    """(n_train,) int32; images of one track show one thing: a split keeps them together. None: unknown."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        height, width, channels = self.x_train.shape[1:]
        return int(height), int(width), int(channels)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays that are there, by field name."""
        found = {
            "x_train": self.x_train,
            "y_train": self.y_train,
            "x_test": self.x_test,
            "y_test": self.y_test,
        }
        return found if self.track_train is None else {**found, "track_train": self.track_train}


def digest(images: Images) -> str:
    """Return the SHA-256 (hex) of the name, dtype, shape and bytes of each array, and of the class names.

    The names count because their number is the number of the model's outputs.
    """
    sha = hashlib.sha256()
    for name, array in images.arrays().items():
        sha.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        sha.update(np.ascontiguousarray(array).data.cast("B"))
    for class_name in images.class_names:
        sha.update(f"{class_name!r}\n".encode())
    return sha.hexdigest()
