"""The publisher's process, with real databases, a real server, and real kills."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock
from mlflow import MlflowClient

from studies.errors import InputError
from tracking.manifest import StudyManifest
from tracking.publish import Publisher, main
from tracking.record import RecordStore

StudyMaker = Callable[..., tuple[StudyManifest, RecordStore]]
TWO_ARMS = {"original": [0.94, 0.93], "dropout1": [0.97, 0.96]}
STUDY = "dropout_ablation"
PATIENCE_SECONDS = 60.0


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def store(make_study: StudyMaker, empty_database: Path) -> RecordStore:
    store = make_study(accuracies=TWO_ARMS, epochs=3)[1]
    shutil.copyfile(empty_database, store.folder.parent / "mlflow.db")
    return store


def _command(store: RecordStore, *more: str) -> tuple[str, ...]:
    runs = f"runs_dir={store.folder.parent}"
    return (sys.executable, "-m", "tracking.publish", f"study={STUDY}", runs, *more)


def _publish(store: RecordStore, *more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(_command(store, *more), capture_output=True, text=True, check=False, timeout=60)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def _delivered(store: RecordStore) -> int:
    ledger = store.folder / "mlflow" / "ledger.jsonl"
    return len(ledger.read_bytes().splitlines()) if ledger.is_file() else 0


def _keys(uri: str) -> Counter[str]:
    """Return how many runs each key has, having checked that no metric's point is there twice."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(STUDY)
    runs = client.search_runs([experiment.experiment_id])
    for run in runs:
        for name in run.data.metrics:
            steps = [point.step for point in client.get_metric_history(run.info.run_id, name)]
            assert len(steps) == len(set(steps))
    return Counter(run.data.tags.get("key", "the study") for run in runs)


def _uri(store: RecordStore) -> str:
    return f"sqlite:///{store.folder.parent / 'mlflow.db'}"


@contextmanager
def _server(port: int, folder: Path) -> Iterator[None]:
    command = (sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1")
    # Its extra processes for background jobs take seconds to start, and nothing here uses them.
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    places = ("--backend-store-uri", f"sqlite:///{folder / 'a.db'}", "--artifacts-destination", str(folder / "files"))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            (*command, *places), stdout=log, stderr=log, cwd=folder, env=environment, start_new_session=True
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_command_delivers_what_is_owed_then_nothing_and_all_again_to_a_new_database(
    store: RecordStore, empty_database: Path
) -> None:
    first, second = _publish(store), _publish(store)
    shutil.copyfile(empty_database, store.folder.parent / "mlflow.db")
    third = _publish(store)
    assert [done.returncode for done in (first, second, third)] == [0, 0, 0]
    assert [done.stdout[:12] for done in (first, second, third)] == ["5 delivered,", "0 delivered,", "5 delivered,"]
    assert _keys(_uri(store)) == Counter(["the study", *store.keys()])


def test_a_publisher_delivers_what_comes_while_the_study_runs(store: RecordStore, make_study: StudyMaker) -> None:
    publisher = Publisher(store.folder, None)
    _until(lambda: publisher.owed() == 0)
    trial = store.read("original-1")
    record = trial.record.model_copy(update={"key": "late", "seed": 9})
    store.write(type(trial)(record, trial.history, trial.predicted, trial.correct))
    assert publisher.owed() == 1
    publisher.nudge()
    _until(lambda: publisher.owed() == 0)
    assert publisher.finish(30) == 0
    assert _keys(_uri(store))["late"] == 1


def test_the_command_that_opens_mlflow_can_be_pasted_where_no_environment_is_activated(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = Path(sys.executable).parent
    publisher = Publisher(store.folder, None)
    publisher.finish(30)
    monkeypatch.chdir(programs.parent)
    monkeypatch.setenv("PATH", str(programs))
    assert publisher.ui_command == f"mlflow ui --backend-store-uri {_uri(store)}"
    monkeypatch.setenv("PATH", "")
    assert publisher.ui_command == f"{programs.name}/mlflow ui --backend-store-uri {_uri(store)}"


def test_a_publisher_that_is_killed_midway_loses_and_doubles_nothing(make_study: StudyMaker) -> None:
    arms = {"original": [0.9] * 12, "dropout1": [0.95] * 12}
    _, store = make_study(accuracies=arms, epochs=3)
    process = subprocess.Popen(_command(store, "follow=true"), stdin=subprocess.PIPE)
    _until(lambda: _delivered(store) >= 5)
    process.kill()
    process.communicate()
    assert _delivered(store) < 25
    ledger = store.folder / "mlflow" / "ledger.jsonl"
    # As if the kill had come between MLflow and the ledger: the last line half-written, the one before it not at all.
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:-2]) + lines[-1][:30])
    assert _publish(store).returncode == 0
    assert _keys(_uri(store)) == Counter(["the study", *store.keys()])


def test_a_coordinator_that_is_killed_leaves_a_publisher_that_finishes_and_ends(store: RecordStore) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from tracking.publish import Publisher;"
        "publisher = Publisher(Path(sys.argv[1]), None); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run((sys.executable, "-c", code, store.folder), capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    _until(lambda: _delivered(store) == 5)
    with FileLock(store.folder / "mlflow" / "lock", timeout=PATIENCE_SECONDS):  # The publisher has it until it ends.
        pass
    assert _keys(_uri(store)) == Counter(["the study", *store.keys()])


