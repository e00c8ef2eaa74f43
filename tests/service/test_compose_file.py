"""What docker-compose.yml promises, read from the file; tests/compose starts it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
REQUIRED = ("POSTGRES_PASSWORD", "MLFLOW_DB_PASSWORD", "OPTUNA_DB_PASSWORD")


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
    return found


def environment_of(file: Path) -> dict[str, str]:
    lines = (line for line in file.read_text().splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def test_every_service_of_the_night_is_there() -> None:
    assert set(services()) == {
        "postgres",
        "mlflow",
        "dask-scheduler",
        "worker",
        "scheduler",
        "dashboard",
    }


@pytest.mark.parametrize("name", services())
def test_ports_are_opened_on_this_machine_only(name: str) -> None:
    for port in services()[name].get("ports", ()):
        assert port.startswith("127.0.0.1:"), port


def test_neither_the_databases_nor_the_workers_can_be_reached_from_outside() -> None:
    assert not {"postgres", "worker", "scheduler"} & {name for name, one in services().items() if "ports" in one}
    assert "8786" not in str(services()["dask-scheduler"]["ports"]), "whoever reaches it can run what he likes"
    assert yaml.safe_load(FILE.read_text())["networks"]["database"] == {"internal": True}


@pytest.mark.parametrize("name", services())
def test_no_service_runs_as_root_may_become_it_or_writes_into_its_image(name: str) -> None:
    one = services()[name]
    assert str(one["user"]).partition(":")[0] not in ("0", "root")
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in one["security_opt"]
    assert not one.get("privileged")


@pytest.mark.parametrize("name", services())
def test_every_service_has_a_memory_limit_starts_again_and_is_watched(name: str) -> None:
    one = services()[name]
    assert "mem_limit" in one
    assert one["restart"] == "unless-stopped"
    assert one["logging"]["options"]["max-size"]
    assert name == "scheduler" or "healthcheck" in one


def test_a_worker_has_no_password_and_no_database() -> None:
    worker = services()["worker"]
    assert "environment" not in worker
    assert "database" not in worker.get("networks", ())


def test_images_are_pinned() -> None:
    for name, one in services().items():
        default = re.sub(r"\$\{\w+:-(.*)\}", r"\1", one["image"])
        assert re.search(r":\d+\.\d+", default), f"{name}: {one['image']}"
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.\d+-\w+-\w+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


def test_passwords_are_required_and_have_no_default() -> None:
    text = FILE.read_text()
    for name in REQUIRED:
        assert f"${{{name}:?" in text
    assert not re.search(r"\$\{\w*(PASSWORD|SECRET)\w*:?-", text)
    assert not re.search(r"://\w+:[^@\s]+@", text), "an address with a password"


def test_the_example_leaves_every_password_empty() -> None:
    given = environment_of(ROOT / ".env.example")
    assert given == dict.fromkeys(REQUIRED, "")
    secrets = re.findall(r"^#?(\w*(?:PASSWORD|SECRET)\w*)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert all(value == "" for _, value in secrets)


def test_the_image_has_no_address_of_a_package_index_and_no_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "://" not in text
    assert re.findall(r"^ARG (\w+)=", text, re.MULTILINE) == ["PYTHON_IMAGE"]
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]


def test_what_the_image_does_not_need_stays_out_of_it() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    assert not {"!.env", "!runs", "!.git"} & set(lines)


def test_mlflow_is_asked_by_the_names_that_clients_use() -> None:
    mlflow = services()["mlflow"]
    [command] = [word for word in mlflow["healthcheck"]["test"] if word.startswith("http")]
    assert command.startswith("http://mlflow:5000/api/"), "/health says 200 to any name"
    allowed = mlflow["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"]
    assert all(name in allowed for name in ("mlflow:*", "localhost:*", "127.0.0.1:*"))
    assert services()["scheduler"]["environment"]["MLFLOW_TRACKING_URI"] == "http://mlflow:5000"
