"""A trained model as its user gets it: it takes images as the dataset stores them."""

import json
import re
import zipfile
from collections.abc import Sequence
from io import BytesIO
from typing import Literal

import keras

from search.train.frozen import FrozenBase
from search.train.result import ServedModel
from search.train.saving import file_bytes, loaded, portable
from tracking.saved_model import TensorCard

_MODULE = re.compile(r'"module": "((?!keras\b|builtins\b)[^"]+)"')


def served(
    model: keras.Model, stored: Sequence[int], seen: Sequence[int], dtype: str, pixels: Literal["unit", "centred"]
) -> ServedModel:
    """Return `model` with the crop and the scaling of an evaluation in front, as a `.keras` file.

    Args:
        model: trained; it takes (batch, *seen) floats.
        stored: the shape of an example in the dataset.
        seen: the shape of one as the model sees it: the centre is cut out. Vectors are never changed.
        dtype: of the dataset's arrays: `uint8`, or `float32` in [0, 1].
        pixels: the range in which the model sees images.

    Raises:
        Exception: whatever a model of a user's own raises when Keras saves it.
    """
    whole = _with_preprocessing(portable(model), tuple(stored), tuple(seen), dtype, pixels)
    content = file_bytes(whole)
    return ServedModel(
        content=content,
        inputs=TensorCard(shape=(None, *stored), dtype=dtype),
        outputs=TensorCard(shape=tuple(whole.output_shape), dtype="float32"),
        needs=_needs(content),
    )


def on_base(head: keras.Model, base: FrozenBase) -> keras.Model:
    """Return `head`, which takes features, behind the base that makes them of images as the base sees them."""
    from search.train.features import up_to

    cut = up_to(loaded(base.model), base.layer)
    return keras.Sequential([keras.Input(base.seen), cut, portable(head)], name=f"{head.name}_on_{cut.name}")


def _with_preprocessing(
    model: keras.Model,
    stored: tuple[int, ...],
    seen: tuple[int, ...],
    dtype: str,
    pixels: Literal["unit", "centred"],
) -> keras.Model:
    """Return `model` behind layers that do what `search.train.batches` does in an evaluation, to the bit."""
    if len(stored) != 3:
        return model
    steps: list[keras.Layer] = []
    if stored != seen:
        steps.append(keras.layers.CenterCrop(seen[0], seen[1], name="centre"))
    if dtype == "uint8" or pixels == "centred":
        scale, offset = 1 / 255 if dtype == "uint8" else 1.0, -0.5 if pixels == "centred" else 0.0
        steps.append(keras.layers.Rescaling(scale, offset, name="range"))
    images = keras.Input(stored, dtype=dtype, name="images")
    return keras.Sequential([images, *steps, model], name=f"{model.name}_on_images") if steps else model


def _needs(content: bytes) -> tuple[str, ...]:
    """Return the modules that a `.keras` file names and Keras does not bring."""
    with zipfile.ZipFile(BytesIO(content)) as file:
        config = json.dumps(json.loads(file.read("config.json")))
    return tuple(sorted(set(_MODULE.findall(config))))
