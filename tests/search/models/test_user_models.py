"""Keras Tuner hypermodels from elsewhere, unchanged: an application of Keras Tuner's, and files of a user's own."""

from pathlib import Path

import numpy as np
import pytest

from search.models import source_digest
from search.models.discovery import declared_space
from search.models.hypermodel import HyperModel
from studies.declaration import Setting
from studies.errors import InputError

RESNET = HyperModel("keras_tuner.applications:HyperResNet", (16, 16, 3), 4)

MINE = '''\
"""A user's file, as Keras Tuner's guide writes them."""
import keras
import keras_tuner


def branches(hp, inputs, x, classes):
    kind = hp.Choice("kind", ["mlp", "cnn"])
    with hp.conditional_scope("kind", ["mlp"]):
        if kind == "mlp":
            x = keras.layers.Flatten()(x)
            x = keras.layers.Dense(hp.Int("units", 4, 32, step=4), activation="relu")(x)
    with hp.conditional_scope("kind", ["cnn"]):
        if kind == "cnn":
            x = keras.layers.Conv2D(hp.Int("filters", 2, 8), 3, activation="relu")(x)
            x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(x))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def build(hp, input_shape, classes):
    inputs = keras.Input(input_shape)
    return branches(hp, inputs, inputs, classes)


def build_fixed(hp):
    inputs = keras.Input((8, 8, 1))
    return branches(hp, inputs, inputs, 3)


class Net(keras_tuner.HyperModel):
    def __init__(self, input_shape, classes, **kwargs):
        super().__init__(**kwargs)
        self.input_shape, self.classes = input_shape, classes

    def declare_hyperparameters(self, hp):
        hp.Float("rate", 0.0, 0.5, default=0.25)

    def build(self, hp):
        inputs = keras.Input(self.input_shape)
        return branches(hp, inputs, keras.layers.Dropout(hp.get("rate"))(inputs), self.classes)


ready = Net((8, 8, 1), 3)


def without_input(hp):
    layers = [keras.layers.Flatten(), keras.layers.Dense(hp.Int("units", 4, 32)), keras.layers.Dense(3)]
    model = keras.Sequential(layers)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def behind_an_if(hp):
    model = keras.Sequential([keras.layers.Flatten()])
    if hp.Choice("kind", ["linear", "mlp"]) == "mlp":
        model.add(keras.layers.Dense(hp.Int("units", 4, 32)))
    model.add(keras.layers.Dense(3))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def uncompiled(hp):
    return keras.Sequential([keras.layers.Dense(2)])


def no_model(hp):
    return 7
'''


@pytest.fixture(autouse=True)
def _user_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_nets.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)


def mine(attribute: str) -> HyperModel:
    return HyperModel(f"my_nets:{attribute}", (8, 8, 1), 3)


@pytest.mark.parametrize("attribute", ["build", "build_fixed", "Net", "ready"])
def test_functions_classes_and_hypermodels_of_a_users_file_are_built(attribute: str) -> None:
    model = mine(attribute).build({"kind": "cnn", "filters": 5}, seed=1)
    assert model.input_shape == (None, 8, 8, 1)
    assert model.output_shape == (None, 3)
    assert source_digest(f"my_nets:{attribute}")


def test_a_sequential_model_without_an_input_has_its_weights_before_training() -> None:
    model = mine("without_input").build({"units": 5}, seed=1)
    assert [weights.shape for weights in model.get_weights()] == [(64, 5), (5,), (5, 3), (3,)]
    card = mine("without_input").card({"units": 5})
    assert [layer.params for layer in card.layers if layer.params] == [64 * 5 + 5, 5 * 3 + 3]


def test_conditional_scopes_are_explored_and_kept() -> None:
    space = {hyperparameter.name: hyperparameter for hyperparameter in declared_space(mine("build"))}
    assert [(name, [c.values for c in space[name].conditions]) for name in space] == [
        ("kind", []),
        ("units", [("mlp",)]),
        ("filters", [("cnn",)]),
    ]
    with pytest.raises(InputError, match="Received: 'units'"):
        mine("build").build({"kind": "cnn", "units": 8}, seed=1)
    with pytest.raises(InputError, match=r"'filtres'.*'filters'"):
        mine("build").build({"kind": "cnn", "filtres": 8}, seed=1)


