"""The schema of a study: the only one, used for validation, for records and for editors (see `studies.schema`)."""

from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)

from studies.errors import nearest

Scalar = StrictBool | StrictInt | StrictFloat | StrictStr
Setting = dict[str, Scalar]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=80)]


class Declaration(BaseModel):
    """A part of a study file: immutable, and an unknown field in it is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


class AugmentationSpec(Declaration):
    """How an image changes on its way into the model."""

    crop: StrictInt | None = Field(default=None, ge=1)
    """Side of the square given to the model: a random crop in training, the centre crop in evaluation. Null: whole."""


class TrainingSpec(Declaration):
    """The training budget: the same for every trial of a study."""

    epochs: StrictInt = Field(ge=1, le=100_000)
    """Passes over the training set."""
    batch_size: StrictInt = Field(ge=1)
    """Images per optimizer step; the last batch of an epoch may be smaller."""
    augmentation: AugmentationSpec = AugmentationSpec()


class StudySpec(Declaration):
    """One question."""

    name: Name
    """The study's folder under `runs/` and its name in MLflow and Optuna."""
    kind: Literal["ablation"]
    """`ablation`: named arms against a control."""
    question: str = Field(min_length=1)
    """What the study asks, in a sentence; it opens the report."""
    source: str = ""
    """What the study reproduces, and where it was published."""
    model: str = Field(min_length=1)
    """A model of `search.models`, or `package.module:build` for a Keras Tuner build function or hypermodel."""
    arms: dict[Name, Setting] = Field(min_length=2)
    """The settings to compare, by name."""
    control: str
    """The arm that the others are compared with."""
    fixed: Setting = {}
    """Hyperparameter values that all arms share; an arm's own value wins."""
    replicates: StrictInt = Field(ge=1, le=1000)
    """Trials per arm. Replicate i of every arm has the same seed."""
    first_seed: StrictInt = Field(default=1, ge=0, lt=2**31 - 1000)
    """Seed of the first replicate; the next ones count up from it."""
    training: TrainingSpec
    metric: Literal["test_accuracy", "test_loss", "train_accuracy", "train_loss"] = "test_accuracy"
    """The primary metric, on which the conclusion rests. Greater is better for accuracy, less for loss."""
    paired: StrictBool = False
    """Compare arms seed by seed instead of as independent samples."""
    alpha: StrictFloat = Field(default=0.05, gt=0, lt=0.5)
    """Family-wise error rate of the comparisons with the control; intervals cover 1 - alpha."""
    margin: StrictFloat | None = Field(default=None, gt=0)
    """Equivalence margin on the primary metric: smaller differences do not matter. Null: not asked."""

    @field_validator("name")
    @classmethod
    def _is_not_the_data_folder(cls, name: str) -> str:
        if name == "data":
            raise ValueError("`study.name` must be another name: runs/data holds the datasets. Received: 'data'.")
        return name

    @model_validator(mode="after")
    def _arms_can_be_compared(self) -> Self:
        if self.control not in self.arms:
            raise ValueError(
                f"`study.control` must name one of the arms. Received: control={self.control!r}, "
                f"arms={list(self.arms)}.{nearest(self.control, self.arms)}"
            )
        for number, arm in enumerate(self.arms):
            same = [other for other in list(self.arms)[:number] if self.setting(other) == self.setting(arm)]
            if same:
                raise ValueError(
                    f"`study.arms.{arm}` must differ from every other arm. Received: {self.setting(arm)}, as in "
                    f"{same[0]!r}."
                )
        return self

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that every arm is trained with, one per replicate."""
        return tuple(range(self.first_seed, self.first_seed + self.replicates))

    def setting(self, arm: str) -> Setting:
        """Return the hyperparameter values of `arm`, those of `fixed` included."""
        return {**self.fixed, **self.arms[arm]}


class SuggestedTraining(Declaration):
    """A training budget that suits a dataset on a small machine; study files may refer to it."""

    epochs: StrictInt = Field(ge=1)
    batch_size: StrictInt = Field(ge=1)


class DatasetSpec(Declaration):
    """Where the images come from."""

    name: Literal["digits", "gtsrb", "npz"]
    """`digits` comes with the installation; `gtsrb` are German traffic signs; `npz` is a file of your own."""
    dir: str | None = None
    """Folder that holds, or will hold, the dataset's files. `digits` needs none."""
    file: str | None = None
    """For `npz`: the file inside `dir`."""
    suggested: SuggestedTraining


class ExecutorSpec(Declaration):
    """Where trials run."""

    name: Literal["local"]
    """`local`: worker processes on this machine."""
    workers: StrictInt | None = Field(default=None, ge=1, le=1024)
    """Worker processes, one thread each. Null: as many as there are cores to run on."""
    trials_per_worker: StrictInt = Field(default=100, ge=1)
    """A worker is replaced after this many trials, since Keras keeps some memory of each model it built."""


class RunSpec(Declaration):
    """Everything that one command runs: the composed and validated configuration."""

    study: StudySpec
    dataset: DatasetSpec
    executor: ExecutorSpec
    runs_dir: str = Field(default="runs", min_length=1)
    """Folder for records, reports and the default MLflow and Optuna stores."""
    tracking_uri: str | None = None
    """MLflow tracking server. Null: `MLFLOW_TRACKING_URI`, else `mlflow.db` in `runs_dir`."""
