"""The engine: what a seed decides, what a reused graph must not remember, and that its numbers are Keras's numbers."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import pytest

from search.models.hypermodel import HyperModel
from search.train.batches import Split, crop_for, on_device
from search.train.engine import train
from search.train.parts import Parts
from search.train.program import Program
from search.train.result import NotFiniteError, TrialResult
from studies.spec import AugmentationSpec, Setting, TrainingSpec

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (90, 18, 18, 3)).astype(np.uint8)
LABELS = (IMAGES.mean((1, 2, 3)) > IMAGES.mean()).astype(np.int32)
TRAIN, TEST = on_device(IMAGES[:70], LABELS[:70]), on_device(IMAGES[70:], LABELS[70:])
PARTS = Parts(TRAIN, test=TEST)
TRAINING = TrainingSpec(epochs=2, batch_size=16, augmentation=AugmentationSpec(crop=16))
EVERYTHING: Setting = {"placement": "after_activation", "rate": 0.3, "batch_norm": True}


def program(setting: Setting = EVERYTHING, training: TrainingSpec = TRAINING, data: Split = TRAIN) -> Program:
    side = training.augmentation.crop or 18
    model = HyperModel("two_block_cnn", (side, side, 3), 2)
    return Program(lambda seed: model.build(setting, seed), training, data)


def run(made: Program, *seeds: int, training: TrainingSpec = TRAINING) -> list[TrialResult]:
    return list(train(made, training, PARTS, seeds, go_on))


def go_on(epoch: int, values: Mapping[str, float]) -> bool:
    return False


def same_bits(a: TrialResult, b: TrialResult) -> bool:
    curves = all(np.array_equal(a.history[name], b.history[name]) for name in a.history)
    return a.metrics == b.metrics and curves and np.array_equal(a.predicted, b.predicted)


def test_a_seed_gives_the_same_bits_from_a_new_graph_and_from_a_reused_one() -> None:
    made = program()
    first, other, again = run(made, 1, 2, 1)
    assert same_bits(first, again)
    assert same_bits(first, run(program(), 1)[0])
    assert not same_bits(first, other)


def test_results_come_one_by_one_with_a_history_per_epoch_and_a_verdict_per_test_example() -> None:
    seen: list[tuple[int, dict[str, float]]] = []
    [result] = train(program(), TRAINING, PARTS, [7], lambda epoch, values: bool(seen.append((epoch, {**values}))))
    assert [epoch for epoch, _ in seen] == [1, 2]
    assert seen[1][1] == {name: values[1] for name, values in result.history.items()}
    assert result.seed == 7
    assert {name: values.shape for name, values in result.history.items()} == dict.fromkeys(result.metrics, (2,))
    assert result.metrics["test_accuracy"] == pytest.approx(result.correct.mean(), abs=1e-6)
    assert np.array_equal(result.correct, result.predicted == LABELS[70:])
    assert result.cost.seconds > 0
    assert result.cost.images_per_second > 0


def test_final_metrics_are_what_keras_evaluate_says() -> None:
    made = program()
    [result] = run(made, 3)
    made.model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    for split, images, labels in (("train", IMAGES[:70], LABELS[:70]), ("test", IMAGES[70:], LABELS[70:])):
        centre = images[:, 1:17, 1:17].astype(np.float32) / 255
        loss, accuracy = made.model.evaluate(centre, labels, verbose=0)
        assert result.metrics[f"{split}_loss"] == pytest.approx(loss, rel=1e-5)
        assert result.metrics[f"{split}_accuracy"] == pytest.approx(accuracy, abs=1e-6)


# A bias before batch norm has no gradient but rounding, which Adam and RMSprop would scale up to a step.
@pytest.mark.parametrize(("optimizer", "batch_norm"), [("adam", False), ("sgd", True), ("rmsprop", False)])
def test_an_epoch_changes_the_weights_as_keras_fit_does(optimizer: str, batch_norm: bool) -> None:
    # One batch an epoch, so that the order of the images does not matter.
    training = TrainingSpec(epochs=3, batch_size=70)
    setting: Setting = {"optimizer": optimizer, "batch_norm": batch_norm}
    made = program(setting, training)
    made.reset(5)
    for epoch in range(3):
        made.train_epoch(TRAIN, 5, epoch)
    model = HyperModel("two_block_cnn", (18, 18, 3), 2).build(setting, seed=5)
    model.fit(IMAGES[:70].astype(np.float32) / 255, LABELS[:70], batch_size=70, epochs=3, verbose=0)
    for ours, keras_own in zip(made.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, keras_own, rtol=2e-3, atol=2e-5)


def test_every_image_is_seen_once_an_epoch_and_the_last_batch_may_be_smaller() -> None:
    seen: list[np.ndarray] = []

    class Recorder(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any, training: bool = False) -> Any:
            import tensorflow as tf

            if training:
                tf.numpy_function(lambda batch: seen.append(batch.copy()), [x[:, 0, 0, 0]], [])
            return x

    model = one_layer(Recorder())
    made = Program(model, TrainingSpec(epochs=1, batch_size=32), TRAIN)
    made.reset(1)
    made.train_epoch(TRAIN, 1, 0)
    made.train_epoch(TRAIN, 1, 1)
    assert [len(batch) for batch in seen] == [32, 32, 6, 32, 32, 6]
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    stored = IMAGES[:70, 0, 0, 0].astype(np.float32) / 255
    assert np.allclose(np.sort(first), np.sort(stored))
    assert np.allclose(np.sort(second), np.sort(stored))
    assert not np.array_equal(first, second), "each epoch has an order of its own"


def one_layer(layer: keras.layers.Layer, **compiled: Any) -> Callable[[int], keras.Model]:
    def build(seed: int) -> keras.Model:
        keras.utils.set_random_seed(seed)
        inputs = keras.Input((18, 18, 3))
        flat = keras.layers.Flatten()(layer(inputs))
        model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(flat))
        model.compile(**{"optimizer": "sgd", "loss": "sparse_categorical_crossentropy", **compiled})
        return model

    return build


def test_one_hot_losses_get_one_hot_targets() -> None:
    made = Program(
        one_layer(keras.layers.Identity(), loss="categorical_crossentropy"),
        TrainingSpec(epochs=1, batch_size=16),
        TRAIN,
    )
    sparse = Program(one_layer(keras.layers.Identity()), TrainingSpec(epochs=1, batch_size=16), TRAIN)
    a, b = (run(program, 1, training=TrainingSpec(epochs=1, batch_size=16))[0] for program in (made, sparse))
    assert a.metrics["test_loss"] == pytest.approx(b.metrics["test_loss"], rel=1e-5)


def test_a_loss_that_is_no_number_ends_the_trial_and_names_the_epoch() -> None:
    with pytest.raises(NotFiniteError, match=r"train_loss became (nan|inf) in epoch 1"):
        run(program({"optimizer": "sgd", "learning_rate": 10.0, "activation": "linear", "dense_units": 512}), 1)


def test_random_crops_are_windows_of_their_image_at_every_offset_and_depend_on_the_seed() -> None:
    import tensorflow as tf

    crop = crop_for(TRAIN, AugmentationSpec(crop=16))
    rows = tf.constant([4] * 500)
    offsets = crop.random(500, tf.constant([1, 0]))
    windows = crop.take(TRAIN.images, rows, offsets).numpy()
    for window, (top, left) in zip(windows, offsets.numpy(), strict=True):
        assert np.array_equal(window, IMAGES[4, top : top + 16, left : left + 16])
    assert {tuple(offset) for offset in offsets.numpy().tolist()} == {(y, x) for y in range(3) for x in range(3)}
    assert not np.array_equal(offsets, crop.random(500, tf.constant([2, 0])))


def test_evaluation_takes_the_centre() -> None:
    import tensorflow as tf

    crop = crop_for(TRAIN, AugmentationSpec(crop=16))
    window = crop.take(TRAIN.images, tf.constant([3]), crop.centre(1)).numpy()[0]
    assert np.array_equal(window, IMAGES[3, 1:17, 1:17])


def test_float_images_train_like_the_bytes_they_came_from() -> None:
    as_floats = on_device(IMAGES[:70].astype(np.float32) / np.float32(255), LABELS[:70])
    [a] = run(program(), 1)
    parts = Parts(as_floats, test=on_device(IMAGES[70:] / np.float32(255), LABELS[70:]))
    [b] = train(program(data=as_floats), TRAINING, parts, [1], go_on)
    assert a.metrics["test_loss"] == pytest.approx(b.metrics["test_loss"], rel=1e-3)
