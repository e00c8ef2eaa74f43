"""A night that goes wrong: what a study does, and what it says, when a server, a disk or the machine lets it down."""

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import optuna
import pytest
from mlflow import MlflowClient
from optuna.trial import TrialState
from postgres_server import Postgres
from small_study import NOBODY, PATIENCE_SECONDS, Place, make_place, said_to_the_end, said_until
from tracking_proxy import Proxy

from search.storage import open_storage, resolve
from tracking.delivery_loop import LONGEST_PAUSE_SECONDS


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[str]:
    """A real tracking server."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shutil.copyfile(empty_database, folder / "a.db")
    command = (sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1")
    places = ("--backend-store-uri", f"sqlite:///{folder / 'a.db'}", "--artifacts-destination", str(folder / "files"))
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            (*command, *places), stdout=log, stderr=log, cwd=folder, env=environment, start_new_session=True
        )
    try:
        until(lambda: answers(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@pytest.fixture
def proxy(server: str) -> Iterator[Proxy]:
    made = Proxy(server)
    yield made
    made.close()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def copy_of(place: Place, folder: Path, name: str) -> Place:
    """Return a copy of `place` whose study MLflow knows by a name that no other test uses."""
    shutil.copytree(place.folder, folder / "copy")
    copied = Place(folder / "copy")
    (copied.folder / "runs" / "mlflow.db").unlink()
    (copied.folder / "runs" / "small").rename(copied.folder / "runs" / name)
    manifest = copied.folder / "runs" / name / "study.json"
    manifest.write_text(manifest.read_text().replace('"name": "small"', f'"name": "{name}"'))
    shutil.rmtree(copied.folder / "runs" / name / "mlflow")
    return copied


def publish(place: Place, name: str, uri: str) -> "subprocess.CompletedProcess[str]":
    arguments = (f"study={name}", f"tracking_uri={uri}")
    return subprocess.run(
        (sys.executable, "-m", "tracking.publish", *arguments),
        cwd=place.folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def runs_of(uri: str, name: str) -> Counter[str]:
    """Return how many runs each key has, having checked that no point of a metric is there twice."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(name)
    runs = client.search_runs([experiment.experiment_id])
    for run in runs:
        assert run.info.status == "FINISHED"
        for metric in run.data.metrics:
            steps = [point.step for point in client.get_metric_history(run.info.run_id, metric)]
            assert len(steps) == len(set(steps))
    return Counter(run.data.tags.get("key", "the study") for run in runs)


def everything_once(place: Place, name: str) -> Counter[str]:
    keys = [path.parent.name for path in (place.folder / "runs" / name).glob("trials/[!.]*/record.json")]
    assert len(keys) == 6
    return Counter(["the study", *keys])


