"""The whole service in containers: python -m pytest -m compose (needs Docker and docker-compose; about ten minutes)."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from compose_stack import PASSWORDS, ROOT, Stack, docker, make_stack

pytestmark = pytest.mark.compose

STUDY = ("study=dropout_ablation", "study.replicates=2", "study.training.epochs=4")
TRIALS = 8


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The service, started and well, with two workers; gone afterwards, with its volumes."""
    made = make_stack()
    try:
        began = time.monotonic()
        made.compose("up", "--detach", "--no-build", "--scale", "worker=2")
        made.wait_until_healthy(300)
        print(f"\nFrom `up` to every service being well: {time.monotonic() - began:.0f} s")
        yield made
    finally:
        made.compose("down", "--volumes", "--timeout", "5", check=False)


def trials(stack: Stack) -> list[str]:
    return stack.run("scheduler", "sh", "-c", "ls -d runs/dropout_ablation/trials/*/ 2>/dev/null || true").split()


def wait_for_trials(stack: Stack, count: int, study: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + 600
    while len(trials(stack)) < count:
        assert study.poll() is None, study.stdout.read() if study.stdout else ""
        assert time.monotonic() < end, "the study does not get on"
        time.sleep(0.5)


@pytest.fixture(scope="module")
def output(stack: Stack) -> str:
    """What a study says during which a worker is killed, and MLflow and Postgres are restarted."""
    study = stack.start("python", "-m", "search.run", *STUDY, "executor=dask")
    wait_for_trials(stack, 1, study)
    docker("kill", stack.containers("worker")[0])
    stack.compose("restart", "mlflow")
    wait_for_trials(stack, 3, study)
    stack.compose("restart", "postgres")
    said, _ = study.communicate(timeout=1200)
    assert study.returncode == 0, said
    return said


def test_a_study_outlives_a_worker_mlflow_and_postgres(output: str, stack: Stack) -> None:
    assert f"{TRIALS} trials trained." in output
    assert all(f"{arm} against original:" in output for arm in ("dropout1", "dropout2", "dropout3"))
    assert len(trials(stack)) == TRIALS
    assert stack.wait_until_healthy(300) < 300


def test_mlflow_has_the_study_and_each_trial_once(output: str, stack: Stack) -> None:
    runs = mlflow_runs(stack)
    children = [run for run in runs if "mlflow.parentRunId" in tags(run)]
    assert len(runs) == len(children) + 1 == TRIALS + 1
    assert {run["info"]["status"] for run in runs} == {"FINISHED"}
    assert len({tags(run)["key"] for run in children}) == TRIALS
    [parent] = [run for run in runs if run not in children]
    listed = stack.get("MLFLOW_PORT", f"/api/2.0/mlflow/artifacts/list?run_id={parent['info']['run_id']}")
    assert "report" in {file["path"] for file in listed["files"]}


def test_optuna_and_dask_have_their_pages(output: str, stack: Stack) -> None:
    [study] = stack.get("OPTUNA_PORT", "/api/studies")["study_summaries"]
    assert study["study_name"].startswith("dropout_ablation-")
    detail = stack.get("OPTUNA_PORT", f"/api/studies/{study['study_id']}?after=0")
    told = [trial for trial in detail["trials"] if trial["state"] == "Complete"]
    assert len(told) == TRIALS
    assert len(stack.get("DASK_PORT", "/json/counts.json")) > 0
    page = subprocess.run(
        ["curl", "-sf", f"http://localhost:{stack.environment['DASK_PORT']}/status"], check=True, capture_output=True
    )
    assert b"Dask" in page.stdout


def test_no_password_is_in_logs_records_or_runs(output: str, stack: Stack) -> None:
    logs = "".join(docker("logs", name) for name in stack.containers()) + stack.compose("logs", "--no-color").stdout
    kept = stack.run("scheduler", "sh", "-c", "find runs -name '*.json' -o -name '*.log' -o -name '*.html' | xargs cat")
    said = output + logs + kept + json.dumps(mlflow_runs(stack))
    for secret in PASSWORDS.values():
        assert secret not in said
        assert quote(secret, safe="") not in said


def test_nothing_runs_as_root_or_can_write_into_its_image(stack: Stack) -> None:
    for one in stack.inspect():
        assert docker("exec", one["Id"], "id", "-u").strip() != "0", one["Name"]
        written = subprocess.run(
            ["docker", "exec", one["Id"], "touch", "/etc/x", "/app/x"], check=False, capture_output=True
        )
        assert written.returncode != 0, one["Name"]
        assert one["HostConfig"]["Memory"] > 0
        for bound in (one["HostConfig"]["PortBindings"] or {}).values():
            assert [place["HostIp"] for place in bound] == ["127.0.0.1"]


def test_a_worker_cannot_reach_the_databases(stack: Stack) -> None:
    attempt = "import socket; socket.create_connection(('postgres', 5432), 3)"
    done = stack.compose("exec", "-T", "worker", "python", "-c", attempt, check=False)
    assert done.returncode != 0


def test_a_backup_of_the_databases_restores_what_was_there(output: str, stack: Stack) -> None:
    before = sorted(run["info"]["run_id"] for run in mlflow_runs(stack))
    saved = {
        name: stack.run("postgres", "sh", "-c", f"pg_dump -U postgres --format=custom {name} | base64")
        for name in ("mlflow", "optuna")
    }
    stack.compose("stop", "mlflow", "dashboard")
    for name, dump in saved.items():
        command = f"base64 -d | pg_restore -U postgres --clean --if-exists --dbname={name}"
        stack.run("postgres", "psql", "-U", "postgres", "-d", name, "-qc", f"DROP OWNED BY {name}; CREATE SCHEMA lost")
        docker_input(stack.containers("postgres")[0], command, dump)
    stack.compose("start", "mlflow", "dashboard")
    stack.wait_until_healthy(300)
    assert sorted(run["info"]["run_id"] for run in mlflow_runs(stack)) == before
    assert len(stack.get("OPTUNA_PORT", "/api/studies")["study_summaries"]) == 1


@pytest.mark.parametrize("missing", PASSWORDS)
def test_compose_refuses_an_empty_password(missing: str, tmp_path: Path) -> None:
    given = {name: "" if name == missing else "a" for name in PASSWORDS}
    (tmp_path / "env").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)  # Not beside a .env that somebody filled in.
    command = ["docker-compose", "--env-file", "env", "config", "--quiet"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "must be set in .env" in done.stderr


def docker_input(container: str, command: str, text: str) -> None:
    subprocess.run(["docker", "exec", "-i", container, "sh", "-c", command], input=text, text=True, check=True)


def mlflow_runs(stack: Stack) -> list[dict[str, Any]]:
    import urllib.request

    base = f"http://127.0.0.1:{stack.environment['MLFLOW_PORT']}/api/2.0/mlflow"
    name = "dropout_ablation"
    with urllib.request.urlopen(f"{base}/experiments/get-by-name?experiment_name={name}", timeout=20) as answer:
        experiment = json.load(answer)["experiment"]["experiment_id"]
    body = json.dumps({"experiment_ids": [experiment], "max_results": 100}).encode()
    request = urllib.request.Request(f"{base}/runs/search", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: list[dict[str, Any]] = json.load(answer)["runs"]
    return found


def tags(run: dict[str, Any]) -> dict[str, str]:
    return {pair["key"]: pair["value"] for pair in run["data"]["tags"]}
