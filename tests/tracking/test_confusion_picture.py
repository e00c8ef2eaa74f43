"""The confusion matrix as a PNG: small, sharp, drawn for 2 to 200 classes, its rows high enough for their names."""

import io

import numpy as np
import pytest
from PIL import Image

from tracking.confusion_picture import COLOURS, DIAGONAL, SMALLEST_CELL, draw_confusion
from tracking.predictions import ArmPredictions


def arm(classes, wrong=0.4):
    rng = np.random.default_rng(0)
    labels = np.arange(classes).repeat(20)
    given = np.where(rng.random(labels.size) < wrong, rng.integers(0, classes, labels.size), labels).astype(np.uint16)
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels, given), 1)
    return ArmPredictions("original", given[None], (given == labels).astype(np.int64), confusion)


def opened(content):
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("classes", [2, 10, 43, 100])
@pytest.mark.filterwarnings("error")
def test_a_matrix_is_a_small_sharp_png(classes):
    names = [f"quite a long name of class {number}, and $x_1$" for number in range(classes)]
    content = draw_confusion(arm(classes), list(range(classes)), names)
    image = opened(content)
    assert round(image.info["dpi"][0]) == 150
    assert len(content) < 200_000
    assert min(image.size) >= 150 * min(classes * SMALLEST_CELL, 4)


def test_shares_have_the_colours_of_the_bar_and_right_answers_are_grey():
    one = ArmPredictions("original", np.zeros((1, 2), np.uint16), np.ones(2), np.array([[50, 50], [2, 98]]))
    drawn = np.asarray(opened(draw_confusion(one, [0, 1], ["a", "b"])).convert("RGB")).reshape(-1, 3)

    def pixels(colour):
        return int((drawn == tuple(bytes.fromhex(colour[1:]))).all(axis=1).sum())

    cell = 0.9 * (150 * 0.3) ** 2
    assert pixels(DIAGONAL) > 2 * cell
    assert pixels(COLOURS[6]) > cell, "half of a's images are taken for b"
    assert pixels(COLOURS[3]) > cell, "and two of a hundred of b's for a"


def test_a_matrix_without_confusions_is_drawn_too():
    assert opened(draw_confusion(arm(3, wrong=0.0), [0, 1, 2], ["a", "b", "c"]))
