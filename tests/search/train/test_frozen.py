"""A frozen base: its features, computed once, on which heads train like on any other data."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from search.data.images import Images
from search.data.split import split
from search.data.stored import PreparedData, describe, store
from search.train.features import Base
from search.train.frozen import FeaturesTask, prepare_features
from search.train.saving import loaded
from search.trial import TrialTask, run_trial
from studies.data import DataSpec, ValidationSpec
from studies.errors import InputError
from studies.spec import AugmentationSpec, TrainingSpec

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, 150).astype(np.int32)
# Noise, brighter in one column for each class: what a convolution can learn.
IMAGES = RNG.integers(0, 90, (150, 20, 20, 1)).astype(np.uint8)
IMAGES[np.arange(150), :, 4 + 5 * LABELS] += 160
HALF = ValidationSpec(fraction=0.5, group="track")
TRAINING = TrainingSpec(epochs=3, batch_size=10, augmentation=AugmentationSpec(crop=18, flip="vertical"))
CENTRED = DataSpec(range="centred", validation=HALF)


def prepared(folder: Path, x_train: np.ndarray = IMAGES[:120]) -> PreparedData:
    tracks = np.arange(120, dtype=np.int32) // 2
    images = Images(x_train, LABELS[:120], IMAGES[120:], LABELS[120:], ("left", "middle", "right"), tracks)
    data = describe(images, "columns", folder)
    store(images, data)
    return data


def base_task(data: PreparedData) -> TrialTask:
    return TrialTask(
        key="base",
        arm="base",
        setting={"batch_norm": True},
        seed=1,
        model="two_block_cnn",
        training=TRAINING,
        data=data,
        data_spec=CENTRED,
        scored_on="validation",
        keep_model=True,
    )


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> FeaturesTask:
    home = tmp_path_factory.mktemp("data")
    data = prepared(home)
    model = run_trial(base_task(data)).result.model
    assert model is not None
    return FeaturesTask("columns-base", home, model, data, CENTRED, TRAINING)


@pytest.fixture(scope="module")
def features(task: FeaturesTask) -> PreparedData:
    return prepare_features(task)


def test_features_are_what_the_base_makes_of_the_search_part_and_of_the_test_set(
    task: FeaturesTask, features: PreparedData
) -> None:
    held = split(LABELS[:120], HALF, None, np.arange(120) // 2)
    arrays, whole = features.open(), loaded(task.base)
    base = keras.Model(whole.input, whole.get_layer("flatten").output)
    for found, images in ((arrays.x_train, IMAGES[:120][held.validation]), (arrays.x_test, IMAGES[120:])):
        centre = images[:, 1:19, 1:19].astype(np.float32) / 255 - 0.5
        np.testing.assert_allclose(found, base.predict(centre, verbose=0), atol=1e-5)
        assert found.dtype == np.float32
    assert np.array_equal(arrays.y_train, LABELS[:120][held.validation])
    assert np.array_equal(arrays.y_test, LABELS[120:])
    assert arrays.track_train is not None
    assert np.array_equal(arrays.track_train, held.validation // 2)
    assert features.class_names == task.data.class_names
    assert features.task == "classification"


def test_they_are_computed_once(task: FeaturesTask, features: PreparedData) -> None:
    assert prepare_features(replace(task, base=b"not needed any more")) == features


def test_nothing_of_the_search_part_reaches_the_base(task: FeaturesTask, tmp_path: Path) -> None:
    held = split(LABELS[:120], HALF, None, np.arange(120) // 2)
    other = IMAGES[:120].copy()
    other[held.validation] = 0
    again = run_trial(base_task(prepared(tmp_path, other))).result.model
    assert again is not None
    weights, weights_again = (loaded(model).get_weights() for model in (task.base, again))
    assert all(map(np.array_equal, weights, weights_again))


def test_heads_train_on_them_with_folds(features: PreparedData) -> None:
    by_fold = DataSpec(range="centred", validation=ValidationSpec(folds=3, group="track"))
    head = TrialTask(
        key="head",
        arm="head",
        setting={"dense_units": 16, "activation": "elu"},
        seed=1,
        model="dense_head",
        training=TrainingSpec(epochs=20, batch_size=10),
        data=features,
        data_spec=by_fold,
        scored_on="validation",
    )
    results = [run_trial(replace(head, fold=fold)).result for fold in range(3)]
    assert sum(len(result.predicted) for result in results) == features.n_train
    assert np.mean([result.metrics["validation_accuracy"] for result in results]) > 0.8
    assert all("test_accuracy" not in result.metrics for result in results)


def test_another_layer_can_be_named(task: FeaturesTask) -> None:
    base = Base(task.base, "classes", TRAINING.augmentation, "centred")
    scores = base.features(IMAGES[120:], np.array([3, 1]))
    assert scores.shape == (2, 3)
    assert scores.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_a_base_without_such_a_layer_is_named(task: FeaturesTask) -> None:
    with pytest.raises(InputError, match=r"Received: 'flaten'. Did you mean 'flatten'\?"):
        Base(task.base, "flaten", TRAINING.augmentation, "unit")
    with pytest.raises(InputError, match=r"must be vectors. Received: layer 'pool1'.*\(7, 7, 32\)"):
        Base(task.base, "pool1", TRAINING.augmentation, "unit")


def test_a_base_that_held_nothing_out_leaves_nothing_to_search_on(task: FeaturesTask) -> None:
    with pytest.raises(InputError, match=r"`study.data.validation.fraction` must be given .* Received: None"):
        prepare_features(replace(task, name="other", data_spec=DataSpec()))