@pytest.mark.parametrize(
    ("mode", "said"),
    [("refusing", "it refuses the user or the password (HTTP 401)"), ("full", "its disk is full (HTTP 507)")],
)
def test_a_study_goes_on_without_its_server_says_so_and_delivers_everything_once_when_it_is_back(
    mode: str, said: str, proxy: Proxy, server: str, finished: Place, tmp_path: Path
) -> None:
    place, name = make_place(tmp_path), f"small-{mode}"
    proxy.mode = "refusing" if mode == "refusing" else "full"
    done = place.run(f"tracking_uri={proxy.url}", f"study.name={name}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[6/6]" in done.stdout
    assert f"items are still owed to {proxy.url} ({said}); nothing is lost." in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    if mode == "refusing":
        assert f"MLflow: {proxy.url} cannot be used now: {said}. The study goes on" in done.stdout
        assert proxy.asked["refusing"] < 10, "a wrong password is not tried again and again"
    still = publish(place, name, proxy.url)
    assert still.returncode == 1
    assert said in still.stderr
    proxy.mode = "well"
    assert publish(place, name, proxy.url).returncode == 0
    assert runs_of(server, name) == everything_once(place, name)
    assert (place.folder / "runs" / name / "report" / "means.csv").read_bytes() == (
        finished.study / "report" / "means.csv"
    ).read_bytes()


def test_a_slow_server_costs_the_study_nothing_and_gets_everything_once(
    proxy: Proxy, server: str, finished: Place, tmp_path: Path
) -> None:
    proxy.mode, proxy.delay = "slow", 0.2
    place = copy_of(finished, tmp_path, "small-slow")
    began = time.monotonic()
    done = publish(place, "small-slow", proxy.url)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began > proxy.delay * 10
    assert runs_of(server, "small-slow") == everything_once(place, "small-slow")


def test_a_server_whose_answers_get_lost_has_everything_once_in_the_end(
    proxy: Proxy, server: str, finished: Place, tmp_path: Path
) -> None:
    proxy.mode = "deaf"
    place = copy_of(finished, tmp_path, "small-deaf")
    for _ in range(3):
        done = publish(place, "small-deaf", proxy.url)
    assert done.returncode == 1
    proxy.mode = "well"
    assert publish(place, "small-deaf", proxy.url).returncode == 0
    assert runs_of(server, "small-deaf") == everything_once(place, "small-deaf")


def test_a_server_that_comes_back_in_the_middle_of_a_study_is_said_to_have_everything(
    proxy: Proxy, server: str, tmp_path: Path
) -> None:
    proxy.mode = "full"
    place, name = make_place(tmp_path), "small-back"
    place.stand_still(1)  # Nothing is owed before the first.
    process = place.start(f"tracking_uri={proxy.url}", f"study.name={name}")
    trouble = place.folder / "runs" / name / "mlflow" / "trouble.txt"
    output = said_until(process, "cannot be used now")
    until(trouble.is_file)
    proxy.mode = "well"
    place.go_on()
    output += said_to_the_end(process)
    assert process.returncode == 0, output
    assert f"MLflow: {proxy.url} cannot be used now: its disk is full (HTTP 507)." in output
    assert output.index("cannot be used now") < output.index("[6/6]")
    assert "items are still owed" not in output
    assert not trouble.is_file()
    assert runs_of(server, name) == everything_once(place, name)


def test_a_server_that_is_not_there_is_said_within_ten_seconds_of_the_start(tmp_path: Path) -> None:
    place = make_place(tmp_path)
    began = time.monotonic()
    process = place.start(NOBODY, "executor.workers=1")
    assert process.stdout is not None
    try:
        line = next(line for line in process.stdout if "MLflow:" in line)
        assert time.monotonic() - began < 10
    finally:
        process.kill()
        process.wait()
    assert "MLflow: http://127.0.0.1:9 cannot be used now: nobody answers there. The study goes on;" in line


def test_a_wrong_password_is_tried_once_a_minute() -> None:
    from tracking import delivery_loop
    from tracking.trouble import is_refusal, plainly

    reason = plainly("API request to endpoint /api/2.0/mlflow/runs/get failed with error code 401 != 200.")
    assert is_refusal(reason)
    assert delivery_loop.LONGEST_PAUSE_SECONDS == LONGEST_PAUSE_SECONDS >= 60


def test_postgres_that_restarts_in_the_middle_of_a_study_costs_no_trial_and_doubles_none(
    postgres: Postgres, finished: Place, tmp_path: Path
) -> None:
    database = postgres.database("faults-restart")
    os.environ["OPTUNA_STORAGE"] = database
    try:
        place = make_place(tmp_path)
        place.stand_still(1)
        process = place.start()
        until(lambda: len(place.records()) >= 1)
        postgres.stop()
        place.go_on()
        timer = threading.Timer(3.0, postgres.start)
        timer.start()
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        timer.join()
        if process.returncode:  # It stopped, in the middle of a transaction: then it says how to continue.
            assert process.returncode == 1, output
            assert "Every finished trial is saved in runs/small/. To continue:\n  python -m search.run" in output
            done = place.run()
            assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in output
    finally:
        del os.environ["OPTUNA_STORAGE"]
    assert place.table() == finished.table()
    storage = open_storage(resolve(database, tmp_path))
    [name] = optuna.get_all_study_names(storage)
    complete = [
        trial.user_attrs["key"]
        for trial in optuna.load_study(study_name=name, storage=storage).trials
        if trial.state == TrialState.COMPLETE
    ]
    assert sorted(complete) == sorted(place.records())


LARGEST_FILE = 200_000
"""Bytes that a file may have, in the place of a full disk: what is predicted for 60,000 test images takes more."""


def test_a_disk_that_takes_no_record_fails_the_trial_with_that_reason_and_keeps_the_others(
    postgres: Postgres, tmp_path: Path
) -> None:
    place, given = make_place(tmp_path), ("study.training.epochs=1", NOBODY)
    with np.load(place.folder / "images.npz") as small:
        many = {"x_test": np.tile(small["x_test"], (750, 1, 1, 1)), "y_test": np.tile(small["y_test"], 750)}
        np.savez(place.folder / "images.npz", x_train=small["x_train"], y_train=small["y_train"], **many)
    assert place.run(*given, "study.replicates=2").returncode == 0
    before = place.records()
    limited = subprocess.run(
        place.command("search.run", *given, "study.replicates=3", "executor.workers=1"),
        cwd=place.folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        env={**os.environ, "OPTUNA_STORAGE": postgres.database("faults-full")},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE)),
    )
    said = limited.stdout + limited.stderr
    assert limited.returncode == 1, said
    assert "Traceback" not in said
    assert said.count("failed, its record cannot be written: [Errno 27] File too large") == 2
    assert place.records() == before
    done = place.run(*given, "study.replicates=3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 of 6 trials are recorded already; 2 to go." in done.stdout
    assert {key: place.records()[key] for key in before} == before


def test_optunas_file_on_a_full_disk_stops_the_study_with_the_way_to_continue(finished: Place, tmp_path: Path) -> None:
    place = make_place(tmp_path)
    limited = subprocess.run(
        place.command("search.run", "executor.workers=1"),
        cwd=place.folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000)),
    )
    said = limited.stdout + limited.stderr
    assert limited.returncode in (1, 2), said
    assert "Traceback" not in said
    assert "optuna.db" in said
    saved = place.records()
    done = place.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert {key: place.records()[key] for key in saved} == saved
    assert place.table() == finished.table()


def test_sigterm_starts_no_trial_finishes_those_that_run_and_ends_with_143(finished: Place, tmp_path: Path) -> None:
    place = make_place(tmp_path)
    place.stand_still(1)
    process = place.start()
    until(lambda: len(place.records()) >= 1)
    process.terminate()
    output = said_until(process, "running trials, starting no more. They have ")
    place.go_on()
    output += said_to_the_end(process)
    assert process.returncode == 143, output
    saved = len(place.records())
    assert 1 < saved < 6
    assert f"Stopped. {saved} of 6 trials are saved in runs/small/. To continue:" in output
    assert not list((place.study / "trials").glob(".*"))
    done = place.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert place.table() == finished.table()
