"""Windows of a browser that keep what it complains of."""

import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect
from small_study import PATIENCE_SECONDS

expect.set_options(timeout=1000 * PATIENCE_SECONDS)


@dataclass(frozen=True)
class Noise:
    """A complaint of MLflow's own pages."""

    pattern: re.Pattern[str]
    reason: str


MLFLOW = (
    Noise(
        re.compile(r"status of 404 .*/ajax-api/2\.0/mlflow/users/current\)$"),
        "asks who is logged in, which a server without accounts does not know",
    ),
    Noise(
        re.compile(r"ResizeObserver loop completed with undelivered notifications\."),
        "the browser's note that a layout took another round, from MLflow's charts",
    ),
)


class Windows:
    """Opens pages, and keeps what the browser complains of in them."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._open = ExitStack()
        self.complaints: list[str] = []

    def open(self, width: int = 1280, scripts: Sequence[str] = (), **options: object) -> Page:
        """Return an empty page of a new window.

        Args:
            width: in pixels.
            scripts: run before those of each page.
            options: those of a browser's context.
        """
        context: BrowserContext = self._browser.new_context(viewport={"width": width, "height": 900}, **options)
        self._open.callback(context.close)
        context.set_default_timeout(1000 * PATIENCE_SECONDS)
        for script in scripts:
            context.add_init_script(script)
        context.on("console", self._listen)
        context.on("weberror", lambda found: self._complain(str(found.error)))
        context.on("request", lambda request: self._complain_of_request(request.url))
        return context.new_page()

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._complain(f"{message.text} ({message.location.get('url', '')})")

    def _complain_of_request(self, url: str) -> None:
        if not url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:")):
            self._complain(f"asks for {url}")

    def _complain(self, text: str) -> None:
        if not any(one.pattern.search(text) for one in MLFLOW):
            self.complaints.append(text)

    def close(self) -> None:
        self._open.close()
