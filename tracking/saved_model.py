"""What a record says of the trained model that came with it, and where its file lies."""

from typing import Literal

from pydantic import Field

from studies.spec import Declaration

MODEL_FILE = "model.keras"
"""Beside the record, in the trial's folder."""


class TensorCard(Declaration):
    """A tensor that a model takes or gives."""

    shape: tuple[int | None, ...]
    """With the batch axis first; None where any size will do."""
    dtype: str
    """As NumPy names it."""


class SavedModel(Declaration):
    """The model file that a trial was recorded with."""

    sha256: str
    """Of the file."""
    under: Literal["best", "all"]
    """What `study.save_models` was. The file of a model saved under `best` goes when that of a better replicate is
    there; one saved under `all` stays."""
    inputs: TensorCard
    """As the dataset stores it: crop and range are inside the model."""
    dataset: str = ""
    """Folder, under `runs/data`, of what it takes. Empty: it is that of the trial's own dataset. The model of a head
    was trained on the features of a frozen base, and takes images."""
    outputs: TensorCard
    """A score for each class, one probability, or one number."""
    needs: tuple[str, ...] = Field(default=())
    """Modules, besides Keras, that have to be imported before the file is loaded; their classes must be registered
    with `keras.saving.register_keras_serializable`, or be given as `custom_objects`."""
