"""Every architecture, layer by layer, against published counts and shapes, on TensorFlow and on JAX."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import keras
import numpy as np
import pytest

from search.models import BUILT_IN
from search.models.hypermodel import HyperModel
from studies.declaration import Setting
from tracking.manifest import LayerCard, ModelCard


@dataclass(frozen=True)
class Architecture:
    """A model with a setting, and its layers: kind, output shape, trainable + other parameters if it has any."""

    name: str
    model: str
    input_shape: tuple[int, ...]
    classes: int
    setting: Setting
    layers: str
    total: int | None = None
    """Trainable and other parameters, where the source gives their sum."""


TWO_BLOCKS = """
    InputLayer 28x28x3
    Conv2D 24x24x32 2432
    Activation 24x24x32
    MaxPooling2D 12x12x32
    Conv2D 8x8x64 51264
    Activation 8x8x64
    MaxPooling2D 4x4x64
    Flatten 1024
    Dense 43 44075
"""
TWO_BLOCKS_NORMALISED = """
    InputLayer 28x28x3
    Conv2D 24x24x32 2432
    BatchNormalization 24x24x32 64+64
    Activation 24x24x32
    MaxPooling2D 12x12x32
    Conv2D 8x8x64 51264
    BatchNormalization 8x8x64 128+128
    Activation 8x8x64
    MaxPooling2D 4x4x64
    Flatten 1024
    Dense 43 44075
"""
CHALLENGE = """
    InputLayer 28x28x3
    Conv2D 24x24x32 2432
    BatchNormalization 24x24x32 64+64
    Activation 24x24x32
    MaxPooling2D 12x12x32
    Dropout 12x12x32
    Conv2D 8x8x64 51264
    BatchNormalization 8x8x64 128+128
    Activation 8x8x64
    MaxPooling2D 4x4x64
    Dropout 4x4x64
    Conv2D 2x2x128 73856
    BatchNormalization 2x2x128 256+256
    Activation 2x2x128
    MaxPooling2D 1x1x128
    Dropout 1x1x128
    Flatten 128
    Dense 43 5547
"""
PLAIN = """
    InputLayer 1
    Dense 64 128
    Dense 32 2080
    Dense 1 33
"""
SHORTCUT = """
    InputLayer 1
    Dense 64 128
    Dense 32 2080
    Concatenate 33
    Dense 1 34
"""
NAIVE = """
    InputLayer 32x32x3
    Conv2D 16x16x10 490
    Conv2D 8x8x20 1820
    Flatten 1280
    Dense 10 12810
"""
BATCHNORM = """
    InputLayer 32x32x3
    Conv2D 32x32x32 896
    BatchNormalization 32x32x32 64+64
    LeakyReLU 32x32x32
    Conv2D 16x16x32 9248
    BatchNormalization 16x16x32 64+64
    LeakyReLU 16x16x32
    Conv2D 16x16x64 18496
    BatchNormalization 16x16x64 128+128
    LeakyReLU 16x16x64
    Conv2D 8x8x64 36928
    BatchNormalization 8x8x64 128+128
    LeakyReLU 8x8x64
    Flatten 4096
    Dense 128 524416
    BatchNormalization 128 256+256
    LeakyReLU 128
    Dropout 128
    Dense 10 1290
"""
SIX_CONV = """
    InputLayer 32x32x3
    Conv2D 32x32x64 1792
    Conv2D 32x32x64 36928
    MaxPooling2D 16x16x64
    Conv2D 16x16x32 18464
    Conv2D 16x16x32 9248
    MaxPooling2D 8x8x32
    Conv2D 8x8x16 4624
    Conv2D 8x8x16 2320
    Flatten 1024
    Dense 512 524800
    Dense 64 32832
    Dense 10 650
"""
DIMENSIONS = """
    InputLayer 32x32x3
    Conv2D 28x28x16 1216
    MaxPooling2D 14x14x16
    Conv2D 14x14x8 1160
    MaxPooling2D 7x7x8
    Conv2D 5x5x4 292
    Flatten 100
    Dense 50 5050
    Dense 10 510
"""
SMALL = """
    InputLayer 32x32x3
    Conv2D 30x30x32 896
    MaxPooling2D 15x15x32
    Conv2D 13x13x32 9248
    MaxPooling2D 6x6x32
    Flatten 1152
    Dense 32 36896
    Dense 10 330
"""
DEEPER = """
    InputLayer 32x32x3
    Conv2D 30x30x32 896
    MaxPooling2D 15x15x32
    Conv2D 13x13x32 9248
    MaxPooling2D 6x6x32
    Conv2D 4x4x32 9248
    Flatten 512
    Dense 32 16416
    Dense 10 330
