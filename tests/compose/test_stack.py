"""The whole service in containers: python -m pytest -m compose (needs Docker and docker-compose; some minutes)."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from compose_stack import PASSWORDS, ROOT, Stack, docker, free_port, make_stack

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


def kill(container: str) -> None:
    """End every process in a container, as lack of memory does; `docker kill` would have Docker leave it ended."""
    subprocess.run(["docker", "exec", container, "sh", "-c", "kill -9 -1"], check=False, capture_output=True)


@pytest.fixture(scope="module")
def output(stack: Stack) -> str:
    """What a study says during which a worker is killed, and MLflow and Postgres are restarted."""
    study = stack.start("python", "-m", "search.run", *STUDY, "executor=dask")
    wait_for_trials(stack, 1, study)
    kill(stack.containers("worker")[0])
    stack.compose("restart", "mlflow")
    wait_for_trials(stack, 3, study)
    stack.compose("restart", "postgres")
    assert len(trials(stack)) < TRIALS, "the study was over before Postgres was restarted"
    said, _ = study.communicate(timeout=1200)
    assert study.returncode == 0, said
    return said


def test_a_study_outlives_a_worker_mlflow_and_postgres(output: str, stack: Stack) -> None:
    assert f"{TRIALS} trials trained." in output
    assert "its Dask worker was lost" in output
    assert all(f"{arm} against original:" in output for arm in ("dropout1", "dropout2", "dropout3"))
    assert len(trials(stack)) == TRIALS
    stack.wait_until_healthy(300)
    assert sorted(one["RestartCount"] for one in stack.inspect("worker")) == [0, 1]


def test_mlflow_has_the_study_and_each_trial_once(output: str, stack: Stack) -> None:
    runs = mlflow_runs(stack)
    children = [run for run in runs if "mlflow.parentRunId" in tags(run)]
    assert len(runs) == len(children) + 1 == TRIALS + 1
    assert {run["info"]["status"] for run in runs} == {"FINISHED"}
    assert len({tags(run)["key"] for run in children}) == TRIALS
    assert "report/report.html" in artifacts(stack, "report")


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


def test_no_password_is_in_logs_records_runs_commands_or_databases(output: str, stack: Stack) -> None:
    logs = stack.compose("logs", "--no-color").stdout
    kept = stack.run("scheduler", "grep", "--recursive", "--no-filename", "--binary-files=without-match", "", "runs")
    commands = "".join(docker("top", name, "-eo", "pid,args") for name in stack.containers())
    databases = "".join(stack.run("postgres", "pg_dump", "-U", "postgres", name) for name in ("mlflow", "optuna"))
    assert "search.schedule" in commands
    assert "dropout_ablation" in kept
    assert "dropout_ablation" in databases
    said = output + logs + kept + commands + databases + json.dumps(mlflow_runs(stack))
    for secret in PASSWORDS.values():
        assert secret not in said
        assert quote(secret, safe="") not in said


def test_nothing_runs_as_root_or_can_write_into_its_image(stack: Stack) -> None:
    for one in stack.inspect():
        users = docker("top", one["Id"], "-eo", "uid,pid").split()[2::2]
        assert users
        assert "0" not in users, one["Name"]
        written = subprocess.run(
            ["docker", "exec", one["Id"], "touch", "/etc/x", "/app/x"], check=False, capture_output=True
        )
        assert written.returncode != 0, one["Name"]
        assert one["HostConfig"]["Memory"] > 0
        for bound in (one["HostConfig"]["PortBindings"] or {}).values():
            assert [place["HostIp"] for place in bound] == ["127.0.0.1"]


def test_a_worker_reaches_dask_and_neither_databases_nor_pages(stack: Stack) -> None:
    assert reached(stack, "dask-scheduler", 8786)
    assert not reached(stack, "postgres", 5432)
    assert not reached(stack, "mlflow", 5000)
    assert not reached(stack, "dashboard", 8080)


def test_a_backup_restores_what_was_there_where_there_is_nothing_left(
    output: str, stack: Stack, tmp_path: Path
) -> None:
    before, kept = sorted(run["info"]["run_id"] for run in mlflow_runs(stack)), sorted(trials(stack))
    report = artifacts(stack, "report")
    take, restore = documented("Backup and restore")
    say(stack, take, tmp_path)
    stack.compose("down", "--volumes")
    say(stack, restore, tmp_path)
    stack.wait_until_healthy(300)
    assert sorted(run["info"]["run_id"] for run in mlflow_runs(stack)) == before
    assert len(stack.get("OPTUNA_PORT", "/api/studies")["study_summaries"]) == 1
    assert (sorted(trials(stack)), artifacts(stack, "report")) == (kept, report)
    said, _ = stack.start("python", "-m", "search.run", *STUDY, "executor=dask").communicate(timeout=600)
    assert f"All {TRIALS} trials are recorded already" in said
    assert sorted(run["info"]["run_id"] for run in mlflow_runs(stack)) == before


def test_mlflow_with_passwords_answers_nobody_else(stack: Stack) -> None:
    password = "adm1n's-long+pass"
    profile = {
        "MLFLOW_AUTH": "on",
        "MLFLOW_AUTH_ADMIN_PASSWORD": password,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "a-key-of-its-own",
        "MLFLOW_TRACKING_USERNAME": "admin",
        "MLFLOW_TRACKING_PASSWORD": password,
    }
    guarded = Stack(f"{stack.project}guarded", {**stack.environment, **profile, "MLFLOW_PORT": str(free_port())})
    address = f"http://localhost:{guarded.environment['MLFLOW_PORT']}"
    try:
        guarded.compose("up", "--detach", "--no-build", "mlflow")
        guarded.wait_until_healthy(300)
        for path in ("/", "/api/2.0/mlflow/experiments/search?max_results=1", "/api/2.0/mlflow-artifacts/artifacts"):
            assert answered(address + path) == 401
            assert answered(address + path, "admin", "password1234") == 401, "MLflow's own first password"
            assert answered(address + path, "admin", password) == 200
        assert password not in guarded.compose("logs", "--no-color").stdout
    finally:
        guarded.compose("down", "--volumes", "--timeout", "5", check=False)


@pytest.mark.parametrize("missing", PASSWORDS)
def test_compose_refuses_an_empty_password(missing: str, tmp_path: Path) -> None:
    given = {name: "" if name == missing else "a" for name in PASSWORDS}
    (tmp_path / "env").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)  # Not beside a .env that somebody filled in.
    command = ["docker-compose", "--env-file", "env", "config", "--quiet"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "must be set in .env" in done.stderr


def reached(stack: Stack, service: str, port: int) -> bool:
    """Return whether a worker can open a connection to any of the addresses of a service."""
    [container] = stack.inspect(service)
    addresses = [network["IPAddress"] for network in container["NetworkSettings"]["Networks"].values()]
    attempts = [f"import socket; socket.create_connection(({address!r}, {port}), 2)" for address in addresses]
    done = [stack.compose("exec", "-T", "worker", "python", "-c", attempt, check=False) for attempt in attempts]
    return any(one.returncode == 0 for one in done)


def documented(title: str) -> list[str]:
    """Return the blocks of commands of one chapter of docs/operations.md."""
    text = (ROOT / "docs" / "operations.md").read_text()
    chapter = text.split(f"\n## {title}\n")[1].split("\n## ")[0]
    return re.findall(r"^```\n(.*?)^```$", chapter, re.MULTILINE | re.DOTALL)


def say(stack: Stack, commands: str, folder: Path) -> None:
    """Run `commands` as they are written, in `folder`."""
    ours = f"docker-compose --project-directory {ROOT} -f {ROOT}/docker-compose.yml --project-name {stack.project}"
    script = commands.replace("docker compose", ours)
    done = subprocess.run(
        ["sh", "-ec", script], cwd=folder, env=stack.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def answered(url: str, user: str = "", password: str = "") -> int:
    """Return the status with which `url` is answered."""
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"]
    if user:
        command += ["--user", f"{user}:{password}"]
    return int(subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout)


def artifacts(stack: Stack, path: str) -> list[str]:
    """Return the files in a folder of the study's artifacts."""
    [parent] = [run for run in mlflow_runs(stack) if "mlflow.parentRunId" not in tags(run)]
    place = f"/api/2.0/mlflow/artifacts/list?run_id={parent['info']['run_id']}&path={path}"
    return sorted(file["path"] for file in stack.get("MLFLOW_PORT", place)["files"])


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
