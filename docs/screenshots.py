"""Take the README's pictures of a study that has run: `python docs/screenshots.py [study=NAME] [runs_dir=DIR]`.

Needs the `test` extra, for Playwright, and a Chromium: the system's, or that of `playwright install chromium`.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient
from playwright.sync_api import Browser, Page, sync_playwright

PICTURES = Path(__file__).parent / "images"
SCALE = 1.5
"""Pixels of a picture per pixel of a page: sharp on most screens, and small."""
START_SECONDS = 120.0
NO_PANEL = """
if (location.protocol === "http:") {
  localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
  localStorage.setItem("mlflow.workflowType_v1", JSON.stringify("machine_learning"));
}
"""


@contextmanager
def mlflow_server(database: Path) -> Iterator[str]:
    """Yield the address of MLflow's server over `database`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = (sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{database}")
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    process = subprocess.Popen(
        (*command, "--port", str(port), "--workers", "1"),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(f"{address}/health"):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("MLflow's server did not start.")
            time.sleep(0.3)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def shoot(page: Page, name: str, height: int) -> None:
    """Save the top `height` pixels of what the window shows, in a palette, which such pictures survive unharmed."""
    from PIL import Image

    path = PICTURES / name
    width = page.viewport_size["width"] if page.viewport_size else 0
    page.screenshot(path=path, clip={"x": 0, "y": 0, "width": width, "height": height})
    Image.open(path).convert("RGB").quantize(192, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.relative_to(PICTURES.parent.parent)}: {path.stat().st_size / 1000:.0f} kB")


def report_picture(browser: Browser, report: Path) -> None:
    """Take the answer of a report and its forest plot, which stand apart on the page."""
    page = browser.new_page(viewport={"width": 1040, "height": 1400}, device_scale_factor=SCALE)
    page.goto(report.resolve().as_uri())
    # What stands between them, the README has as text.
    page.evaluate("for (const part of document.querySelectorAll('#means, nav, .facts')) part.remove();")
    end = page.locator("#comparisons figure").bounding_box()
    assert end is not None
    shoot(page, "report.png", round(end["y"] + end["height"]) + 16)


def mlflow_picture(browser: Browser, address: str, database: Path, study: str) -> None:
    """Take MLflow's charts of the trials beside the list of them."""
    experiment = MlflowClient(f"sqlite:///{database}").get_experiment_by_name(study)
    if experiment is None:
        sys.exit(f"MLflow has no experiment {study!r}.")
    page = browser.new_page(viewport={"width": 1320, "height": 820}, device_scale_factor=SCALE)
    page.add_init_script(NO_PANEL)
    page.set_default_timeout(1000 * START_SECONDS)
    page.goto(
        f"{address}/#/experiments/{experiment.experiment_id}/runs?workflowType=machine_learning&compareRunsMode=CHART"
    )
    page.locator(".ag-row").get_by_role("link", name=study, exact=True).wait_for()
    page.locator(".ag-row button").first.click()
    page.locator(".ag-row").nth(4).wait_for()
    page.locator(".scatterlayer path.js-line").first.wait_for()
    page.wait_for_timeout(5000)
    shoot(page, "mlflow.png", 820)


def main() -> None:
    """Take both pictures."""
    given = dict(text.split("=", 1) for text in sys.argv[1:])
    study, runs_dir = given.get("study", "dropout_ablation"), Path(given.get("runs_dir", "runs"))
    database = (runs_dir / "mlflow.db").resolve()
    PICTURES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium") or shutil.which("google-chrome"))
        report_picture(browser, runs_dir / study / "report" / "report.html")
        with mlflow_server(database) as address:
            mlflow_picture(browser, address, database, study)
        browser.close()


if __name__ == "__main__":
    main()
