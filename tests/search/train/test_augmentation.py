"""Augmentation: each change against tf.image or SciPy, what chance may decide, and that evaluation knows none of it."""

import math
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from search.train.augmentation import Augmentation, Draws
from search.train.batches import Split, as_float, crop_for, on_device
from search.train.program import Program
from studies.spec import AugmentationSpec, TrainingSpec

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 12, 10, 3)).astype(np.uint8)
LABELS = (np.arange(60) % 3).astype(np.int32)
DATA = on_device(IMAGES, LABELS)
FLOATS = IMAGES.astype(np.float32) / 255
EPOCH = tf.constant([1, 8])
FULL = AugmentationSpec(
    rotation=15, shift=0.1, crop=8, flip_classes=[1], brightness=0.1, saturation=[0.5, 2], contrast=[0.7, 1.3]
)


def augmented(spec: AugmentationSpec, seed: Any = EPOCH, data: Split = DATA) -> tuple[np.ndarray, Draws]:
    """Return all images as `spec` changes them, each once, and the draws."""
    made = Augmentation(spec, crop_for(data, spec))
    draws = made.draw(data.size, seed)
    return made.apply(data.images, data.rows, data.labels, draws).numpy(), draws


def numbers(values: Any) -> np.ndarray:
    return np.asarray(values)


def test_everything_at_once_keeps_shape_type_and_range() -> None:
    images, _ = augmented(FULL)
    assert images.shape == (60, 8, 8, 3)
    assert images.dtype == np.float32
    assert images.min() >= 0
    assert images.max() <= 1


def test_the_same_seed_gives_the_same_bits_another_seed_or_epoch_gives_others() -> None:
    first, _ = augmented(FULL)
    assert np.array_equal(first, augmented(FULL)[0])
    for other in ([2, 8], [1, 16]):
        different = augmented(FULL, tf.constant(other))[0] != first
        assert different.any(axis=(1, 2, 3)).all()


def test_without_augmentation_an_image_is_only_scaled() -> None:
    assert np.array_equal(augmented(AugmentationSpec())[0], as_float(DATA.images).numpy())


def test_draws_lie_in_their_ranges_and_fill_them() -> None:
    many = on_device(np.zeros((4000, 12, 10, 3), np.uint8), np.zeros(4000, np.int32))
    spec = FULL.model_copy(update={"flip": "vertical"})
    draws = Augmentation(spec, crop_for(many, spec)).draw(4000, EPOCH)
    turn = math.radians(15)
    for values, low, high in (
        (draws.angle, -turn, turn),
        (draws.shift[:, 0], -0.1, 0.1),
        (draws.shift[:, 1], -0.1, 0.1),
        (draws.brightness, -0.1, 0.1),
        (draws.saturation, 0.5, 2.0),
        (draws.contrast, 0.7, 1.3),
    ):
        drawn = (numbers(values) - low) / (high - low)
        assert drawn.min() >= 0
        assert drawn.max() <= 1
        # Tenths of the range are equally full: 400 each, with a standard deviation of 19.
        assert np.abs(np.histogram(drawn, 10, (0, 1))[0] - 400).max() < 100
    for chance in (draws.mirrored[:, 0], draws.mirrored_in_class):
        assert abs(numbers(chance).mean() - 0.5) < 0.04
    chances = [*numbers(draws.mirrored).T[:1], numbers(draws.mirrored_in_class)]
    amounts = [numbers(values) for values in (draws.angle, draws.brightness, draws.saturation, draws.contrast)]
    columns = [*numbers(draws.offsets).T, *numbers(draws.shift).T, *chances, *amounts]
    correlations = np.corrcoef(columns) - np.eye(len(columns))
    assert np.abs(correlations).max() < 0.07, "changes are independent of each other"


def test_what_one_change_draws_does_not_depend_on_the_others() -> None:
    alone = augmented(AugmentationSpec(contrast=[0.7, 1.3]))[1]
    assert np.array_equal(alone.contrast, augmented(FULL)[1].contrast)
    assert np.array_equal(augmented(AugmentationSpec(crop=8))[1].offsets, augmented(FULL)[1].offsets)


