"""What MLflow shows of a trained model; plain values, free of MLflow and of Keras."""

from dataclasses import dataclass

from studies.spec import StudySpec
from tracking.kept_model import chosen_by
from tracking.manifest import StudyManifest
from tracking.record import DamagedRecordError, StoredTrial
from tracking.run_content import Point, trial_run
from tracking.saved_model import SavedModel

MODEL_NAME = "model"
"""Of every logged model, so that `runs:/RUN_ID/model` finds a trial's."""


@dataclass(frozen=True)
class ModelContent:
    """What a logged model shows."""

    key: str
    """Of the trial that trained it."""
    saved: SavedModel
    keras: str
    """The version that saved it."""
    created: str
    """When its training began, in ISO format."""
    tags: dict[str, str]
    params: dict[str, str]
    points: tuple[Point, ...]
    """Its final metrics, as the trial's run has them."""
    class_names: tuple[str, ...]
    """In the order of the outputs; none for regression."""


@dataclass(frozen=True)
class Registration:
    """A version of a registered model."""

    name: str
    key: str
    """Of the trial that trained it: another key is another version."""
    description: str


def model_content(trial: StoredTrial, manifest: StudyManifest) -> ModelContent:
    """Return what the model that was recorded with `trial` shows.

    Raises:
        DamagedRecordError: there was none.
    """
    record, run = trial.record, trial_run(trial, manifest)
    if record.saved_model is None:
        raise DamagedRecordError(f"{record.key} was recorded without a model")
    shown = ("key", "arm", "setting", "command", "data_digest", "engine")
    tags = {name: value for name, value in run.tags.items() if name in shown}
    tags["study"] = manifest.spec.study.name
    tags["kept"] = _why(manifest.spec.study, record.saved_model)
    if record.saved_model.needs:
        tags["needs"] = ", ".join(record.saved_model.needs)
    return ModelContent(
        key=record.key,
        saved=record.saved_model,
        keras=record.environment.packages.get("keras", ""),
        created=record.started.isoformat(),
        tags=tags,
        params=run.params,
        points=tuple(point for point in run.points if point.name in record.metrics),
        class_names=manifest.class_names,
    )


def registration(key: str, trial: StoredTrial, manifest: StudyManifest) -> Registration:
    """Return the version under which the model of `trial`, a search's confirmed best, is registered."""
    study, record = manifest.spec.study, trial.record
    arm = next((one.arm for one in manifest.trials if one.key == key), record.arm)
    scores = ", ".join(f"{name} {value:.4f}" for name, value in record.metrics.items() if name.startswith("test_"))
    return Registration(
        name=study.name,
        key=key,
        description=f"{arm}, seed {record.seed}: what the search {study.name} ends in. {scores}. {study.question}",
    )


def _why(study: StudySpec, saved: SavedModel) -> str:
    if saved.under == "all":
        return "as every trial's"
    metric = chosen_by(study)
    return f"as the best of its arm by {metric}" if metric else "as the first seed of its arm, nothing being held out"
