"""The images of a study on the page: training images by class, and test images with what arms predicted on them."""

import base64
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tracking.dataset_pictures import training_note
from tracking.html.grid import folded, paragraph, section
from tracking.html.markup import Html, joined, tag
from tracking.predictions import NoPredictionsError
from tracking.shown import ShownImage, Verdict, kept_samples, shown_predictions

if TYPE_CHECKING:
    from tracking.manifest import StudyManifest
    from tracking.summary import StudySummary

SIDE = 56
"""Pixels of an image's longer side on the page."""


def training_images(folder: Path, manifest: "StudyManifest") -> Html:
    """Return the section on the images that the study in `folder` (`runs/STUDY`) trains on, or why there is none."""
    title = "Training images"
    try:
        samples = kept_samples(folder, manifest)
    except NoPredictionsError as error:
        return section("images", title, paragraph(f"This part is left out: {error}."))
    training = samples.training
    classes = np.unique(training.labels).tolist()
    items = []
    for label in classes:
        name = manifest.class_names[label]
        shown = [thumbnail(pixels, name) for pixels in training.images[training.labels == label]]
        items.append(tag("li", tag("span", *shown), tag("span", name, class_="soft")))
    note = paragraph(training_note(samples, manifest))
    look = "samples several" if len(training.labels) > len(classes) else "samples"
    return section("images", title, note, tag("ul", *items, class_=look))


def predicted_images(folder: Path, manifest: "StudyManifest", summary: "StudySummary") -> Html:
    """Return the test images that are shown with what arms predicted on them, or why there are none."""
    try:
        shown = shown_predictions(kept_samples(folder, manifest), folder, manifest, summary)
    except NoPredictionsError as error:
        return paragraph(f"Test images are left out: {error}.")
    parts = [_examples(shown.spread, manifest.class_names)]
    if shown.telling:
        parts += [tag("h4", "Where arms differ most"), _examples(shown.telling, manifest.class_names)]
    return folded(
        "Test images and what the arms predicted",
        paragraph(f"{shown.marks} {shown.choice}"),
        *parts,
        is_open=True,
        aside=True,
    )


def thumbnail(pixels: NDArray[np.uint8], name: str, side: int = SIDE) -> Html:
    """Return an image of (height, width, channels), its longer side `side` pixels long."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, format="PNG", optimize=True)
    source = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    height, width = (max(1, round(side * length / max(pixels.shape[:2]))) for length in pixels.shape[:2])
    return tag("img", src=source, width=width, height=height, alt=name)


def _examples(images: Iterable[ShownImage], class_names: Sequence[str]) -> Html:
    items = [
        tag(
            "li",
            thumbnail(one.pixels, f"test example {one.row}"),
            tag("span", joined([tag("strong", class_names[one.true]), *_verdicts(one.verdicts, class_names)])),
        )
        for one in images
    ]
    return tag("ul", *items, class_="examples judged")


def _verdicts(verdicts: Iterable[Verdict], class_names: Sequence[str]) -> list[Html]:
    lines = []
    for one in verdicts:
        said = f"{'✓' if one.is_right else '✗'} {one.arm} {one.right}/{one.trials}"
        if one.is_right:
            lines.append(tag("span", said, class_="verdict soft"))
        else:
            taken = tag("strong", class_names[one.predicted])
            lines.append(tag("span", f"{said}: ", taken, class_="verdict wrong"))
    return lines
