"""What a trained network makes of images, up to one of its layers, in inference mode."""

from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from search.train.batches import as_float, crop_for, in_range, on_device
from search.train.saving import loaded
from studies.errors import InputError, unknown
from studies.spec import AugmentationSpec

_BATCH = 256
_VECTORS = (
    keras.layers.Flatten,
    keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D,
)
"""Layers that make a vector of an image, and so end a convolutional base."""


class Base:
    """A trained network, cut off after one layer.

    Args:
        model: the content of its `.keras` file.
        layer: the layer's name. None: the last Flatten or global pooling.
        augmentation: how it was trained; only the crop matters, and the centre is cut out.
        pixels: the range in which it sees images.

    Raises:
        InputError: there is no such layer, or its output is no vector.
    """

    def __init__(
        self, model: bytes, layer: str | None, augmentation: AugmentationSpec, pixels: Literal["unit", "centred"]
    ) -> None:
        self._model = up_to(loaded(model), layer)
        self._augmentation = augmentation
        self._pixels = pixels

    def features(self, images: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
        """Return (N, F) float32 features.

        Args:
            images: (M, H, W, C) uint8, or float32 in [0, 1].
            rows: (N,) which of them, in this order. None: all.
        """
        split = on_device(images, np.zeros(len(images), np.int32))
        crop = crop_for(split, self._augmentation)

        @tf.function(autograph=False, input_signature=[tf.TensorSpec([None], tf.int32)])  # type: ignore[untyped-decorator]  # TensorFlow's
        def compute(chosen: Any) -> Any:
            seen = as_float(crop.take(split.images, chosen, crop.centre(tf.size(chosen))))
            return self._model(in_range(seen, self._pixels), training=False)

        wanted = np.arange(len(images)) if rows is None else rows
        found = np.empty((len(wanted), self._model.output_shape[1]), np.float32)
        for start in range(0, len(wanted), _BATCH):
            chosen = wanted[start : start + _BATCH].astype(np.int32)
            found[start : start + _BATCH] = compute(tf.constant(chosen)).numpy()
        return found


def up_to(model: keras.Model, layer: str | None) -> keras.Model:
    """Return the part of `model` that ends in a layer, the last Flatten or global pooling if none is named.

    Raises:
        InputError: there is no such layer, or its output is no vector, or the model cannot be cut.
    """
    found = _layer(model, layer)
    try:
        output = found.output
    except (AttributeError, ValueError):
        raise InputError(
            "A frozen base must be a functional or sequential model: others have no layer to be cut after. "
            f"Received: {type(model).__name__}."
        ) from None
    if len(output.shape) != 2:
        raise InputError(
            f"The features of a frozen base must be vectors. Received: layer {layer!r}, whose output has the shape "
            f"{tuple(output.shape[1:])}."
        )
    return keras.Model(model.input, output, name=model.name)


def _layer(model: keras.Model, name: str | None) -> Any:
    layers = {layer.name: layer for layer in model.layers}
    if name is not None:
        if name not in layers:
            raise unknown("study.base.layer", name, layers)
        return layers[name]
    ends = [layer for layer in model.layers if isinstance(layer, _VECTORS)]
    if not ends:
        raise InputError(
            "A frozen base must have a Flatten or global pooling layer, or name the one that gives its features. "
            f"Received: a model of {', '.join(list(layers)[:8])}."
        )
    return ends[-1]
