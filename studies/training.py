"""How a trial trains: the budget, and what happens to an image on its way into the model."""

from typing import Literal, Self

from pydantic import Field, StrictBool, StrictFloat, StrictInt, model_validator

from studies.data import ValidationSpec
from studies.declaration import Declaration


class AugmentationSpec(Declaration):
    """How an image changes on its way into the model, in the order of these fields.

    All of it happens in training only, to each image anew in each epoch; in evaluation only the centre is cut out.
    """

    rotation: StrictFloat = Field(default=0.0, ge=0, le=180)
    """Degrees: turned about the centre by an angle within +- this. What comes in from outside repeats the edge."""
    shift: StrictFloat = Field(default=0.0, ge=0, lt=1)
    """Share of a side: moved by up to this, up or down and left or right. What comes in repeats the edge."""
    crop: StrictInt | None = Field(default=None, ge=1)
    """Side of the square given to the model: a random crop in training, the centre crop in evaluation. Null: whole."""
    flip: Literal["horizontal", "vertical", "both"] | None = None
    """`horizontal`: left becomes right in every second image. `both`: and, independently, top becomes bottom."""
    flip_classes: list[StrictInt] = Field(default=[])
    """Numbers of the classes whose images are flipped left to right, every second one; all others never are."""
    brightness: StrictFloat = Field(default=0.0, ge=0, le=1)
    """A number within +- this is added to the image, whose values lie in [0, 1]."""
    saturation: list[StrictFloat] | None = Field(default=None, min_length=2, max_length=2)
    """[low, high]: the saturation (S of HSV) is multiplied by a factor between them. Null: unchanged."""
    contrast: list[StrictFloat] | None = Field(default=None, min_length=2, max_length=2)
    """[low, high]: distances from the mean of each channel are multiplied by a factor between them. Null: unchanged."""
    clip: StrictBool = True
    """Limit the image to [0, 1] after brightness, saturation or contrast; without these it lies there anyway."""

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        for name, factors in (("saturation", self.saturation), ("contrast", self.contrast)):
            if factors is not None and not 0 <= factors[0] <= factors[1]:
                raise ValueError(
                    f"`study.training.augmentation.{name}` must be [low, high] with 0 <= low <= high. "
                    f"Received: {factors}."
                )
        if any(number < 0 for number in self.flip_classes) or len(set(self.flip_classes)) < len(self.flip_classes):
            raise ValueError(
                "`study.training.augmentation.flip_classes` must hold different class numbers from 0. "
                f"Received: {self.flip_classes}."
            )
        if self.flip_classes and self.flip in ("horizontal", "both"):
            raise ValueError(
                f"`study.training.augmentation.flip_classes` must be empty where `flip` is {self.flip}, which flips "
                f"all classes. Received: {self.flip_classes}."
            )
        return self

    @property
    def recolours(self) -> bool:
        """Whether brightness, saturation or contrast change."""
        return self.brightness > 0 or self.saturation is not None or self.contrast is not None

    @property
    def is_random(self) -> bool:
        """Whether anything but a crop happens."""
        moves = self.rotation > 0 or self.shift > 0
        return moves or self.flip is not None or bool(self.flip_classes) or self.recolours


class EarlyStoppingSpec(Declaration):
    """The end of a training that no longer improves, as in Keras's callback of that name."""

    metric: Literal["validation_loss", "validation_accuracy"] = "validation_loss"
    """What has to improve: the loss down, or the accuracy up."""
    patience: StrictInt = Field(ge=1)
    """Epochs in a row without improvement after which training ends."""
    min_delta: StrictFloat = Field(default=0.0, ge=0)
    """Only a change by more than this is an improvement."""
    restore_best: StrictBool = True
    """Score the trial with the weights of the last epoch that improved, instead of those of the last epoch."""


Precision = Literal["float32", "tf32", "bf16"]


class TrainingSpec(Declaration):
    """The training budget: the same for every trial of a study, but for what an arm says otherwise."""

    epochs: StrictInt = Field(ge=1, le=100_000)
    """Passes over the training set; with early stopping, the most."""
    batch_size: StrictInt = Field(ge=1)
    """Images per optimizer step; the last batch of an epoch may be smaller."""
    augmentation: AugmentationSpec = AugmentationSpec()
    precision: Precision = "float32"
    """With `backend=jax`, what products are computed in: `tf32` on the tensor cores of a GPU (elsewhere as float32),
    `bf16` with activations of half the size. Weights, losses and updates are float32 in all of them."""
    early_stopping: EarlyStoppingSpec | None = None
    """Ends training when the validation part no longer gains from it. Null: all epochs are trained."""

    def check_validation(self, validation: ValidationSpec | None) -> None:
        """Raise unless every trial has the validation part that this budget looks at.

        Folds do not suffice: what a search with folds confirms is trained on the whole training set.

        Raises:
            ValueError: training may stop early, and `validation` holds out no fraction.
        """
        if self.early_stopping is not None and (validation is None or validation.fraction is None):
            received = "null" if validation is None else f"folds={validation.folds}"
            raise ValueError(
                "`study.data.validation.fraction` must be given where `study.training.early_stopping` looks at what "
                f"is held out. Received: `study.data.validation` is {received}."
            )