def test_a_server_that_is_down_is_owed_everything_and_gets_it_when_it_is_up(
    store: RecordStore, port: int, tmp_path: Path, empty_database: Path
) -> None:
    uri = f"http://127.0.0.1:{port}"
    publisher = Publisher(store.folder, uri.replace("//", "//me:pass-w0rd@"))
    log = store.folder / "mlflow" / "publish.log"
    _until(lambda: b"does not answer" in log.read_bytes())
    assert publisher.owed() == 5
    (tmp_path / "server").mkdir()
    shutil.copyfile(empty_database, tmp_path / "server" / "a.db")
    with _server(port, tmp_path / "server"):
        _until(lambda: publisher.owed() == 0)
        assert publisher.finish(30) == 0
        assert _keys(uri) == Counter(["the study", *store.keys()])
        client = MlflowClient(uri)
        experiment = client.get_experiment_by_name(STUDY).experiment_id
        assert publisher.ui_command == f"{uri}/#/experiments/{experiment}?workflowType=machine_learning"
        [run] = client.search_runs([experiment], "tags.key = 'original-1'")
        names = {file.path for file in client.list_artifacts(run.info.run_id)}
        assert {"record.json", "history.csv", "model_summary.txt"} <= names
    assert publisher.address == uri
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in written if b"pass-w0rd" in path.read_bytes()]


def test_a_server_that_never_answers_does_not_hold_the_end_of_a_study(store: RecordStore, port: int) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", port))
        deaf.listen(16)
        publisher = Publisher(store.folder, f"http://127.0.0.1:{port}")
        started = time.monotonic()
        assert publisher.finish(1.0) == 5
        assert time.monotonic() - started < PATIENCE_SECONDS


def test_what_is_still_owed_is_said_with_the_reason_and_exit_code_1(store: RecordStore, port: int) -> None:
    done = _publish(store, f"tracking_uri=http://me:pass-w0rd@127.0.0.1:{port}")
    assert done.returncode == 1
    assert f"0 delivered, 5 still owed to http://127.0.0.1:{port}:" in done.stderr
    assert "pass-w0rd" not in done.stdout + done.stderr


def test_a_second_publisher_of_a_study_says_that_there_is_a_first(
    store: RecordStore, capsys: pytest.CaptureFixture[str]
) -> None:
    (store.folder / "mlflow").mkdir()
    with FileLock(store.folder / "mlflow" / "lock"):
        done = _publish(store)
    assert done.returncode == 1
    assert f"Another process is delivering {STUDY} to MLflow. Owed at this moment: 5." in done.stderr
    assert _delivered(store) == 0


def test_two_publishers_at_once_deliver_everything_once(store: RecordStore) -> None:
    first, second = Publisher(store.folder, None), Publisher(store.folder, None)
    assert (first.finish(40), second.finish(40)) == (0, 0)
    assert _keys(_uri(store)) == Counter(["the study", *store.keys()])


def test_two_studies_that_begin_at_once_make_one_database_together(store: RecordStore) -> None:
    (store.folder.parent / "mlflow.db").unlink()
    other = store.folder.with_name("another")
    shutil.copytree(store.folder, other)
    manifest = other / "study.json"
    manifest.write_text(manifest.read_text().replace(f'"name": "{STUDY}"', '"name": "another"'))
    publishers = [Publisher(folder, None) for folder in (store.folder, other)]
    assert [publisher.finish(PATIENCE_SECONDS) for publisher in publishers] == [0, 0]
    assert _keys(_uri(store)) == Counter(["the study", *store.keys()])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "`study=NAME` is missing."),
        (["study="], "`study` must have a value: study=VALUE. Received: 'study='."),
        (["study=dropout_ablatoin"], "Did you mean 'dropout_ablation'?"),
        (["study=dropout_ablation", "run_dir=x"], "Did you mean 'runs_dir'?"),
        (["study=dropout_ablation", "tracking_uri=mlruns"], "`tracking_uri` must be the address of an MLflow server"),
        (["study=dropout_ablation", "follow=maybe"], "`follow` must be one of: false, true."),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(
    arguments: list[str], message: str, store: RecordStore, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(store.folder.rglob("*"))
    assert main([*arguments, f"runs_dir={store.folder.parent}"]) == 2
    assert message in capsys.readouterr().err
    assert sorted(store.folder.rglob("*")) == before


def test_a_publisher_for_something_that_is_no_store_is_refused_before_it_starts(store: RecordStore) -> None:
    with pytest.raises(InputError, match="`tracking_uri` must be"):
        Publisher(store.folder, "mlruns")
    assert not (store.folder / "mlflow").exists()


def test_the_commands_module_and_the_outbox_come_without_mlflow() -> None:
    code = (
        "import sys, json, tracking.publish, tracking.outbox;"
        "print(json.dumps(sorted({'mlflow', 'matplotlib', 'pandas', 'tensorflow', 'hydra'} & set(sys.modules))))"
    )
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, check=True)
    assert json.loads(done.stdout) == []
