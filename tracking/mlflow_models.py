"""Trained models in MLflow: logged with the run that made them, and registered. Doing it twice is as good as once.

MLflow's own `log_model` takes a Keras model in memory, which would cost the delivering process an import of TensorFlow
and half a GiB. The folder that it would write is a `.keras` file with a card beside it; here it is put together from
the file on disk, and `mlflow.pyfunc` and `mlflow.keras` load it like any other.
"""

from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput, LoggedModelStatus, Metric
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.pyfunc import add_to_model
from mlflow.types import Schema, TensorSpec
from numpy import dtype

from tracking.model_content import MODEL_NAME, ModelContent, Registration
from tracking.model_files import DATA_FOLDER, EXAMPLE_FILE, PYTHON_FILE, SERVING_FILE
from tracking.run_content import Point
from tracking.saved_model import TensorCard

_REGISTRATION_SECONDS = 30


class MlflowModels:
    """The models of one MLflow store."""

    def __init__(self, client: MlflowClient) -> None:
        self.client = client

    def put(self, experiment_id: str, run_id: str, content: ModelContent, files: Path) -> str:
        """Log the model that `content` describes with its run; return its id.

        Args:
            experiment_id: of the run.
            run_id: of the trial that trained it.
            content: what it shows.
            files: what `tracking.model_files` put there; the card is added.
        """
        known = self._of(experiment_id, run_id, content.key)
        model = known[0] if known else self._create(experiment_id, run_id, content)
        _card(model, run_id, content, files).save(str(files / "MLmodel"))
        self.client.log_model_artifacts(model.model_id, str(files))
        outputs = self.client.get_run(run_id).outputs
        if not outputs or model.model_id not in [output.model_id for output in outputs.model_outputs]:
            step = max((point.step for point in content.points), default=0)
            self.client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step)])  # A second time is an error.
        self.client.log_batch(run_id, [_metric(point, run_id, model) for point in content.points])
        self.client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        return str(model.model_id)

    def register(self, experiment_id: str, run_id: str, version: Registration) -> None:
        """Make the model of `version.key` the latest version of the registered model, if it is not that already.

        MLflow looks the model up where `MLFLOW_TRACKING_URI` points, which has to be the client's store.

        Raises:
            LookupError: the model has not been logged.
        """
        known = self._of(experiment_id, run_id, version.key)
        if not known:
            raise LookupError(f"the model of {version.key} is not in MLflow")
        try:
            self.client.create_registered_model(version.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        source = f"models:/{known[0].model_id}"
        versions = self.client.search_model_versions(f"name = '{version.name}'")
        latest = max(versions, key=lambda one: int(one.version), default=None)
        if latest is not None and latest.source == source:
            return
        self.client.create_model_version(
            version.name,
            source,
            run_id=run_id,
            tags={"key": version.key},
            description=version.description,
            await_creation_for=_REGISTRATION_SECONDS,
            model_id=known[0].model_id,
        )

    def _of(self, experiment_id: str, run_id: str, key: str) -> list[LoggedModel]:
        """Return the models of a run; more than one only after a lost answer."""
        found = self.client.search_logged_models([experiment_id], f"tags.key = '{key}'")
        return sorted((one for one in found if one.source_run_id == run_id), key=lambda one: one.creation_timestamp)

    def _create(self, experiment_id: str, run_id: str, content: ModelContent) -> LoggedModel:
        tags = {**content.tags, "key": content.key}
        return self.client.create_logged_model(experiment_id, MODEL_NAME, run_id, tags, content.params)


def _card(model: LoggedModel, run_id: str, content: ModelContent, files: Path) -> Model:
    """Return what the file `MLmodel` says: how to load the model, and what it takes and gives."""
    card = Model(
        artifact_path=model.artifact_location,
        run_id=run_id,
        utc_time_created=content.created,
        signature=ModelSignature(_schema(content.saved.inputs), _schema(content.saved.outputs)),
        model_uuid=model.model_id,
        model_id=model.model_id,
        metadata={"class_names": list(content.class_names), "trial": content.key},
    )
    if (files / EXAMPLE_FILE).is_file():
        example = {"artifact_path": EXAMPLE_FILE, "serving_input_path": SERVING_FILE, "type": "ndarray"}
        card.saved_input_example_info = example
    backend = {"keras_backend": "tensorflow", "save_exported_model": False}
    card.add_flavor("keras", data=DATA_FOLDER, keras_version=content.keras, **backend)
    add_to_model(card, loader_module="mlflow.keras", python_env=PYTHON_FILE)
    card.model_size_bytes = sum(file.stat().st_size for file in files.rglob("*") if file.is_file())
    return card


def _schema(tensor: TensorCard) -> Schema:
    shape = tuple(-1 if side is None else side for side in tensor.shape)
    return Schema([TensorSpec(dtype(tensor.dtype), shape)])


def _metric(point: Point, run_id: str, model: LoggedModel) -> Metric:
    return Metric(point.name, point.value, point.milliseconds, point.step, model_id=model.model_id, run_id=run_id)
