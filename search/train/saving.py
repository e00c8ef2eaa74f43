"""A trained model as bytes, and back."""

import tempfile
from pathlib import Path
from typing import Any

import keras

from search.models.dropout import Dropout


def model_bytes(model: keras.Model) -> bytes:
    """Return the `.keras` file of `model`, not compiled: for predictions, without the optimizer's state.

    Our dropout, which does nothing in a prediction, becomes Keras's own: Keras loads the file without this package. A
    model that is neither functional nor sequential is saved as it is.
    """
    return file_bytes(portable(model))


def file_bytes(model: keras.Model) -> bytes:
    """Return the `.keras` file of `model` as it is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        return path.read_bytes()


def loaded(content: bytes) -> keras.Model:
    """Return the model that `model_bytes` made `content` of."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(content)
        return keras.models.load_model(path, compile=False)


def portable(model: keras.Model) -> keras.Model:
    """Return a copy of `model` for predictions, without its optimizer and without layers of this package.

    A model that is neither functional nor sequential is returned as it is.
    """
    if type(model).__name__ not in ("Functional", "Sequential"):  # Keras has no public name for the first.
        return model
    copy = keras.models.clone_model(model, clone_function=_plain, recursive=True)
    copy.set_weights(model.get_weights())
    copy.compiled, copy.optimizer = False, None  # Keras compiles a copy of a compiled model.
    return copy


def _plain(layer: Any) -> Any:
    kind = keras.layers.Dropout if isinstance(layer, Dropout) else type(layer)
    return kind.from_config(layer.get_config())
