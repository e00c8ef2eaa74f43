"""Pictures of pictures: small sharp PNGs for any class names, sizes and colours, with what is wrong marked."""

import io

import numpy as np
import pytest
from PIL import Image

from tracking.image_grids import WRONG, prediction_grid, training_grid, verdict_text
from tracking.samples import Sample
from tracking.shown import Shown, ShownImage, Verdict

LONG = "End of no passing for vehicles over 3.5 t"
RIGHT = Verdict("an arm", 0, True, 2, 3)
MISTAKEN = Verdict("another arm", 1, False, 0, 3)


def photographs(count, shape):
    """Return smooth images with some noise, which compress like real ones."""
    rng = np.random.default_rng(0)
    coarse = rng.random((count, 4, 4, shape[2]))
    fine = coarse.repeat(-(-shape[0] // 4), 1).repeat(-(-shape[1] // 4), 2)[:, : shape[0], : shape[1]]
    return np.clip(255 * fine + rng.normal(0, 12, (count, *shape)), 0, 255).astype(np.uint8)


def training(classes, each, shape):
    labels = np.repeat(np.arange(classes), each)
    return Sample(np.arange(len(labels)), labels, photographs(len(labels), shape))


def opened(content):
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def colours_of(content):
    return {colour for _, colour in opened(content).convert("RGB").getcolors(1 << 24)}


def shown(verdicts, count=18, telling=9, shape=(32, 32, 3)):
    pixels = photographs(count + telling, shape)
    images = [ShownImage(place, 0, pixels[place], verdicts) for place in range(count + telling)]
    return Shown(tuple(images[:count]), tuple(images[count:]), 48, {"an arm": 1})


@pytest.mark.parametrize(
    ("classes", "each", "shape"),
    [(2, 5, (16, 48, 3)), (10, 5, (28, 28, 1)), (10, 5, (32, 32, 3)), (50, 1, (48, 48, 3))],
    ids=str,
)
@pytest.mark.filterwarnings("error::UserWarning")  # Such as a letter that the font has not.
def test_training_images_make_a_small_sharp_png(classes, each, shape):
    content = training_grid(training(classes, each, shape), [LONG] * classes)
    image = opened(content)
    assert (image.format, round(image.info["dpi"][0])) == ("PNG", 150)
    assert len(content) < 200_000


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (48, 48, 3)], ids=str)
@pytest.mark.filterwarnings("error::UserWarning")  # Such as a letter that the font has not.
def test_predictions_make_a_small_sharp_png(shape):
    content = prediction_grid(shown((RIGHT, MISTAKEN) * 2, shape=shape), [LONG, "$x_1$"])
    image = opened(content)
    assert (image.format, round(image.info["dpi"][0])) == ("PNG", 150)
    assert len(content) < 200_000


def test_every_pixel_of_an_image_is_a_square_of_whole_pixels():
    flat = np.zeros((1, 32, 32, 3), np.uint8)
    flat[0, 8, 8] = (255, 0, 0)
    part = Sample(np.arange(2), np.arange(2), np.concatenate([flat, 0 * flat]))
    drawn = np.asarray(opened(training_grid(part, ["a", "b"])).convert("RGB"))
    red = np.argwhere((drawn == (255, 0, 0)).all(axis=-1))
    assert (np.ptp(red, axis=0) + 1).tolist() == [3, 3]
    assert len(red) == 9


def test_a_wrong_prediction_is_told_by_a_cross_and_a_name_and_not_by_its_colour_alone():
    names = ["yield", "stop"]
    assert verdict_text(RIGHT, names, 40) == "✓ an arm 2/3"
    assert verdict_text(MISTAKEN, names, 40) == "✗ another arm 0/3: stop"
    assert len(verdict_text(MISTAKEN, [LONG, LONG], 40)) == 40
    orange = tuple(bytes.fromhex(WRONG[1:]))
    assert orange in colours_of(prediction_grid(shown((RIGHT, MISTAKEN), shape=(28, 28, 1)), names))
    assert orange not in colours_of(prediction_grid(shown((RIGHT, RIGHT), shape=(28, 28, 1)), names))


def test_one_image_and_no_differences_are_drawn_too():
    assert opened(prediction_grid(shown((RIGHT,), count=1, telling=0), ["a"]))
    assert opened(training_grid(training(2, 1, (1, 1, 1)), ["a", "b"]))


def test_the_same_images_give_the_same_bytes():
    part = training(10, 5, (28, 28, 1))
    assert training_grid(part, [LONG] * 10) == training_grid(part, [LONG] * 10)
