"""The schema of a study: the only one, used for validation, for records and for editors (see `studies.schema`)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Discriminator,
    Field,
    JsonValue,
    StrictBool,
    StrictFloat,
    StrictInt,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from studies.arms import ArmSpec, DesignSpec, merged
from studies.base import BaseSpec
from studies.data import DataSpec, ValidationSpec
from studies.datasets import DatasetSpec, SuggestedTraining
from studies.declaration import Declaration, Name, Scalar, Setting
from studies.errors import nearest
from studies.executors import ExecutorSpec
from studies.search import ConfirmSpec, ParameterSpec, SearchSpec, SequentialSpec
from studies.training import AugmentationSpec, TrainingSpec

__all__ = [
    "ArmSpec",
    "AugmentationSpec",
    "Backend",
    "BaseSpec",
    "ConfirmSpec",
    "DataSpec",
    "DatasetSpec",
    "Declaration",
    "DesignSpec",
    "ExecutorSpec",
    "ParameterSpec",
    "RunSpec",
    "Scalar",
    "SearchSpec",
    "SequentialSpec",
    "Setting",
    "StudySpec",
    "SuggestedTraining",
    "TrainingSpec",
    "ValidationSpec",
]

Budget = Literal["smoke", "quick", "full"]
Metric = Literal[
    "train_accuracy",
    "train_loss",
    "validation_accuracy",
    "validation_loss",
    "test_accuracy",
    "test_loss",
]

SaveModels = Literal["none", "best", "all"]
Backend = Literal["tensorflow", "jax"]

Replicates = Annotated[
    Annotated[Annotated[StrictInt, Field(ge=1, le=1000)], Tag("[number]")] | Annotated[SequentialSpec, Tag("[looks]")],
    Discriminator(lambda given: "[looks]" if isinstance(given, Mapping | SequentialSpec) else "[number]"),
]


class StudySpec(Declaration):
    """One question."""

    name: Name
    """The study's folder under `runs/` and its name in MLflow and Optuna."""
    kind: Literal["ablation", "search"]
    """`ablation`: named arms against a control. `search`: Optuna proposes settings, the best are confirmed."""
    question: str = Field(min_length=1)
    """What the study asks, in a sentence; it opens the report."""
    source: str = ""
    """What the study reproduces, and where it was published."""
    model: str = Field(min_length=1)
    """A model of `search.models`, or `package.module:build` for a Keras Tuner build function or hypermodel."""
    arms: dict[Name, ArmSpec] = Field(default={})
    """The settings to compare, by name; in a search, those that its best settings are compared with."""
    design: DesignSpec | None = None
    """Generates the arms, where they are not listed."""
    control: str = Field(min_length=1)
    """The arm that the others are compared with."""
    fixed: Setting = Field(default={})
    """Hyperparameter values that all arms share; an arm's own value wins."""
    replicates: Replicates | None = None
    """Trials per arm of an ablation, or the looks at which it may stop. Replicate i of every arm has the same seed."""
    first_seed: StrictInt = Field(default=1, ge=0, lt=2**31 - 1_100_000)
    """Seed of the first replicate; the next ones count up from it."""
    data: DataSpec = DataSpec()
    training: TrainingSpec
    base: BaseSpec | None = None
    """In a search: a frozen base, on whose features `model` is trained. Null: it is trained on the dataset itself."""
    search: SearchSpec | None = None
    """How a search goes; an ablation has none."""
    metric: Metric = "test_accuracy"
    """The primary metric, on which the conclusion rests. Greater is better for accuracy, less for loss."""
    paired: StrictBool = False
    """Compare arms seed by seed instead of as independent samples."""
    alpha: StrictFloat = Field(default=0.05, gt=0, lt=0.5)
    """Family-wise error rate of the comparisons with the control; intervals cover 1 - alpha."""
    margin: StrictFloat | None = Field(default=None, gt=0)
    """Equivalence margin on the primary metric: smaller differences do not matter. Null: not asked."""
    all_pairs: StrictBool = False
    """Compare every arm with every other too (Games-Howell)."""
    save_models: SaveModels = "best"
    """Which trained models are kept, and shown in MLflow. `best`: of each arm, and of each setting that a search
    confirms, that of the replicate with the best validation score; where nothing is held out, that of the first seed,
    since choosing by the test set would flatter it. `all`: that of every trial. `none`: no model."""
    budget: Budget | None = None
    """Which of `budgets` applies. Null: the file as it stands."""
    budgets: dict[Budget, dict[str, JsonValue]] = Field(default={})
    """What a budget changes in this file, such as `smoke: {replicates: 2, training: {epochs: 1}}`."""

    @field_validator("name")
    @classmethod
    def _is_not_the_data_folder(cls, name: str) -> str:
        if name == "data":
            raise ValueError("`study.name` must be another name: runs/data holds the datasets. Received: 'data'.")
        return name

    @model_validator(mode="before")
    @classmethod
    def _design_gives_arms(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or not given.get("design"):
            return given
        try:
            arms = DesignSpec.model_validate(given["design"]).arms()
        except ValidationError:
            return given  # The fields are judged one by one afterwards, and say more.
        listed = given.get("arms") or {}
        generated = {name: arm.model_dump(exclude_unset=True) for name, arm in arms.items()}
        if listed and {name: ArmSpec.model_validate(arm) for name, arm in listed.items()} != arms:
            raise ValueError(
                f"`study.arms` must be left out where `study.design` generates them. Received: {list(listed)}."
            )
        return {**given, "arms": generated}

    @model_validator(mode="after")
    def _is_of_its_kind(self) -> Self:
        if self.kind == "ablation":
            if self.search is not None:
                raise ValueError("`study.search` must be left out of an ablation (`kind: search` makes it a search).")
            if self.base is not None:
                raise ValueError(f"`study.base` must be left out of an ablation. Received: {self.base.model!r}.")
            if self.replicates is None:
                raise ValueError("`study.replicates` must be given; it is missing.")
            if len(self.arms) < 2:
                raise ValueError(f"`study.arms` must have at least 2 entries. Received: {list(self.arms)}.")
            if self.data.validation is not None and self.data.validation.folds is not None:
                raise ValueError(
                    "`study.data.validation.folds` must be left out of an ablation: its replicates differ in seed. "
                    f"Received: {self.data.validation.folds}."
                )
            return self
        if self.search is None:
            raise ValueError("`study.search` must be given in a search; it is missing.")
        if self.replicates is not None:
            raise ValueError(
                "`study.replicates` must be left out of a search: `study.search.confirm.replicates` is what its "
                f"confirmation takes. Received: {self.replicates}."
            )
        if self.data.validation is None:
            raise ValueError("`study.data.validation` must be given in a search, which may not choose by the test set.")
        if not self.arms:
            raise ValueError(
                "`study.arms` must have the control, with which the confirmation compares. Received: no arms."
            )
        return self

    @model_validator(mode="after")
    def _arms_can_be_compared(self) -> Self:
        if self.arms and self.control not in self.arms:
            raise ValueError(
                f"`study.control` must name one of the arms. Received: control={self.control!r}, "
                f"arms={list(self.arms)}.{nearest(self.control, self.arms)}"
            )
        for number, arm in enumerate(self.arms):
            same = [other for other in list(self.arms)[:number] if self._identity(other) == self._identity(arm)]
            if same:
                raise ValueError(
                    f"`study.arms.{arm}` must differ from every other arm. Received: {self.setting(arm)}, as in "
                    f"{same[0]!r}."
                )
        return self

    @model_validator(mode="after")
    def _validation_is_there(self) -> Self:
        for training in (self.training, *(self.training_of(arm) for arm in self.arms)):
            training.check_validation(self.data.validation)
        return self

    @model_validator(mode="after")
    def _metric_is_measured(self) -> Self:
        if self.metric.startswith("validation_") and (self.data.validation is None or self.kind == "search"):
            why = (
                "a search's confirmation is scored on the test set"
                if self.search
                else "`study.data.validation` is null"
            )
            raise ValueError(f"`study.metric` must be one that is measured; {why}. Received: {self.metric!r}.")
        return self

    @property
    def planned_replicates(self) -> int:
        """Trials per arm, if no arm stops early; of a search, those of its confirmation."""
        if self.search is not None:
            return self.search.confirm.replicates
        return self.replicates.looks[-1] if isinstance(self.replicates, SequentialSpec) else self.replicates or 0

    @property
    def sequential(self) -> SequentialSpec | None:
        """The looks of the study, if it has them."""
        return self.replicates if isinstance(self.replicates, SequentialSpec) else None

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that every arm is trained with, one per replicate."""
        return tuple(range(self.first_seed, self.first_seed + self.planned_replicates))

    def setting(self, arm: str) -> Setting:
        """Return the hyperparameter values of `arm`, those of `fixed` included."""
        return {**self.fixed, **self.arms[arm].values}

    def model_of(self, arm: str) -> str:
        """Return the model of `arm`."""
        return self.arms[arm].model or self.model

    def training_of(self, arm: str) -> TrainingSpec:
        """Return the training budget of `arm`: the study's, with what the arm says otherwise.

        Raises:
            ValueError: what the arm says is not a training budget.
        """
        if not self.arms[arm].training:
            return self.training
        both = merged(self.training.model_dump(exclude_unset=True), self.arms[arm].training)
        try:
            return TrainingSpec.model_validate(both)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(["study.arms", arm, "training", *map(str, first["loc"])])
            raise ValueError(f"`{field}`: {first['msg']}. Received: {first['input']!r}.") from None

    def _identity(self, arm: str) -> tuple[str, str, str]:
        values = sorted((name, repr(value)) for name, value in self.setting(arm).items())
        return self.model_of(arm), str(values), self.training_of(arm).model_dump_json()


class RunSpec(Declaration):
    """Everything that one command runs: the composed and validated configuration."""

    study: StudySpec
    dataset: DatasetSpec
    executor: ExecutorSpec
    runs_dir: str = Field(default="runs", min_length=1)
    """Folder for records, reports and the default MLflow and Optuna stores."""
    tracking_uri: str | None = None
    """MLflow tracking server. Null: `MLFLOW_TRACKING_URI`, else `mlflow.db` in `runs_dir`."""
    backend: Backend = "tensorflow"
    """What Keras runs on. `jax` trains many trials at once on an accelerator (see `executor.fuse`); on a CPU it is
    several times slower than `tensorflow`. Results of the two are alike, not the same, and have keys of their own."""
    storage: str | None = None
    """Optuna's database. Null: `OPTUNA_STORAGE`, else `optuna.db` in `runs_dir`."""

    @model_validator(mode="after")
    def _backend_fits(self) -> Self:
        if self.backend != "jax" and self.executor.fuse is not None:
            raise ValueError(f"`executor.fuse` must be left out of backend={self.backend}: backend=jax has it.")
        if self.backend == "jax" and self.executor.name == "dask":
            raise ValueError("`backend` must be tensorflow with executor=dask. Received: 'jax'.")
        budgets = [self.study.training, *(self.study.training_of(arm) for arm in self.study.arms)]
        budgets += [self.study.base.training] if self.study.base is not None else []
        other = next((one.precision for one in budgets if one.precision != "float32"), None)
        if self.backend != "jax" and other is not None:
            raise ValueError(
                f"`study.training.precision` must be float32 with backend={self.backend}; backend=jax has tf32 and "
                f"bf16. Received: {other!r}."
            )
        return self
