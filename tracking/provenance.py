"""What a trial ran on."""

import os
import platform
import re
import shutil
import socket
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tracking.record import Environment

PACKAGES = ("tensorflow", "keras", "keras-tuner", "optuna", "mlflow", "numpy")


def environment() -> Environment:
    """Return what this process runs on: versions, hardware, host, and the commit of the working directory."""
    return Environment(
        python=platform.python_version(),
        packages=_versions(),
        hardware=hardware(),
        host=socket.gethostname(),
        git_commit=git_commit(Path.cwd()),
    )


def hardware() -> str:
    """Return the processor, the cores that this process may use, and the GPUs if there are any, in words."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    words = [_processor(), f"{cores} core{'s' if cores > 1 else ''}"]
    return ", ".join(words + _gpus())


def git_commit(folder: Path) -> str:
    """Return the commit in `folder`, with `-dirty` if tracked files differ; empty without a repository."""
    # One call for both facts: `--exclude *` leaves no tag to describe by, so the full hash is printed.
    command = (
        "git",
        "--no-optional-locks",
        "describe",
        "--always",
        "--abbrev=40",
        "--exclude",
        "*",
        "--dirty",
    )
    return _output(command, folder, timeout_seconds=5.0)


def _versions() -> dict[str, str]:
    """Return the versions of `PACKAGES` by metadata: importing TensorFlow for it would take seconds."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, models), "") or platform.processor() or platform.machine() or "unknown processor"


def _gpus() -> list[str]:
    """Return the GPUs as `2 x NAME`; the driver's files are asked first, nvidia-smi may take a second."""
    if not shutil.which("nvidia-smi"):
        return []
    pattern = "driver/nvidia/gpus/*/information"
    texts = [path.read_text(errors="replace") for path in Path("/proc").glob(pattern) if path.is_file()]
    names = re.findall(r"^Model:\s*(.+?)\s*$", "\n".join(texts), re.MULTILINE)
    if not names:
        query = ("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
        names = _output(query, None, timeout_seconds=10.0).splitlines()
    return [f"{names.count(name)} x {name}" for name in dict.fromkeys(names)]


def _output(command: tuple[str, ...], folder: Path | None, timeout_seconds: float) -> str:
    """Return what `command` prints, stripped; empty when it is missing, fails or takes too long."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout_seconds, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
