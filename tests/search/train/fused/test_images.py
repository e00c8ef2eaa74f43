"""What is done to images on JAX is what is done to them on TensorFlow, given the same random numbers."""

import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf

from search.train.augmentation import Augmentation
from search.train.batches import as_float, crop_for, on_device
from search.train.fused.images import Cutter, Draws, strengths, without_strengths
from studies.training import AugmentationSpec

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 20, 24, 3), np.uint8)
LABELS = RNG.integers(0, 3, 12).astype(np.int32)
ROWS = np.array([3, 0, 7, 7, 11, 5, 2, 9], np.int32)
STREAM = np.array([5, 8], np.int32)

SPECS = {
    "a crop": {"crop": 16},
    "left to right": {"crop": 16, "flip": "horizontal"},
    "upside down, whole": {"flip": "vertical"},
    "both ways": {"crop": 16, "flip": "both"},
    "some classes": {"crop": 16, "flip_classes": [0, 2]},
    "upside down, some classes": {"crop": 16, "flip": "vertical", "flip_classes": [1]},
    "turned": {"crop": 16, "rotation": 30.0},
    "shifted": {"shift": 0.2},
    "turned, shifted and mirrored": {"crop": 16, "rotation": 180.0, "shift": 0.1, "flip": "both"},
    "brighter": {"brightness": 0.4},
    "saturated": {"saturation": [0.0, 3.0]},
    "contrasted, not clipped": {"contrast": [0.2, 2.0], "clip": False},
    "all": {
        "crop": 16,
        "rotation": 15.0,
        "shift": 0.1,
        "flip": "horizontal",
        "brightness": 0.1,
        "saturation": [0.5, 1.5],
        "contrast": [0.8, 1.2],
    },
}


def cutter(spec: AugmentationSpec) -> Cutter:
    return Cutter((20, 24), (spec.crop, spec.crop) if spec.crop else (20, 24), spec)


@pytest.mark.parametrize("given", list(SPECS.values()), ids=list(SPECS))
def test_the_same_numbers_make_the_same_images(given: dict[str, object]) -> None:
    spec = AugmentationSpec.model_validate(given)
    split = on_device(IMAGES, LABELS)
    augmentation = Augmentation(spec, crop_for(split, spec))
    truth = LABELS[ROWS]
    draws = augmentation.draw(len(ROWS), tf.constant(STREAM))
    theirs = as_float(augmentation.apply(split.images, tf.constant(ROWS), tf.constant(truth), draws)).numpy()
    uniform = (
        tf.random.stateless_uniform([9, len(ROWS)], np.add(STREAM, [0, 2])).numpy().T
    )  # As `Augmentation.draw` has it.
    same = Draws(jnp.asarray(draws.offsets.numpy()), jnp.asarray(uniform) if spec.is_random else None)
    ours = cutter(spec).changed(jnp.asarray(IMAGES), jnp.asarray(ROWS), jnp.asarray(truth), same, strengths(spec))
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(np.asarray(ours), theirs, atol=2e-5)


def test_an_evaluation_sees_the_same_middle() -> None:
    spec = AugmentationSpec(crop=16)
    crop = crop_for(on_device(IMAGES, LABELS), spec)
    theirs = as_float(crop.take(tf.constant(IMAGES), tf.constant(ROWS), crop.centre(len(ROWS)))).numpy()
    ours = cutter(spec).centred(jnp.asarray(IMAGES), jnp.asarray(ROWS))
    np.testing.assert_array_equal(np.asarray(ours), theirs)


def test_strengths_make_no_other_program_but_what_is_on_does() -> None:
    weak, strong = AugmentationSpec(rotation=5.0), AugmentationSpec(rotation=20.0)
    assert without_strengths(weak) == without_strengths(strong)
    assert without_strengths(weak) != without_strengths(AugmentationSpec())
    assert without_strengths(weak) != without_strengths(AugmentationSpec(rotation=5.0, flip="horizontal"))
