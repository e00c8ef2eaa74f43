"""A browser, a study that has really run, and MLflow's server with it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from browser_windows import Windows
from playwright.sync_api import Browser, Playwright, sync_playwright
from small_study import PATIENCE_SECONDS, Place

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Of the system; without one, Playwright's own is taken."""
NO_BROWSER = "NO BROWSER: what people see was not tested. apt-get install chromium, or playwright install chromium."


def browser_of(playwright: Playwright) -> str | None:
    """Return the path of a browser, or None."""
    found = next(filter(None, map(shutil.which, BROWSERS)), playwright.chromium.executable_path)
    return found if Path(found).exists() else None


@pytest.fixture(scope="session")
def browser_path() -> str:
    with sync_playwright() as playwright:
        path = browser_of(playwright)
    if path is None:
        warnings.warn(NO_BROWSER, stacklevel=1)
        pytest.skip(NO_BROWSER)
    return path


@pytest.fixture(scope="module")
def browser(browser_path: str) -> Iterator[Browser]:
    """Return a browser, no longer than these tests need it: others may run an event loop of their own."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=browser_path)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def place(browser_path: str, finished: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return a place in which the small study has run, for a server of its own; without a browser there is none."""
    return Place(Path(shutil.copytree(finished.folder, tmp_path_factory.mktemp("browser") / "copy")))


@pytest.fixture(scope="session")
def server(place: Place) -> Iterator[str]:
    """Return the address of MLflow's server over the study's database."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = (
        *(sys.executable, "-m", "mlflow", "server", "--backend-store-uri", "sqlite:///runs/mlflow.db"),
        *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
    )
    log = (place.folder / "server.log").open("wb")
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    process = subprocess.Popen(
        command, cwd=place.folder, env=environment, stdout=log, stderr=log, start_new_session=True
    )
    try:
        yield _answering(f"http://127.0.0.1:{port}", process, place.folder / "server.log")
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # The server and the workers that it started.
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        log.close()


def _answering(address: str, process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return address
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)


@pytest.fixture
def windows(browser: Browser) -> Iterator[Windows]:
    """Return what opens pages; a test fails if the browser complained of anything that is ours."""
    opened = Windows(browser)
    try:
        yield opened
    finally:
        opened.close()
    assert opened.complaints == []
