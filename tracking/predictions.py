"""What the trials of each arm predicted on the test set, beside the true classes as the dataset on disk has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from tracking.manifest import StudyManifest
    from tracking.summary import ArmSummary, StudySummary

Counts = NDArray[np.int64]


class NoPredictionsError(Exception):
    """Predictions and true classes are not there, or do not belong together; the message says which."""


@dataclass(frozen=True, eq=False)
class ArmPredictions:
    """The predictions of one arm's finished trials."""

    arm: str
    predicted: NDArray[np.uint16]
    """(trials, n_test) class."""
    right: Counts
    """(n_test,) how many trials are right."""
    confusion: Counts
    """(classes, classes) test images by true and predicted class, added up over the trials."""

    @property
    def trials(self) -> int:
        """Finished trials."""
        return len(self.predicted)

    @property
    def shares(self) -> NDArray[np.float64]:
        """(classes, classes) the share of a true class's images that got each class; a row of zeros without images."""
        totals = np.maximum(self.confusion.sum(axis=1, keepdims=True), 1)
        return np.asarray(self.confusion / totals, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Predictions:
    """The predictions of all arms that have a finished trial."""

    labels: Counts
    """(n_test,) true classes."""
    class_names: tuple[str, ...]
    arms: Mapping[str, ArmPredictions]
    images: NDArray[np.uint8] | None
    """(n_test, height, width, channels) of 0..255, mapped from disk; None if they are not stored like that."""


def read_predictions(folder: Path, manifest: "StudyManifest", summary: "StudySummary") -> Predictions:
    """Return the predictions of the study in `folder` (`runs/STUDY`) with the true classes from `runs/data`.

    Raises:
        NoPredictionsError: the dataset is not on disk, or the trials were not scored on it.
    """
    name = manifest.dataset or manifest.spec.dataset.name
    home = folder.parent / "data" / f"{name}-{manifest.data_digest[:12]}"
    classes = len(manifest.class_names)
    if not classes:
        raise NoPredictionsError("the study predicts numbers, and no classes")
    labels = _labels(home, manifest.n_test, classes)
    arms = {}
    for arm in summary.arms:
        if arm.done:
            arms[arm.name] = _arm(folder, arm, labels, classes)
    return Predictions(labels, manifest.class_names, arms, _images(home, len(labels)))


def _labels(home: Path, n_test: int, classes: int) -> Counts:
    path = home / "y_test.npy"
    try:
        stored = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise NoPredictionsError(
            f"the true classes are needed for it, and the dataset is not in {home.parent.name}/{home.name} any more"
        ) from None
    labels = np.asarray(stored[:n_test])
    if labels.shape != (n_test,) or labels.dtype.kind not in "iu" or classes < 2:
        raise NoPredictionsError("the dataset on disk has no class for each test example")
    if labels.size == 0 or labels.min() < 0 or labels.max() >= classes:
        raise NoPredictionsError("the classes on disk are not those that the study names")
    return labels.astype(np.int64)


def _arm(folder: Path, arm: "ArmSummary", labels: Counts, classes: int) -> ArmPredictions:
    """Read one arm's arrays. The store has checked them when the summary was made; here they are only opened."""
    rows = []
    for row in arm.trials:
        if row.state != "done":
            continue
        try:
            predicted = np.load(folder / "trials" / row.key / "predicted.npy", allow_pickle=False)
            correct = np.load(folder / "trials" / row.key / "correct.npy", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            raise NoPredictionsError(f"the predictions of trial {row.key} cannot be read") from None
        if predicted.shape != labels.shape or predicted.dtype.kind not in "iu":
            raise NoPredictionsError("the trials did not predict one class for each test example")
        # The test that labels and predictions belong together, which no digest in the record covers.
        if not np.array_equal(predicted == labels, correct):
            raise NoPredictionsError("the true classes on disk are not those that the trials were scored on")
        if predicted.min() < 0 or predicted.max() >= classes:
            raise NoPredictionsError("the predicted classes are not those that the study names")
        rows.append(predicted.astype(np.uint16))
    stack = np.stack(rows)
    pairs = labels * classes + stack.astype(np.int64)
    confusion = np.bincount(pairs.ravel(), minlength=classes**2).reshape(classes, classes)
    return ArmPredictions(arm.name, stack, (stack == labels).sum(axis=0), confusion.astype(np.int64))


def _images(home: Path, n_test: int) -> NDArray[np.uint8] | None:
    try:
        images = np.load(home / "x_test.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    shown = images.ndim == 4 and len(images) >= n_test and images.shape[-1] in (1, 3) and max(images.shape[1:3]) <= 128
    return images if shown and images.dtype == np.uint8 else None
