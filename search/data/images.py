"""A dataset in memory, and the digest that tells one from another."""

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

Task = Literal["classification", "regression"]
ARRAYS = ("x_train", "y_train", "x_test", "y_test", "track_train")


@dataclass(frozen=True, eq=False)
class Images:
    """Labelled images for training and for testing; `check_images` makes one that is valid.

    Or, for regression, vectors with a target each; `check_vectors` makes one of these.
    """

    x_train: np.ndarray
    """(n_train, height, width, channels) uint8 of 0..255, or float32 of 0..1; channels is 1 or 3. For regression
    (n_train, features) float32, any finite numbers."""
    y_train: np.ndarray
    """(n_train,) int32, the class of each image; for regression float32, the targets."""
    x_test: np.ndarray
    """(n_test, height, width, channels) or (n_test, features), of the dtype of `x_train`."""
    y_test: np.ndarray
    """(n_test,) int32; each of its classes occurs in `y_train`. For regression float32."""
    class_names: tuple[str, ...]
    """One name per class, in label order; none for regression."""
    track_train: np.ndarray | None = None
    """(n_train,) int32; images of one track show one thing: a split keeps them together. None: unknown."""

    @property
    def task(self) -> Task:
        """Whether the labels are classes or targets."""
        return "regression" if self.y_train.dtype.kind == "f" else "classification"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Height, width and channels; or the number of features."""
        return tuple(int(length) for length in self.x_train.shape[1:])

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
