"""What some arms predicted on the test images that a study keeps: which images are shown, and who is right on each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tracking.predictions import NoPredictionsError
from tracking.samples import Sample, Samples, read_samples

if TYPE_CHECKING:
    from tracking.manifest import StudyManifest
    from tracking.summary import ArmSummary, StudySummary

SPREAD, TELLING = 18, 9
"""Images that are shown whatever was predicted, and images on which arms differ."""
MOST_ARMS = 4
"""The control among them."""


@dataclass(frozen=True)
class Verdict:
    """What one arm makes of one test image."""

    arm: str
    predicted: int
    """Class, by the arm's first finished trial."""
    is_right: bool
    """Whether that is the true class."""
    right: int
    """Of all finished trials of the arm, how many are right."""
    trials: int


@dataclass(frozen=True, eq=False)
class ShownImage:
    """One test image."""

    row: int
    """In the test set."""
    true: int
    """Class."""
    pixels: NDArray[np.uint8]
    """(height, width, channels)."""
    verdicts: tuple[Verdict, ...]
    """The control's first."""


@dataclass(frozen=True, eq=False)
class Shown:
    """The test images that are shown."""

    spread: tuple[ShownImage, ...]
    """Evenly spread over the test set."""
    telling: tuple[ShownImage, ...]
    """Of the other kept ones those in which an arm's share of right trials differs most from the control's."""
    kept: int
    """Test images to choose from."""
    seeds: Mapping[str, int]
    """Arm to the seed of its first finished trial."""

    @property
    def images(self) -> tuple[ShownImage, ...]:
        """All of them, in the order in which they are shown."""
        return self.spread + self.telling

    @property
    def choice(self) -> str:
        """How they were chosen, in a sentence or two."""
        said = f"The first {len(self.spread)} test images are spread evenly over the test set."
        if not self.telling:
            return said
        return (
            f"{said} In the {len(self.telling)} after them an arm and the control differ most over all their trials, "
            f"of {self.kept} that the study kept when it began, also spread evenly."
        )

    @property
    def marks(self) -> str:
        """What the marks mean, in a sentence."""
        seeds = set(self.seeds.values())
        said = (
            f"seed {seeds.pop()}" if len(seeds) == 1 else ", ".join(f"{arm} seed {s}" for arm, s in self.seeds.items())
        )
        return (
            f"✓ and ✗ tell whether the first trial of an arm ({said}) is right, and ✗ what it takes the image for; the "
            "fraction tells how many of the arm's trials are right."
        )


@dataclass(frozen=True, eq=False)
class _Given:
    """What one arm's trials gave to the kept test images."""

    arm: str
    seed: int
    predicted: NDArray[np.int64]
    """(trials, kept) class."""
    right: NDArray[np.int64]
    """(kept,) how many trials are right."""

    @property
    def share(self) -> NDArray[np.float64]:
        return np.asarray(self.right / len(self.predicted), dtype=np.float64)

    def verdict(self, place: int, true: int) -> Verdict:
        predicted = int(self.predicted[0, place])
        return Verdict(self.arm, predicted, predicted == true, int(self.right[place]), len(self.predicted))


def kept_samples(folder: Path, manifest: "StudyManifest") -> Samples:
    """Return the images that the study in `folder` (`runs/STUDY`) keeps.

    Raises:
        NoPredictionsError: it keeps none, and why.
    """
    if not manifest.class_names:
        raise NoPredictionsError("the study predicts numbers, and no classes")
    found = read_samples(folder, manifest)
    if found is None:
        raise NoPredictionsError("no images were kept with the study; running it again keeps some, and trains nothing")
    return found


def shown_predictions(samples: Samples, folder: Path, manifest: "StudyManifest", summary: "StudySummary") -> Shown:
    """Return what the control and the next three arms with a finished trial predicted.

    Raises:
        NoPredictionsError: the trials' predictions are not of these images.
    """
    arms = sorted((arm for arm in summary.arms if arm.done), key=lambda arm: arm.name != summary.study.control)
    given = [_given(arm, folder, samples.test, manifest) for arm in arms[:MOST_ARMS]]
    count = len(samples.test.rows)
    spread = ((2 * np.arange(min(SPREAD, count)) + 1) * count // (2 * min(SPREAD, count))).tolist()
    telling = [place for place in _telling(given, summary.study.control) if place not in spread][:TELLING]
    return Shown(
        spread=tuple(_image(samples.test, place, given) for place in spread),
        telling=tuple(_image(samples.test, place, given) for place in telling),
        kept=count,
        seeds={one.arm: one.seed for one in given},
    )


def _telling(given: Sequence[_Given], control: str) -> list[int]:
    """Return the kept images in which an arm differs from the control, by how much; none without both."""
    if len(given) < 2 or given[0].arm != control:
        return []
    lead = np.max([np.abs(one.share - given[0].share) for one in given[1:]], axis=0)
    return [int(place) for place in np.argsort(-lead, kind="stable") if lead[place] > 0]


def _image(test: Sample, place: int, given: Sequence[_Given]) -> ShownImage:
    true = int(test.labels[place])
    verdicts = tuple(one.verdict(place, true) for one in given)
    return ShownImage(int(test.rows[place]), true, test.images[place], verdicts)


def _given(arm: "ArmSummary", folder: Path, test: Sample, manifest: "StudyManifest") -> _Given:
    done = [row for row in arm.trials if row.state == "done"]
    predicted = np.stack([_predicted(folder / "trials" / row.key, test, manifest) for row in done])
    return _Given(arm.name, done[0].seed, predicted, (predicted == test.labels).sum(axis=0))


def _predicted(trial: Path, test: Sample, manifest: "StudyManifest") -> NDArray[np.int64]:
    """Return the (kept,) classes that a trial gave, having checked that it was scored on these images."""
    try:
        predicted = np.load(trial / "predicted.npy", allow_pickle=False)
        correct = np.load(trial / "correct.npy", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise NoPredictionsError(f"the predictions of trial {trial.name} cannot be read") from None
    if predicted.shape != (manifest.n_test,) or correct.shape != predicted.shape or predicted.dtype.kind not in "iu":
        raise NoPredictionsError("the trials did not predict one class for each test example")
    given: NDArray[np.int64] = predicted[test.rows].astype(np.int64)
    if given.min() < 0 or given.max() >= len(manifest.class_names):
        raise NoPredictionsError("the predicted classes are not those that the study names")
    if not np.array_equal(given == test.labels, correct[test.rows]):
        raise NoPredictionsError("the images that were kept are not those that the trials were scored on")
    return given