"""
UNPOOLED = """
    InputLayer 32x32x3
    Conv2D 30x30x32 896
    Conv2D 28x28x32 9248
    Flatten 25088
    Dense 10 250890
"""
DENSE_ONLY = """
    InputLayer 32x32x3
    Flatten 3072
    Dense 100 307300
    Dense 10 1010
"""
VGG_BASE = """
    InputLayer 32x32x3
    Conv2D 32x32x64 1792
    Conv2D 32x32x64 36928
    BatchNormalization 32x32x64 128+128
    MaxPooling2D 16x16x64
    Conv2D 16x16x128 73856
    Conv2D 16x16x128 147584
    BatchNormalization 16x16x128 256+256
    MaxPooling2D 8x8x128
    Conv2D 8x8x256 295168
    Conv2D 8x8x256 590080
    Conv2D 8x8x256 590080
    BatchNormalization 8x8x256 512+512
    MaxPooling2D 4x4x256
    Conv2D 4x4x512 1180160
    Conv2D 4x4x512 2359808
    Conv2D 4x4x512 2359808
    BatchNormalization 4x4x512 1024+1024
    MaxPooling2D 2x2x512
"""
EXTRA_BLOCK = """
    Conv2D 2x2x512 2359808
    Conv2D 2x2x512 2359808
    Conv2D 2x2x512 2359808
    BatchNormalization 2x2x512 1024+1024
    MaxPooling2D 1x1x512
    Flatten 512
    Dense 512 262656
    Dense 100 51300
"""
THREE_CONV = """
    InputLayer 32x32x3
    Conv2D 32x32x32 896
    MaxPooling2D 16x16x32
    Conv2D 16x16x64 18496
    MaxPooling2D 8x8x64
    Conv2D 8x8x128 73856
    MaxPooling2D 4x4x128
    Flatten 2048
    Dense 512 1049088
    Dense 100 51300
"""
ONE_CONV = """
    InputLayer 32x32x3
    Conv2D 32x32x256 7168
    BatchNormalization 32x32x256 512+512
    MaxPooling2D 16x16x256
    Flatten 65536
    Dense 512 33554944
    Dense 100 51300
"""
HEAD = """
    Dense 512 1049088
    Dense 100 51300
"""
DEEP_HEAD = """
    Dense 512 1049088
    Dense 256 131328
    Dense 100 25700
"""

SIGN, CIFAR = (28, 28, 3), (32, 32, 3)
ARCHITECTURES = [
    Architecture("two_block_cnn", "two_block_cnn", SIGN, 43, {}, TWO_BLOCKS, 2432 + 51264 + 44075),
    Architecture("normalised", "two_block_cnn", SIGN, 43, {"batch_norm": True}, TWO_BLOCKS_NORMALISED),
    Architecture("challenge_cnn", "challenge_cnn", SIGN, 43, {}, CHALLENGE),
    Architecture("dense_shortcut", "dense_shortcut", (1,), 1, {}, SHORTCUT, 2242),
    Architecture("dense_plain", "dense_shortcut", (1,), 1, {"shortcut": False}, PLAIN, 2241),
    Architecture("naive_convnet", "naive_convnet", CIFAR, 10, {}, NAIVE),
    Architecture("batchnorm_convnet", "batchnorm_convnet", CIFAR, 10, {}, BATCHNORM),
    Architecture("six_conv", "six_conv", CIFAR, 10, {}, SIX_CONV, 631658),
    Architecture("dimension_check", "dimension_check", CIFAR, 10, {}, DIMENSIONS),
    Architecture("cifar_small", "cifar_small", CIFAR, 10, {}, SMALL, 47370),
    Architecture("cifar_deeper", "cifar_small", CIFAR, 10, {"convolutions": 3}, DEEPER, 36138),
    Architecture("unpooled", "cifar_small", CIFAR, 10, {"pooling": False, "dense_units": 0}, UNPOOLED),
    Architecture("dense_only", "cifar_small", CIFAR, 10, {"convolutions": 0, "dense_units": 100}, DENSE_ONLY),
    Architecture("vgg_small", "vgg_small", CIFAR, 100, {}, f"{VGG_BASE} Flatten 2048 {HEAD}", 8739492),
    Architecture("extra_block", "vgg_small", CIFAR, 100, {"extra_block": True}, f"{VGG_BASE} {EXTRA_BLOCK}"),
    Architecture("three_conv_net", "three_conv_net", CIFAR, 100, {}, THREE_CONV),
    Architecture("one_conv_net", "one_conv_net", CIFAR, 100, {}, ONE_CONV),
    Architecture("dense_head", "dense_head", (2048,), 100, {}, f"InputLayer 2048 {HEAD}"),
    Architecture("deep_head", "dense_head", (2048,), 100, {"second_dense_units": 256}, f"InputLayer 2048 {DEEP_HEAD}"),
]

ON_JAX = """
import json, sys
import jax, keras, numpy as np
from search.models.hypermodel import HyperModel
assert keras.backend.backend() == "jax"
# Nobody looks at a number that is drawn, and to compile the drawing for each shape would be most of the time.
jax.random.uniform = jax.random.truncated_normal = lambda *_, shape, dtype, **__: np.zeros(shape, dtype)
cards = []
for model, shape, classes, setting in json.load(sys.stdin):
    cards.append(json.loads(HyperModel(model, tuple(shape), classes).card(setting).model_dump_json()))
