"""The trained model as a file: it predicts what was recorded, wherever Keras is."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from search.models.hypermodel import HyperModel
from search.train.batches import on_device
from search.train.engine import train
from search.train.parts import Parts
from search.train.program import Program
from search.train.result import TrialResult
from search.train.saving import loaded
from studies.spec import AugmentationSpec, Setting, TrainingSpec

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (300, 18, 18, 3)).astype(np.uint8)
LABELS = (IMAGES[:, :9].mean((1, 2, 3)) > IMAGES[:, 9:].mean((1, 2, 3))).astype(np.int32)
TRAINING = TrainingSpec(epochs=4, batch_size=20, augmentation=AugmentationSpec(crop=16))
EVERYTHING: Setting = {"placement": "after_pooling", "rate": 0.3, "batch_norm": True}
CENTRE = IMAGES[200:, 1:17, 1:17].astype(np.float32) / 255 - 0.5


def trained(keep_model: bool) -> TrialResult:
    data, model = on_device(IMAGES, LABELS), HyperModel("two_block_cnn", (16, 16, 3), 2)
    parts = Parts(data.part(np.arange(200)), test=data.part(np.arange(200, 300)))
    program = Program(lambda seed: model.build(EVERYTHING, seed), TRAINING, data, "centred")

    def go_on(epoch: int, values: Mapping[str, float]) -> bool:
        return False

    [result] = train(program, TRAINING, parts, [1], go_on, keep_model)
    return result


@pytest.fixture(scope="module")
def result() -> TrialResult:
    return trained(keep_model=True)


def test_no_model_comes_back_unless_it_is_asked_for() -> None:
    assert trained(keep_model=False).model is None


def test_a_fresh_process_without_this_package_predicts_what_was_recorded(result: TrialResult, tmp_path: Path) -> None:
    assert result.model is not None
    (tmp_path / "model.keras").write_bytes(result.model)
    np.save(tmp_path / "images.npy", CENTRE)
    code = (
        "import keras, numpy, sys, warnings\n"
        "warnings.simplefilter('error', UserWarning)\n"
        "model = keras.models.load_model('model.keras')\n"
        "numpy.save('predicted.npy', model.predict(numpy.load('images.npy'), verbose=0).argmax(1))\n"
        "assert not [name for name in sys.modules if name.startswith('search')]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    predicted = np.load(tmp_path / "predicted.npy")
    assert len(np.unique(predicted)) == 2
    assert np.array_equal(predicted, result.predicted)


def test_it_holds_the_weights_and_nothing_of_the_optimizer(result: TrialResult) -> None:
    assert result.model is not None
    model = loaded(result.model)
    assert not model.compiled
    assert len(result.model) < 4 * model.count_params() + 100_000
