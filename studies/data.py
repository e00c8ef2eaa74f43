"""What of a dataset a study uses: how much of it, in which range, and what is held out."""

from typing import Literal, Self

from pydantic import Field, StrictFloat, StrictInt, model_validator

from studies.declaration import Declaration


class ValidationSpec(Declaration):
    """The part of the training set that is held out: by a fraction, or by folds that take turns."""

    fraction: StrictFloat | None = Field(default=None, gt=0, lt=1)
    """Share of the training set held out, the same share of every class."""
    folds: StrictInt | None = Field(default=None, ge=2, le=100)
    """Parts that take turns at being held out, each with the same share of every class. In searches only."""
    group: Literal["track"] | None = None
    """`track`: images of one track are never on both sides. Null: images are independent."""
    seed: StrictInt = Field(default=0, ge=0, lt=2**31)
    """Of the split, which is the same for every trial of a study."""

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        if (self.fraction is None) == (self.folds is None):
            raise ValueError(
                "`study.data.validation` must give either fraction or folds. "
                f"Received: fraction={self.fraction}, folds={self.folds}."
            )
        return self


class DataSpec(Declaration):
    """What of a dataset a study uses."""

    range: Literal["unit", "centred"] = "unit"
    """Pixels as the model sees them: `unit` is [0, 1], `centred` is [-0.5, 0.5]."""
    train_limit: StrictInt | None = Field(default=None, ge=2)
    """Only the first so many training images. Null: all."""
    test_limit: StrictInt | None = Field(default=None, ge=1)
    """Only the first so many test images. Null: all."""
    validation: ValidationSpec | None = None
    """What is held out of the training set. Null: nothing; the history then follows the test set."""
