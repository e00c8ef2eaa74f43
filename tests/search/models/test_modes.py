"""What dropout and batch normalisation do in training, and must not do in inference."""

from pathlib import Path

import keras
import numpy as np
import pytest

from search.models.dropout import Dropout
from search.models.hypermodel import HyperModel
from studies.declaration import Setting

ONES = np.ones((64, 12, 12, 32), np.float32)


def trained(layer: keras.layers.Layer, x: np.ndarray) -> np.ndarray:
    return np.array(layer(x, training=True))


@pytest.mark.parametrize("rate", [0.5, 0.25, 0.3, 0.9, 0.001])
def test_dropout_drops_at_its_rate_and_keeps_the_expectation(rate: float) -> None:
    out = trained(Dropout(rate, seed=1), ONES)
    dropped = (out == 0).mean()
    noise = 5 * np.sqrt(rate * (1 - rate) / out.size)
    assert abs(dropped - rate) < noise
    assert np.allclose(out[out != 0], 1 / (1 - rate), rtol=1e-4)
    assert abs(out.mean() - 1) < noise / (1 - rate) + 1e-4


def test_dropout_masks_have_no_pattern_between_neighbours_or_images() -> None:
    keep = trained(Dropout(0.5, seed=1), ONES) != 0
    for axis in range(4):
        agree = (keep == np.roll(keep, 1, axis)).mean()
        assert abs(agree - 0.5) < 5 * 0.5 / np.sqrt(keep.size), f"axis {axis}"


def test_dropout_draws_anew_each_time_and_the_same_again_from_the_same_seed() -> None:
    layer, same, other = Dropout(0.5, seed=1), Dropout(0.5, seed=1), Dropout(0.5, seed=2)
    first, second = trained(layer, ONES), trained(layer, ONES)
    assert not np.array_equal(first, second)
    assert np.array_equal(first, trained(same, ONES))
    assert not np.array_equal(first, trained(other, ONES))


def test_dropout_works_on_sizes_that_no_word_of_random_bits_divides() -> None:
    assert trained(Dropout(0.3, seed=1), np.ones((3, 7), np.float32)).shape == (3, 7)


def test_dropout_does_nothing_in_inference_nor_at_rate_zero() -> None:
    assert np.array_equal(np.array(Dropout(0.5)(ONES, training=False)), ONES)
    assert np.array_equal(trained(Dropout(0.0), ONES), ONES)


def test_its_gradient_flows_through_what_was_kept_only() -> None:
    import tensorflow as tf

    layer, x = Dropout(0.5, seed=1), tf.constant(ONES)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
    assert np.array_equal(np.array(tape.gradient(y, x)), np.array(y))


def test_batch_norm_predicts_an_image_without_regard_to_its_batch() -> None:
    model = HyperModel("two_block_cnn", (28, 28, 3), 10).build({"batch_norm": True}, seed=1)
    x = np.random.default_rng(0).random((8, 28, 28, 3), np.float32)
    alone, among = np.array(model(x[:1], training=False)), np.array(model(x, training=False))
    np.testing.assert_allclose(alone[0], among[0], rtol=1e-5)
    alone, among = np.array(model(x[:1], training=True)), np.array(model(x, training=True))
    assert not np.allclose(alone[0], among[0], rtol=1e-3), "training uses the batch's own statistics"


def test_batch_norm_learns_its_moving_averages_in_training_only() -> None:
    model = HyperModel("two_block_cnn", (28, 28, 3), 10).build({"batch_norm": True}, seed=1)
    x = np.random.default_rng(0).random((8, 28, 28, 3), np.float32)
    norm = model.get_layer("norm1")
    before = norm.moving_mean.numpy()
    model(x, training=False)
    assert np.array_equal(before, norm.moving_mean.numpy())
    model(x, training=True)
    assert not np.array_equal(before, norm.moving_mean.numpy())


SIGN, CIFAR = (28, 28, 3), (32, 32, 3)
WITH_BATCH_NORM = [
    HyperModel("challenge_cnn", SIGN, 43),
    HyperModel("batchnorm_convnet", CIFAR, 10),
    HyperModel("vgg_small", CIFAR, 100),
    HyperModel("one_conv_net", (8, 8, 3), 100),
]
WITH_DROPOUT: list[tuple[HyperModel, Setting]] = [
    (HyperModel("challenge_cnn", SIGN, 43), {}),
    (HyperModel("batchnorm_convnet", CIFAR, 10), {}),
    (HyperModel("cifar_small", CIFAR, 10), {"dropout": 0.2}),
    (HyperModel("three_conv_net", CIFAR, 100), {"dropout": 0.5}),
    (HyperModel("dense_head", (2048,), 100), {"dropout": 0.5}),
]


def inputs(model: HyperModel, count: int) -> np.ndarray:
    return np.random.default_rng(0).random((count, *model.input_shape), np.float32)


@pytest.mark.parametrize("hypermodel", WITH_BATCH_NORM, ids=lambda hypermodel: hypermodel.model)
def test_a_prediction_does_not_depend_on_its_batch_though_a_training_step_does(hypermodel: HyperModel) -> None:
    model, x = hypermodel.build({}, seed=1), inputs(hypermodel, 4)
    model(x, training=True)  # Moving averages that are not those of a new model.
    alone, among = np.array(model(x[:1], training=False)), np.array(model(x, training=False))
    np.testing.assert_allclose(alone[0], among[0], rtol=1e-4)
    # Up to the first batch norm, before any dropout.
    norm = next(layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
    to_norm = keras.Model(model.input, norm.output)
    alone, among = np.array(to_norm(x[:1], training=True)), np.array(to_norm(x, training=True))
    assert not np.allclose(alone[0], among[0], rtol=1e-3)


@pytest.mark.parametrize(("hypermodel", "setting"), WITH_DROPOUT, ids=lambda part: getattr(part, "model", ""))
def test_dropout_changes_outputs_in_training_only(hypermodel: HyperModel, setting: Setting) -> None:
    model, x = hypermodel.build(setting, seed=1), inputs(hypermodel, 4)
    first, second = np.array(model(x, training=True)), np.array(model(x, training=True))
    assert not np.array_equal(first, second)
    first, second = np.array(model(x, training=False)), np.array(model(x, training=False))
    assert np.array_equal(first, second)


def test_a_model_with_our_dropout_is_saved_and_loaded(tmp_path: Path) -> None:
    hypermodel = HyperModel("cifar_small", CIFAR, 10)
    model, x = hypermodel.build({"dropout": 0.2}, seed=1), inputs(hypermodel, 2)
    model.save(tmp_path / "model.keras", include_optimizer=False)
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert np.array_equal(np.array(model(x, training=False)), np.array(loaded(x, training=False)))
