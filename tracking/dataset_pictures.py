"""The pictures in a report that show a study's images and its classes: which there are, and why others are not."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tracking import atomic
from tracking.predictions import NoPredictionsError, read_predictions
from tracking.shown import kept_samples, shown_predictions

if TYPE_CHECKING:
    from tracking.manifest import StudyManifest
    from tracking.samples import Samples
    from tracking.summary import StudySummary

TRAINING, PREDICTIONS, CONFUSION = "training_images.png", "predictions.png", "confusion.png"


@dataclass(frozen=True)
class Picture:
    """One picture, for the report's folder."""

    file: str
    title: str
    note: str
    """What there is to know to read it."""
    content: bytes
    """PNG."""


@dataclass(frozen=True)
class DatasetPictures:
    """What can be shown."""

    drawn: tuple[Picture, ...]
    missing: tuple[str, ...]
    """Sentences on what is left out, and why."""

    def write(self, folder: Path) -> None:
        """Put them into the report's folder; those of an earlier report that are not drawn any more go away."""
        for picture in self.drawn:
            atomic.write_bytes(folder / picture.file, picture.content)
        for file in {TRAINING, PREDICTIONS, CONFUSION} - {picture.file for picture in self.drawn}:
            (folder / file).unlink(missing_ok=True)


def dataset_pictures(home: Path, manifest: "StudyManifest", summary: "StudySummary") -> DatasetPictures:
    """Draw what there is of the study in `home` (`runs/STUDY`), which has a finished trial."""
    drawn: list[Picture] = []
    missing: list[str] = []
    try:
        samples = kept_samples(home, manifest)
    except NoPredictionsError as error:
        missing.append(f"Training images and predictions are left out: {error}.")
    else:
        drawn.append(_training(samples, manifest))
        try:
            drawn.append(_predictions(samples, home, manifest, summary))
        except NoPredictionsError as error:
            missing.append(f"Predictions are left out: {error}.")
    try:
        drawn.append(_confusion(home, manifest, summary))
    except NoPredictionsError as error:
        missing.append(f"The confusion matrix is left out: {error}.")
    return DatasetPictures(tuple(drawn), tuple(missing))


def training_note(samples: "Samples", manifest: "StudyManifest") -> str:
    """Return which training images are shown."""
    classes = len(set(samples.training.labels.tolist()))
    of = (
        f"the first {classes} of {len(manifest.class_names)}"
        if classes < len(manifest.class_names)
        else f"all {classes}"
    )
    return (
        f"{len(samples.training.rows)} of {manifest.n_train:,} training images, of {of} classes, spread evenly over "
        "the images of each class. As they are stored: without crop and augmentation."
    )


def _training(samples: "Samples", manifest: "StudyManifest") -> Picture:
    from tracking.image_grids import training_grid

    content = training_grid(samples.training, manifest.class_names)
    return Picture(TRAINING, "Training images with their classes", training_note(samples, manifest), content)


def _predictions(samples: "Samples", home: Path, manifest: "StudyManifest", summary: "StudySummary") -> Picture:
    from tracking.image_grids import prediction_grid

    shown = shown_predictions(samples, home, manifest, summary)
    note = f"Each with its true class in bold. {shown.marks} {shown.choice}"
    return Picture(
        PREDICTIONS, "Test images and what the arms predicted", note, prediction_grid(shown, manifest.class_names)
    )


def _confusion(home: Path, manifest: "StudyManifest", summary: "StudySummary") -> Picture:
    from tracking.confusion_picture import can_be_drawn, draw_confusion
    from tracking.confusions import class_order

    found = read_predictions(home, manifest, summary)
    control = summary.study.control
    if control not in found.arms:
        raise NoPredictionsError(f"no trial of {control} is finished yet")
    if not can_be_drawn(len(found.class_names)):
        raise NoPredictionsError(f"{len(found.class_names)} classes are too many")
    content = draw_confusion(found.arms[control], class_order(found), found.class_names)
    note = (
        f"{control}, all finished trials on the test set. Each row adds up to 100%; the classes stand in an order that "
        "brings those together which are confused. The page beside this one shows what changes in the other arms."
    )
    return Picture(CONFUSION, f"What {control} takes for what", note, content)