def test_a_rotation_turns_clockwise_about_the_centre() -> None:
    square = on_device(IMAGES[:, :10], LABELS)
    made = Augmentation(AugmentationSpec(rotation=90), crop_for(square, AugmentationSpec()))
    draws = Draws(tf.zeros([60, 2], tf.int32), angle=tf.fill([60], np.float32(math.pi / 2)))
    turned = made.apply(square.images, square.rows, square.labels, draws).numpy()
    np.testing.assert_allclose(turned, np.rot90(FLOATS[:, :10], k=-1, axes=(1, 2)), atol=1e-4)


def test_whole_pixels_of_shift_move_the_image_and_repeat_its_edge() -> None:
    made = Augmentation(AugmentationSpec(shift=0.5), crop_for(DATA, AugmentationSpec()))
    draws = Draws(tf.zeros([60, 2], tf.int32), shift=tf.constant([[3 / 12, -2 / 10]] * 60, tf.float32))
    moved = made.apply(DATA.images, DATA.rows, DATA.labels, draws).numpy()
    expected = np.pad(FLOATS, ((0, 0), (3, 0), (0, 2), (0, 0)), "edge")[:, :12, 2:]
    np.testing.assert_allclose(moved, expected, atol=1e-5)


def test_rotation_shift_crop_and_flip_together_are_what_scipy_makes_of_them() -> None:
    spec = AugmentationSpec(rotation=40, shift=0.2, crop=8, flip="both")
    found, draws = augmented(spec)
    centre = np.array([5.5, 4.5])
    for number in range(60):
        cos, sin = math.cos(float(draws.angle[number])), math.sin(float(draws.angle[number]))
        # Both look up where each pixel, as (row, column), of the turned and then shifted image comes from.
        back = np.array([[cos, -sin], [sin, cos]])
        offset = centre - back @ (centre + numbers(draws.shift)[number] * [12, 10])
        whole = np.stack(
            [
                ndimage.affine_transform(FLOATS[number, :, :, channel], back, offset, order=1, mode="nearest")
                for channel in range(3)
            ],
            axis=-1,
        )
        top, left = numbers(draws.offsets)[number]
        window = whole[top : top + 8, left : left + 8]
        up_down, left_right = numbers(draws.mirrored)[number]
        window = window[::-1] if up_down else window
        np.testing.assert_allclose(found[number], window[:, ::-1] if left_right else window, atol=2e-4)


@pytest.mark.parametrize(("flip", "axes"), [("horizontal", (2,)), ("vertical", (1,)), ("both", (1, 2))])
def test_flips_turn_every_second_image_over_along_their_axes(flip: str, axes: tuple[int, ...]) -> None:
    images, draws = augmented(AugmentationSpec.model_validate({"flip": flip}))
    for axis in (1, 2):
        flipped = numbers(draws.mirrored)[:, axis - 1]
        assert (10 < flipped.sum() < 50) if axis in axes else not flipped.any()
    for image, stored, (up_down, left_right) in zip(images, FLOATS, numbers(draws.mirrored), strict=True):
        expected = stored[::-1] if up_down else stored
        np.testing.assert_allclose(image, expected[:, ::-1] if left_right else expected, atol=1e-6)


def test_a_flip_and_a_crop_cut_the_window_first() -> None:
    images, draws = augmented(AugmentationSpec(crop=8, flip="horizontal"))
    for image, stored, (top, left), (_, mirrored) in zip(
        images, FLOATS, numbers(draws.offsets), numbers(draws.mirrored), strict=True
    ):
        window = stored[top : top + 8, left : left + 8]
        np.testing.assert_allclose(image, window[:, ::-1] if mirrored else window, atol=1e-6)


@pytest.mark.parametrize("moved", [{}, {"rotation": 0.001}], ids=["gathered", "interpolated"])
def test_flips_of_some_classes_leave_the_others_as_they_are(moved: dict[str, float]) -> None:
    flipped_ever = np.zeros(60, bool)
    for epoch in range(12):
        images, _ = augmented(AugmentationSpec(flip_classes=[0, 2], **moved), tf.constant([5, 8 * epoch]))  # type: ignore[arg-type]
        same = np.isclose(images, FLOATS, atol=0.02).all(axis=(1, 2, 3))
        turned = np.isclose(images, FLOATS[:, :, ::-1], atol=0.02).all(axis=(1, 2, 3))
        assert (same != turned).all()
        flipped_ever |= turned
    assert np.array_equal(flipped_ever, LABELS != 1)