def test_what_is_behind_a_plain_if_is_found_where_the_study_file_says_when() -> None:
    assert [one.name for one in declared_space(mine("behind_an_if"))] == ["kind"]
    space = declared_space(mine("behind_an_if"), {"units": {"kind": "mlp"}, "unit": {"kind": "mlp"}})
    assert [(one.name, one.low, one.high, one.conditions) for one in space[1:]] == [("units", 4, 32, ())]
    model = mine("behind_an_if").build({"kind": "mlp", "units": 5}, seed=1)
    assert [weights.shape for weights in model.get_weights()] == [(64, 5), (5,), (5, 3), (3,)]


def test_what_a_class_declares_apart_belongs_to_its_space() -> None:
    assert declared_space(mine("Net"))[0].name == "rate"
    model = mine("Net").build({"rate": 0.5}, seed=1)
    assert 0.5 in [layer.rate for layer in model.layers if layer.name.startswith("dropout")]


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("uncompiled", "must compile what it builds"),
        ("no_model", "must build a keras.Model. Received: int"),
        ("biuld", "Received: 'biuld'. Did you mean 'build'"),
    ],
)
def test_what_is_no_compiled_model_is_refused(attribute: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        mine(attribute).build({}, seed=1)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (HyperModel("my_nets:build_fixed", (9, 9, 1), 3), "must take inputs of shape 9x9x1, .*'my_nets:build_fixed'"),
        (HyperModel("my_nets:build_fixed", (8, 8, 1), 5), "must give one output of shape 5, .* which gives 3"),
        (HyperModel("dense_head", (4, 4, 3), 5), "must give one output of shape 5, .* which gives 4x4x5"),
        (HyperModel("dense_shortcut", (1,), 5), "must give one output of shape 5, .* which gives 1"),
    ],
)
def test_a_model_for_other_data_than_the_datasets_is_refused_before_training(model: HyperModel, message: str) -> None:
    with pytest.raises(InputError, match=message):
        model.card({})


def test_the_seed_decides_the_weights_of_a_users_model() -> None:
    first, again, other = (mine("Net").build({}, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_an_application_of_keras_tuner_is_built_at_a_small_size() -> None:
    setting: Setting = {"version": "v1", "pooling": "max", "optimizer": "sgd", "learning_rate": 0.001}
    model = RESNET.build(setting, seed=1)
    assert model.output_shape == (None, 4)
    assert type(model.optimizer).__name__ == "SGD"
    card = RESNET.card(setting)
    assert card.params + sum(layer.frozen_params for layer in card.layers) == model.count_params()
    assert {"GlobalMaxPooling2D", "BatchNormalization", "Add"} <= {layer.kind for layer in card.layers}


def test_its_space_is_what_it_declares() -> None:
    space = {hyperparameter.name: hyperparameter.choices for hyperparameter in declared_space(RESNET)}
    assert space == {
        "version": ("v1", "v2", "next"),
        "conv3_depth": (4, 8),
        "conv4_depth": (6, 23, 36),
        "pooling": ("avg", "max"),
        "optimizer": ("adam", "rmsprop", "sgd"),
        "learning_rate": (0.1, 0.01, 0.001),
    }


def test_it_trains_in_the_engine_on_labels_though_its_loss_wants_them_one_hot() -> None:
    from search.train.batches import on_device
    from search.train.program import Program
    from studies.training import TrainingSpec

    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (8, 16, 16, 3)).astype(np.uint8), np.arange(8) % 4
    setting: Setting = {"version": "v1", "learning_rate": 0.001}
    training, split = TrainingSpec(epochs=1, batch_size=8), on_device(images, labels)
    program = Program(lambda seed: RESNET.build(setting, seed), training, split)
    program.reset(1)
    before = program.model.get_weights()[0]
    scores = np.array(program.model(images.astype(np.float32) / 255, training=True))
    epoch = program.train_epoch(split, seed=1, epoch=0)
    assert epoch.loss == pytest.approx(-np.log(scores[np.arange(8), labels]).mean(), rel=1e-2)
    assert epoch.accuracy == (scores.argmax(axis=1) == labels).mean()
    assert not np.array_equal(before, program.model.get_weights()[0])
