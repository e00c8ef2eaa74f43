"""Models on their way into a real MLflow store; what their files hold does not matter to who delivers them."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import LoggedModel
from mlflow.models import Model

from tracking.courier import Courier
from tracking.manifest import StudyManifest
from tracking.mlflow_models import MlflowModels
from tracking.model_content import Registration
from tracking.record import RecordStore
from tracking.saved_model import SavedModel, TensorCard

StudyMaker = Callable[..., tuple[StudyManifest, RecordStore]]
CONTENT = b"what Keras wrote"


@pytest.fixture
def uri(empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    address = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)  # As `tracking.delivery_loop.prepare` does.
    return address


@pytest.fixture
def store(make_study: StudyMaker) -> RecordStore:
    """A study of one replicate, whose trials were recorded with a model each, and its test images."""
    store = make_study(accuracies={"original": [0.94], "dropout1": [0.97]}, epochs=2)[1]
    for key in ("original-1", "dropout1-1"):
        trial = store.read(key)
        shutil.rmtree(store.trials / key)
        saved = SavedModel(
            sha256=hashlib.sha256(CONTENT).hexdigest(),
            under="best",
            inputs=TensorCard(shape=(None, 6, 5, 1), dtype="uint8"),
            outputs=TensorCard(shape=(None, 10), dtype="float32"),
            needs=("my_layers",),
        )
        record = trial.record.model_copy(update={"saved_model": saved})
        store.write(type(trial)(record, trial.history, trial.predicted, trial.correct), CONTENT)
    data = store.folder.parent / "data" / f"digits-{trial.record.data_digest[:12]}"
    data.mkdir(parents=True)
    np.save(data / "x_test.npy", np.arange(4 * 30, dtype=np.uint8).reshape(4, 6, 5, 1))
    return store


def deliver(store: RecordStore, uri: str) -> str:
    courier = Courier(store.folder, uri)
    outcome = courier.deliver()
    courier.close()
    return outcome.reason


def logged(uri: str) -> list[LoggedModel]:
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("dropout_ablation")
    return list(client.search_logged_models([experiment.experiment_id]))


def test_a_kept_model_is_logged_with_its_run_its_scores_signature_and_example(store: RecordStore, uri: str) -> None:
    assert deliver(store, uri) == ""
    models = {model.tags["key"]: model for model in logged(uri)}
    assert set(models) == {"original-1", "dropout1-1"}
    model = models["dropout1-1"]
    assert (model.name, model.status.name, model.tags["needs"]) == ("model", "READY", "my_layers")
    assert model.tags["kept"] == "as the first seed of its arm, nothing being held out"
    assert model.params["arm"] == "dropout1"
    assert {metric.key for metric in model.metrics} == set(store.read("dropout1-1").record.metrics)
    run = MlflowClient(uri).get_run(model.source_run_id)
    assert run.data.tags["key"] == "dropout1-1"
    assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]
    folder = Path(model.artifact_location.removeprefix("file://"))
    assert (folder / "data" / "model.keras").read_bytes() == CONTENT
    assert "keras==3.15.0" in (folder / "requirements.txt").read_text()
    card = Model.load(str(folder))
    assert (card.model_id, card.metadata["class_names"]) == (model.model_id, list("0123456789"))
    [given], [answer] = card.signature.inputs.inputs, card.signature.outputs.inputs
    assert (given.type, given.shape, answer.shape) == (np.uint8, (-1, 6, 5, 1), (-1, 10))
    example = card.load_input_example(str(folder))
    assert np.array_equal(example, np.arange(60, dtype=np.uint8).reshape(2, 6, 5, 1))


def test_delivering_again_without_a_ledger_makes_no_second_model(store: RecordStore, uri: str) -> None:
    deliver(store, uri)
    before = {model.model_id for model in logged(uri)}
    (store.folder / "mlflow" / "ledger.jsonl").unlink()
    assert deliver(store, uri) == ""
    again = logged(uri)
    assert {model.model_id for model in again} == before
    assert {model.status.name for model in again} == {"READY"}


def test_a_model_file_that_is_damaged_is_owed_and_said(store: RecordStore, uri: str) -> None:
    (store.trials / "original-1" / "model.keras").write_bytes(CONTENT[:5])
    assert "model.keras is not what was written" in deliver(store, uri)
    assert [model.tags["key"] for model in logged(uri)] == ["dropout1-1"]


def test_a_model_is_logged_without_an_example_if_the_images_are_gone(store: RecordStore, uri: str) -> None:
    shutil.rmtree(store.folder.parent / "data")
    assert deliver(store, uri) == ""
    assert all(
        Model.load(model.artifact_location.removeprefix("file://")).signature is not None for model in logged(uri)
    )


def test_the_same_model_is_registered_once_and_another_one_becomes_the_next_version(
    store: RecordStore, uri: str
) -> None:
    deliver(store, uri)
    client = MlflowClient(uri)
    by_key = {model.tags["key"]: model for model in logged(uri)}
    for key in ("original-1", "original-1", "dropout1-1", "dropout1-1"):
        model = by_key[key]
        version = Registration("dropout_search", key, "said")
        MlflowModels(client).register(model.experiment_id, model.source_run_id, version)
    versions = client.search_model_versions("name = 'dropout_search'")
    assert [(one.version, one.tags["key"]) for one in sorted(versions, key=lambda one: one.version)] == [
        (1, "original-1"),
        (2, "dropout1-1"),
    ]
    assert [one.source for one in versions if one.version == 2] == [f"models:/{by_key['dropout1-1'].model_id}"]


def test_who_delivers_a_model_does_not_import_tensorflow(store: RecordStore, uri: str) -> None:
    code = (
        "import sys; from pathlib import Path; from tracking.courier import Courier\n"
        f"outcome = Courier(Path({str(store.folder)!r}), {uri!r}).deliver()\n"
        "print(outcome.delivered, outcome.owed, sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "5 0 []"
