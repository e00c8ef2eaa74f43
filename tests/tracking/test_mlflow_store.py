import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tracking.courier import Courier
from tracking.manifest import StudyManifest
from tracking.record import Failure, RecordStore

StudyMaker = Callable[..., tuple[StudyManifest, RecordStore]]
TWO_ARMS = {"original": [0.94, 0.93], "dropout1": [0.97, None]}
EPOCHS = 3


@pytest.fixture
def uri(empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    shutil.copyfile(empty_database, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture
def store(make_study: StudyMaker) -> RecordStore:
    return make_study(accuracies=TWO_ARMS, epochs=EPOCHS)[1]


def _deliver(store: RecordStore, uri: str) -> Courier:
    courier = Courier(store.folder, uri)
    outcome = courier.deliver()
    assert (outcome.owed, outcome.reason) == (0, "")
    courier.close()
    return courier


def _runs(uri: str) -> tuple[Run, dict[str, Run]]:
    """Return the study's run and its trials' runs by name."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("dropout_ablation")
    runs = client.search_runs([experiment.experiment_id])
    [parent] = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    by_name = {run.info.run_name: run for run in children}
    assert len(runs) == 1 + len(by_name)
    return parent, by_name


def _artifacts(uri: str, run: Run, folder: str | None = None) -> set[str]:
    return {file.path for file in MlflowClient(uri).list_artifacts(run.info.run_id, folder)}


def _points(uri: str, run: Run) -> dict[str, list[tuple[int, float]]]:
    client = MlflowClient(uri)
    histories = {name: client.get_metric_history(run.info.run_id, name) for name in run.data.metrics}
    return {name: [(point.step, point.value) for point in points] for name, points in histories.items()}


def test_a_study_becomes_a_run_with_its_trials_below_it(store: RecordStore, uri: str) -> None:
    _deliver(store, uri)
    parent, trials = _runs(uri)
    assert parent.info.run_name == "dropout_ablation"
    assert parent.info.status == "RUNNING"
    assert parent.data.tags["control"] == "original"
    assert parent.data.tags["question"] == parent.data.tags["mlflow.note.content"]
    assert _artifacts(uri, parent) == {"study.json"}
    assert set(trials) == {"original seed 1", "original seed 2", "dropout1 seed 1"}


def test_a_trial_shows_its_setting_metrics_history_data_and_files(store: RecordStore, uri: str) -> None:
    _deliver(store, uri)
    run = _runs(uri)[1]["dropout1 seed 1"]
    trial = store.read("dropout1-1")
    assert run.info.status == "FINISHED"
    assert run.info.end_time - run.info.start_time == round(1000 * trial.record.cost.seconds)
    assert run.data.params["rate"] == str(trial.record.setting["rate"])
    assert (run.data.params["seed"], run.data.params["epochs"]) == ("1", "3")
    assert json.loads(run.data.tags["setting"]) == trial.record.setting
    assert run.data.tags["command"] == trial.record.command
    assert run.data.tags["version.keras"] == "3.15.0"
    assert run.data.metrics["test_accuracy"] == trial.record.metrics["test_accuracy"]
    assert run.data.metrics["seconds"] == trial.record.cost.seconds
    expected = list(enumerate(trial.history["test_loss"].tolist(), start=1))
    assert _points(uri, run)["history/test_loss"] == expected
    assert [given.dataset.name for given in run.inputs.dataset_inputs] == ["digits"]
    files = {"record.json", "history.csv", "model_summary.txt", "model_graph.png", "curves.png"}
    assert _artifacts(uri, run) == files


def test_the_report_becomes_description_and_artifacts_and_ends_the_study(make_study: StudyMaker, uri: str) -> None:
    _, store = make_study(accuracies={"original": [0.9], "dropout1": [0.95]}, epochs=EPOCHS)
    report = store.folder / "report"
    (report / "tables").mkdir(parents=True)
    (report / "report.md").write_text("# Answer\n\n![curves](curves.png)\n\ndropout1 is better.\n" + "word\n" * 3000)
    (report / "tables" / "means.csv").write_text("arm,mean\n")
    _deliver(store, uri)
    parent, _ = _runs(uri)
    note = parent.data.tags["mlflow.note.content"]
    assert note.startswith("# Answer")
    assert "![curves]" not in note
    assert note.endswith("(cut here; all of it is in the artifact report/report.md)")
    assert _artifacts(uri, parent, "report") == {"report/report.md", "report/tables"}
    assert parent.info.status == "FINISHED"


def test_a_changed_manifest_keeps_the_reports_description(store: RecordStore, uri: str) -> None:
    (store.folder / "report").mkdir()
    (store.folder / "report" / "report.md").write_text("# Answer")
    _deliver(store, uri)
    manifest = store.folder / "study.json"
    manifest.write_text(manifest.read_text().replace("Which", "What"))
    _deliver(store, uri)
    parent, _ = _runs(uri)
    assert parent.data.tags["question"].startswith("What")
    assert parent.data.tags["mlflow.note.content"] == "# Answer"


def test_delivering_without_a_ledger_makes_no_second_run_and_no_second_point(store: RecordStore, uri: str) -> None:
    _deliver(store, uri)
    parent, before = _runs(uri)
    (store.folder / "mlflow" / "ledger.jsonl").unlink()
    _deliver(store, uri)
    again, after = _runs(uri)
    assert again.info.run_id == parent.info.run_id
    assert {name: run.info.run_id for name, run in after.items()} == {
        name: run.info.run_id for name, run in before.items()
    }
    for run in after.values():
        points = _points(uri, run)
        assert {len(values) for name, values in points.items() if name.startswith("history/")} == {EPOCHS}
        assert {len(values) for name, values in points.items() if not name.startswith("history/")} == {1}
        assert run.info.status == "FINISHED"


def test_a_run_that_a_lost_answer_doubled_is_shown_once(store: RecordStore, uri: str) -> None:
    _deliver(store, uri)
    run = _runs(uri)[1]["original seed 1"]
    client = MlflowClient(uri)
    client.create_run(run.info.experiment_id, run.info.start_time, run.data.tags, run.info.run_name)
    (store.folder / "mlflow" / "ledger.jsonl").unlink()
    _deliver(store, uri)
    assert _runs(uri)[1]["original seed 1"].info.run_id == run.info.run_id


def test_a_failed_trial_is_shown_with_its_reason_until_it_is_finished(
    make_study: StudyMaker, store: RecordStore, uri: str
) -> None:
    failure = Failure(key="dropout1-2", arm="dropout1", seed=2, reason="NaN loss", attempts=1, details="Traceback")
    store.write_failure(failure)
    _deliver(store, uri)
    failed = _runs(uri)[1]["dropout1 seed 2"]
    assert (failed.info.status, failed.data.tags["reason"]) == ("FAILED", "NaN loss")
    assert failed.data.params["rate"] == _runs(uri)[1]["dropout1 seed 1"].data.params["rate"]
    assert _artifacts(uri, failed) == {"failure.json"}
    other = make_study(
        accuracies={"original": [0.9, 0.9], "dropout1": [0.9, 0.95]}, epochs=EPOCHS, runs=store.folder.parent / "other"
    )[1]
    store.adopt("dropout1-2", other)
    _deliver(store, uri)
    finished = _runs(uri)[1]["dropout1 seed 2"]
    assert finished.info.status == "FINISHED"
    assert "reason" not in finished.data.tags


def test_a_trial_that_was_trained_again_replaces_the_run_of_its_damaged_record(store: RecordStore, uri: str) -> None:
    _deliver(store, uri)
    trial = store.read("original-1")
    store.set_aside("original-1")
    later = trial.record.model_copy(update={"started": datetime(2026, 2, 3, tzinfo=UTC)})
    store.write(type(trial)(later, trial.history, trial.predicted, trial.correct))
    _deliver(store, uri)
    points = _points(uri, _runs(uri)[1]["original seed 1"])
    assert len(points["history/test_loss"]) == EPOCHS
    assert len(points["test_accuracy"]) == 1


def test_a_damaged_record_is_owed_and_holds_nothing_else_back(store: RecordStore, uri: str) -> None:
    (store.trials / "original-1" / "history.csv").write_text("cut")
    outcome = Courier(store.folder, uri).deliver()
    assert (outcome.delivered, outcome.owed) == (3, 1)
    assert "history.csv is not what was written" in outcome.reason


def test_values_beyond_mlflows_limits_are_cut_or_split_and_not_refused(store: RecordStore, uri: str) -> None:
    trial = store.read("original-1")
    setting = {f"value {number} (of many)": "long " * 2000 for number in range(120)} | {"seed": 7}
    record = trial.record.model_copy(update={"key": "big", "setting": setting, "seed": 77})
    history = {f"metric {number}": np.linspace(0.0, 1.0, 300) for number in range(8)}
    history["metric 0"][5] = np.nan
    store.write(type(trial)(record, history, trial.predicted, trial.correct))
    _deliver(store, uri)
    run = _runs(uri)[1]["original seed 77"]
    assert len(run.data.params["value 3 _of many_"]) == 6000
    assert (run.data.params["seed"], run.data.params["setting.seed"]) == ("77", "7")
    points = _points(uri, run)
    assert (len(points["history/metric 0"]), len(points["history/metric 7"])) == (299, 300)


def test_a_store_that_lost_its_database_gets_everything_again(
    store: RecordStore, uri: str, empty_database: Path
) -> None:
    _deliver(store, uri)
    shutil.copyfile(empty_database, uri.removeprefix("sqlite:///"))
    courier = Courier(store.folder, uri)
    assert courier.deliver().delivered == 0
    courier.verify()
    courier.deliver()
    courier.close()
    assert len(_runs(uri)[1]) == 3


def test_the_report_of_a_running_study_is_delivered_now_and_then_and_the_last_one_always(
    store: RecordStore, uri: str
) -> None:
    report = store.folder / "report" / "report.md"
    courier = Courier(store.folder, uri)

    def shown(text: str, report_every: float) -> str:
        report.parent.mkdir(exist_ok=True)
        report.write_text(text)
        assert courier.deliver(report_every=report_every).owed == 0
        return _runs(uri)[0].data.tags["mlflow.note.content"]

    assert shown("the first", 300.0) == "the first"
    assert shown("soon after", 300.0) == "the first"
    assert shown("the last", 0.0) == "the last"
    courier.close()


def test_a_deleted_experiment_is_named_with_the_command_that_restores_it(store: RecordStore, uri: str) -> None:
    client = MlflowClient(uri)
    client.delete_experiment(client.create_experiment("dropout_ablation"))
    outcome = Courier(store.folder, uri).deliver()
    assert outcome.delivered == 0
    assert "mlflow experiments restore --experiment-id" in outcome.reason


def test_credentials_in_commands_and_manifest_do_not_reach_mlflow(make_study: StudyMaker, uri: str) -> None:
    secret = "tracking_uri=http://me:secret@host:5000"
    _, store = make_study(accuracies={"original": [0.9], "dropout1": [None]}, overrides=[secret], epochs=1)
    trial = store.read("original-1")
    record = trial.record.model_copy(update={"key": "told", "seed": 5, "command": f"python -m x {secret}"})
    store.write(type(trial)(record, trial.history, trial.predicted, trial.correct))
    _deliver(store, uri)
    parent, trials = _runs(uri)
    shown = [parent, *trials.values()]
    assert trials["original seed 5"].data.tags["command"].endswith("http://***@host:5000")
    files = [file for run in shown for file in Path(run.info.artifact_uri.removeprefix("file://")).rglob("*.*")]
    assert files
    assert not [file for file in files if b"secret" in file.read_bytes()]
    assert not [run for run in shown if "secret" in str(run.to_dictionary())]
