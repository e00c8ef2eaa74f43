"""The schema of a dataset's file: where its images come from."""

from typing import Literal, Self

from pydantic import Field, StrictFloat, StrictInt, model_validator

from studies.declaration import Declaration


class SuggestedTraining(Declaration):
    """A training budget that suits a dataset on a small machine; study files may refer to it."""

    epochs: StrictInt = Field(ge=1)
    batch_size: StrictInt = Field(ge=1)


class DatasetSpec(Declaration):
    """Where the images come from."""

    name: Literal["digits", "gtsrb", "cifar10", "cifar100", "fashion_mnist", "folder", "npz", "sine"]
    """`digits` comes with the installation; `gtsrb` are German traffic signs; `cifar10`, `cifar100` and
    `fashion_mnist` are those of Keras; `folder` holds images of your own, and `npz` is a file of your own; `sine` is
    a wave to fit, for regression."""
    dir: str | None = None
    """Folder that holds, or will hold, the dataset's files. `digits` and `sine` need none; `cifar10`, `cifar100` and
    `fashion_mnist` read DIR/NAME.npz if it is there, and else what Keras downloads. Of `folder`, each subfolder is a
    class, or dir/train and dir/test hold one subfolder per class each."""
    file: str | None = None
    """For `npz`: the file inside `dir`."""
    csv: str | None = None
    """For `folder`: a CSV file inside `dir` that splits the images, with the columns `file` (such as CLASS/1.png) and
    `split` (train or test). Images that it does not list are not used."""
    size: StrictInt | None = Field(default=None, ge=1, le=4096)
    """For `folder`: side of the square that images are resized to. Null: the most frequent size of all."""
    test_fraction: StrictFloat | None = Field(default=None, gt=0, lt=1)
    """For `folder` with neither train/ and test/ nor `csv`: share of each class that becomes the test set, drawn once
    and the same for everyone."""
    suggested: SuggestedTraining

    @model_validator(mode="after")
    def _fields_are_of_its_kind(self) -> Self:
        fields = {"file": (self.file, "npz"), "csv": (self.csv, "folder"), "size": (self.size, "folder")}
        for field, (value, kind) in {**fields, "test_fraction": (self.test_fraction, "folder")}.items():
            if value is not None and self.name != kind:
                raise ValueError(
                    f"`dataset.{field}` must be left out of all datasets but {kind!r}. "
                    f"Received: {value!r} for {self.name!r}."
                )
        return self