def test_flips_of_some_classes_go_with_a_vertical_flip_of_all() -> None:
    images, draws = augmented(AugmentationSpec(flip="vertical", flip_classes=[0]))
    both = numbers(draws.mirrored)[:, 0] & numbers(draws.mirrored_in_class) & (LABELS == 0)
    assert both.any()
    np.testing.assert_allclose(images[both], FLOATS[both][:, ::-1, ::-1], atol=1e-6)


def test_brightness_is_added_and_the_image_clipped_unless_told_otherwise() -> None:
    images, draws = augmented(AugmentationSpec(brightness=0.4))
    bright, _ = augmented(AugmentationSpec(brightness=0.4, clip=False))
    added = FLOATS + numbers(draws.brightness)[:, None, None, None]
    np.testing.assert_allclose(bright, added, atol=1e-6)
    np.testing.assert_allclose(images, added.clip(0, 1), atol=1e-6)
    assert bright.max() > 1.1


@pytest.mark.parametrize("brightness", [0.0, 0.8], ids=["in [0, 1]", "with values outside"])
def test_saturation_and_contrast_are_those_of_tf_image(brightness: float) -> None:
    spec = AugmentationSpec(brightness=brightness, saturation=[0.2, 3], contrast=[0.1, 2], clip=False)
    images, draws = augmented(spec)
    added = numbers(draws.brightness) if brightness else np.zeros(60, np.float32)
    for number in range(60):
        expected = tf.image.adjust_saturation(FLOATS[number] + added[number], draws.saturation[number])
        expected = tf.image.adjust_contrast(expected, draws.contrast[number])
        np.testing.assert_allclose(images[number], expected, atol=2e-5)


def test_grey_images_take_contrast_and_brightness() -> None:
    grey = on_device(IMAGES[..., :1], LABELS)
    images, draws = augmented(AugmentationSpec(contrast=[0.5, 1.5], clip=False), data=grey)
    stored = FLOATS[..., :1]
    mean = stored.mean(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(images, mean + (stored - mean) * numbers(draws.contrast)[:, None, None, None], atol=1e-5)


def recorder(seen: list[np.ndarray]) -> keras.Model:
    class Recorder(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            tf.numpy_function(lambda batch: seen.append(batch.copy()), [x], [])
            return x

    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(Recorder()(inputs)))
    model = keras.Model(inputs, outputs)
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize(("pixels", "middle"), [("unit", 0.0), ("centred", 0.5)])
def test_evaluation_sees_the_centre_in_the_range_of_the_study_and_nothing_else(pixels: Any, middle: float) -> None:
    seen: list[np.ndarray] = []
    made = Program(lambda seed: recorder(seen), TrainingSpec(epochs=1, batch_size=20, augmentation=FULL), DATA, pixels)
    made.evaluate(DATA)
    np.testing.assert_allclose(np.concatenate(seen), FLOATS[:, 2:10, 1:9] - middle, atol=1e-6)
    seen.clear()
    made.train_epoch(DATA, 1, 0)
    trained = np.concatenate(seen)
    assert trained.min() >= -middle
    assert trained.max() <= 1 - middle
    assert trained.mean() == pytest.approx(0.5 - middle, abs=0.05)


def test_training_with_full_augmentation_repeats_to_the_bit() -> None:
    def weights(seed: int) -> list[np.ndarray]:
        keras.utils.set_random_seed(0)
        made = Program(lambda _: recorder([]), TrainingSpec(epochs=1, batch_size=20, augmentation=FULL), DATA)
        made.model.set_weights([np.full_like(weight, 0.01) for weight in made.model.get_weights()])
        made.train_epoch(DATA, seed, 0)
        return list(made.model.get_weights())

    first, again, other = weights(1), weights(1), weights(2)
    assert all(map(np.array_equal, first, again))
    assert not all(map(np.array_equal, first, other))
