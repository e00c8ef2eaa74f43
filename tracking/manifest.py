"""`runs/STUDY/study.json`: what the study asked when it last ran, so that a report needs nothing but the folder."""

from pathlib import Path

from pydantic import Field, ValidationError

from studies.errors import InputError, unknown
from studies.spec import Declaration, RunSpec, Setting
from tracking import atomic
from tracking.proposals import Parameter

FILE_NAME = "study.json"


class PlannedTrial(Declaration):
    """One cell of the plan."""

    key: str
    arm: str
    setting: Setting
    seed: int
    fold: int | None = None
    """Which fold is held out, where folds take turns."""


class LayerCard(Declaration):
    """One layer of a built model."""

    name: str
    kind: str
    """The layer's class."""
    output_shape: tuple[int | None, ...]
    """With the batch axis first, as None."""
    params: int
    """Trainable parameters."""
    frozen_params: int
    """Parameters that are not trained, such as batch normalisation's moving statistics."""
    inputs: tuple[str, ...]
    """Names of the layers whose output it takes."""


class ModelCard(Declaration):
    """What an arm's model looks like."""

    layers: tuple[LayerCard, ...]
    summary: str
    """Keras's own summary table, as text."""
    values: Setting
    """The values of all hyperparameters that the model read, defaults included."""

    @property
    def params(self) -> int:
        """Trainable parameters of the whole model."""
        return sum(layer.params for layer in self.layers)


class SearchManifest(Declaration):
    """A search: its choosing phase, whose settings are in `proposals` and not among the planned trials."""

    spec: RunSpec
    space: tuple[Parameter, ...]
    """What is varied."""
    design: str
    """Hash of all that the proposals depend on; names their file."""


class StudyManifest(Declaration):
    """A study as it was last planned, with what is needed to read its records."""

    spec: RunSpec
    """What the trials belong to: the ablation that was asked, the confirmation of a search, or, while one chooses, the
    search itself."""
    search: SearchManifest | None = None
    """The search that `spec` is, or confirms."""
    dataset: str = ""
    """Name of the prepared data, which those of a frozen base have for themselves. Empty: that of `spec.dataset`."""
    data_digest: str
    class_names: tuple[str, ...]
    """One name per class, in label order."""
    n_train: int
    n_test: int
    engine: str
    """Version of the engine and of the packages that do its arithmetic."""
    trials: tuple[PlannedTrial, ...]
    """In plan order: replicate by replicate, every arm in each. Empty while a search chooses."""
    models: dict[str, ModelCard] = Field(default={})
    """By arm."""
    command: str
    """The shell command that ran the study."""

    def write(self, folder: Path) -> None:
        """Put the manifest into the study's folder, atomically."""
        atomic.write_text(folder / FILE_NAME, self.model_dump_json(indent=1))


def read_manifest(runs_dir: Path, study: str) -> StudyManifest:
    """Return the manifest of `study`.

    Raises:
        InputError: the study has not run under `runs_dir`, or its manifest is not readable.
    """
    path = runs_dir / study / FILE_NAME
    if not path.is_file():
        known = sorted(other.parent.name for other in runs_dir.glob(f"*/{FILE_NAME}"))
        if known:
            raise unknown("study", study, known)
        raise InputError(f"`study` must name a study that has run. Received: {study!r}; none has, in {runs_dir}/.")
    try:
        return StudyManifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} cannot be read ({reason}). Run the study again: finished trials stay.") from None