ones = [np.ones(shape, np.float32) for shape in ((1, 6, 6, 1), (4, 4, 1, 1))]
json.dump({"cards": cards, "padded": np.array(keras.ops.conv(*ones, padding="same")).tolist()}, sys.stdout)
"""

JAX = {
    "KERAS_BACKEND": "jax",
    "JAX_PLATFORMS": "cpu",
    "XLA_FLAGS": "--xla_backend_optimization_level=0",
}


@dataclass(frozen=True)
class Backend:
    """What a backend makes of the architectures, and of a 6x6 image of ones under a 4x4 kernel of ones."""

    cards: dict[str, ModelCard]
    padded: np.ndarray


def on_tensorflow() -> Backend:
    assert keras.backend.backend() == "tensorflow"
    cards = {a.name: HyperModel(a.model, a.input_shape, a.classes).card(a.setting) for a in ARCHITECTURES}
    ones = [np.ones(shape, np.float32) for shape in ((1, 6, 6, 1), (4, 4, 1, 1))]
    return Backend(cards, np.array(keras.ops.conv(*ones, padding="same")))


def on_jax() -> Backend:
    done = subprocess.run(
        [sys.executable, "-c", ON_JAX],
        input=json.dumps([(a.model, a.input_shape, a.classes, a.setting) for a in ARCHITECTURES]),
        env={**os.environ, **JAX},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    cards = [ModelCard.model_validate(card) for card in found["cards"]]
    return Backend({a.name: card for a, card in zip(ARCHITECTURES, cards, strict=True)}, np.array(found["padded"]))


@pytest.fixture(scope="module", params=[on_tensorflow, on_jax], ids=["tensorflow", "jax"])
def backend(request: pytest.FixtureRequest) -> Backend:
    found = request.param()
    assert isinstance(found, Backend)
    return found


def told(layer: LayerCard) -> str:
    text = f"{layer.kind} {'x'.join(map(str, layer.output_shape[1:]))}"
    if layer.params:
        text += f" {layer.params}"
    if layer.frozen_params:
        text += f"+{layer.frozen_params}"
    return text


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda architecture: architecture.name)
def test_an_architecture_has_the_published_layers_shapes_and_parameters(
    backend: Backend, architecture: Architecture
) -> None:
    layers = backend.cards[architecture.name].layers
    assert " ".join(map(told, layers)) == " ".join(architecture.layers.split())
    if architecture.total is not None:
        assert sum(layer.params + layer.frozen_params for layer in layers) == architecture.total


def test_vgg_small_has_1920_parameters_that_are_not_trained(backend: Backend) -> None:
    card = backend.cards["vgg_small"]
    assert sum(layer.frozen_params for layer in card.layers) == 1920
    assert card.params == 8739492 - 1920


def test_an_even_kernel_pads_one_more_row_and_column_after_than_before(backend: Backend) -> None:
    padded = backend.padded[0, :, :, 0]
    assert padded[0].tolist() == [9, 12, 12, 12, 9, 6]
    assert padded[-1].tolist() == [6, 8, 8, 8, 6, 4]
    assert np.array_equal(padded, padded.T)


def test_the_shortcut_joins_the_input_to_the_last_layer_before_the_output(backend: Backend) -> None:
    by_kind = {layer.kind: layer for layer in backend.cards["dense_shortcut"].layers}
    assert by_kind["Concatenate"].inputs == ("features", "dense2")


def test_every_built_in_model_is_among_them() -> None:
    assert {architecture.model for architecture in ARCHITECTURES} == set(BUILT_IN)
