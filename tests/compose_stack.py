"""The service in containers, built and started as docs/operations.md says, with ports and volumes of its own."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PASSWORDS = {
    "POSTGRES_PASSWORD": "super/us@r:pa$s",
    "MLFLOW_DB_PASSWORD": "ml'fl\"0w%20pass",
    "OPTUNA_DB_PASSWORD": "0ptuna#pa ss&word",
}
"""With what a URL, a shell or SQL may not contain as it is."""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass(frozen=True)
class Stack:
    """One project of docker compose."""

    project: str
    environment: dict[str, str]

    def compose(self, *words: str, check: bool = True, seconds: float = 900) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            ["docker-compose", "--project-name", self.project, *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start a command in a new container of the coordinator."""
        return subprocess.Popen(
            ["docker-compose", "--project-name", self.project, "run", "--rm", "-T", "scheduler", *words],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, service: str, *words: str) -> str:
        """Return what a command says inside a running service."""
        return self.compose("exec", "-T", service, *words).stdout

    def containers(self, *services: str) -> list[str]:
        return self.compose("ps", "-q", *services).stdout.split()

    def inspect(self, *services: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(docker("inspect", *self.containers(*services)))
        return found

    def wait_until_healthy(self, seconds: float) -> float:
        """Return how long it took until every service that is watched was well."""
        began = time.monotonic()
        while True:
            states = {one["Name"]: one["State"].get("Health", {}).get("Status", "healthy") for one in self.inspect()}
            if set(states.values()) == {"healthy"}:
                return time.monotonic() - began
            assert time.monotonic() - began < seconds, states
            time.sleep(0.5)

    def get(self, port: str, path: str) -> Any:
        """Return what one of the pages answers, as somebody on this machine asks it."""
        with urllib.request.urlopen(f"http://localhost:{self.environment[port]}{path}", timeout=20) as answer:
            return json.load(answer)


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout


def base_image() -> str:
    """Return the base image, with the certificate by which this machine reaches a package index, if it has one."""
    base, certificate = "python:3.11-slim-bookworm", os.environ.get("PIP_CERT")
    if "PYTHON_IMAGE" in os.environ or not certificate:
        return os.environ.get("PYTHON_IMAGE", base)
    dockerfile = f"FROM {base}\nCOPY {Path(certificate).name} {certificate}\n"
    build(dockerfile, Path(certificate), "ablation-search-test-base")
    return "ablation-search-test-base"


def build(dockerfile: str, file: Path, tag: str) -> None:
    """Build an image of one file."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(file, folder)
        (Path(folder) / "Dockerfile").write_text(dockerfile)
        docker("build", "--quiet", "--tag", tag, folder)


def postgres_image(base: str) -> str:
    """Return the image to use: the one that `POSTGRES_IMAGE` names, else a stand-in."""
    if "POSTGRES_IMAGE" in os.environ:
        return os.environ["POSTGRES_IMAGE"]
    tag, folder = "ablation-search-test-postgres", ROOT / "tests" / "compose"
    file = str(folder / "postgres.Dockerfile")
    docker("build", "--quiet", "--build-arg", f"PYTHON_IMAGE={base}", "--tag", tag, "--file", file, str(folder))
    return tag


def make_stack() -> Stack:
    """Build the images, but for those that `IMAGE` and `POSTGRES_IMAGE` name; start nothing."""
    base = base_image()
    ports = {name: str(free_port()) for name in ("MLFLOW_PORT", "OPTUNA_PORT", "DASK_PORT")}
    given = {"IMAGE": "ablation-search:test", "PYTHON_IMAGE": base, "POSTGRES_IMAGE": postgres_image(base)}
    stack = Stack(f"nighttest{os.getpid()}", {**given, **os.environ, **PASSWORDS, **ports})
    if "IMAGE" not in os.environ:
        stack.compose("build", "scheduler", seconds=1800)
    return stack
