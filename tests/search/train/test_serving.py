"""A served model takes images as the dataset stores them, and predicts what the engine did, to the bit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import pytest

from search.models.hypermodel import HyperModel
from search.train.batches import on_device
from search.train.engine import train
from search.train.parts import Parts
from search.train.program import Program
from search.train.saving import loaded
from search.train.serving import served
from studies.spec import AugmentationSpec, TrainingSpec

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (300, 19, 18, 3)).astype(np.uint8)
LABELS = (IMAGES[:, :9].mean((1, 2, 3)) > IMAGES[:, 9:].mean((1, 2, 3))).astype(np.int32)
TRAINING = TrainingSpec(epochs=3, batch_size=20, augmentation=AugmentationSpec(crop=16))


def _go_on(epoch: int, values: Mapping[str, float]) -> bool:
    return False


def trained(images: np.ndarray, pixels: Literal["unit", "centred"]) -> tuple[keras.Model, np.ndarray]:
    data, model = on_device(images, LABELS), HyperModel("two_block_cnn", (16, 16, 3), 2)
    setting = {"placement": "after_pooling", "rate": 0.3, "batch_norm": True}
    parts = Parts(data.part(np.arange(200)), test=data.part(np.arange(200, 300)))
    program = Program(lambda seed: model.build(setting, seed), TRAINING, data, pixels)
    [result] = train(program, TRAINING, parts, [1], _go_on)
    return program.model, result.predicted


@pytest.mark.parametrize("pixels", ["unit", "centred"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_it_predicts_what_was_recorded_from_raw_images(dtype: str, pixels: Literal["unit", "centred"]) -> None:
    images = IMAGES if dtype == "uint8" else IMAGES.astype(np.float32) / 255
    network, predicted = trained(images, pixels)
    model = served(network, (19, 18, 3), (16, 16, 3), dtype, pixels)
    assert (model.inputs.shape, model.inputs.dtype) == ((None, 19, 18, 3), dtype)
    assert (model.outputs.shape, model.outputs.dtype) == ((None, 2), "float32")
    assert model.needs == ()
    again = loaded(model.content)
    assert again.input_dtype == dtype
    outputs = np.asarray(again(images[200:], training=False))
    centre = (images[200:, 1:17, 1:17].astype(np.float32) * np.float32(1 / 255 if dtype == "uint8" else 1)) - (
        0.5 if pixels == "centred" else 0.0
    )
    assert np.array_equal(outputs, np.asarray(network(centre.astype(np.float32), training=False)))
    assert np.array_equal(outputs.argmax(1), predicted)
    assert len(np.unique(predicted)) == 2


def test_vectors_go_in_as_they_are() -> None:
    network = HyperModel("dense_head", (5,), 3).build({}, 1)
    model = served(network, (5,), (5,), "float32", "centred")
    assert [type(layer).__name__ for layer in loaded(model.content).layers] == ["InputLayer", "Dense", "Dense"]
    assert model.inputs.shape == (None, 5)


def test_a_layer_of_the_users_own_is_named_as_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_layers.py").write_text(
        "import keras\n\n@keras.saving.register_keras_serializable('mine')\nclass Mine(keras.layers.ReLU):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import my_layers

    inputs = keras.Input((4, 4, 1))
    network = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(my_layers.Mine()(inputs))))
    model = served(network, (4, 4, 1), (4, 4, 1), "uint8", "unit")
    assert model.needs == ("my_layers",)
    assert loaded(model.content).output_shape == (None, 2)
