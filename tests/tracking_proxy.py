"""A proxy in front of a tracking server, that makes it slow, broken, full or forgetful of its answers."""

import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Mode = Literal["well", "slow", "refusing", "full", "deaf"]


@dataclass
class Proxy:
    """Passes requests on to `target`; how is decided by `mode`.

    slow: each answer comes `delay` seconds late. refusing: 401. full: reading works, and writing is a 507. deaf: what
    writes is done, but every second answer is lost.
    """

    target: str
    mode: Mode = "well"
    delay: float = 0.0
    asked: "Counter[Mode]" = field(default_factory=Counter)
    """Requests so far, by the mode in which they came."""

    def __post_init__(self) -> None:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def _pass(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                mode = proxy.mode
                proxy.asked[mode] += 1
                if mode == "refusing":
                    self._answer(401, b"You are not authenticated.")
                    return
                writes = self.command in ("PUT", "PATCH", "DELETE") or (
                    self.command == "POST" and not self.path.split("?")[0].endswith("/search")
                )
                if mode == "full" and writes:
                    self._answer(507, b"Insufficient Storage")
                    return
                if mode == "slow":
                    time.sleep(proxy.delay)
                status, answer = proxy.forward(self.command, self.path, body, self.headers.get("Content-Type"))
                if mode == "deaf" and writes and proxy.asked[mode] % 2:
                    self.connection.close()
                    return
                self._answer(status, answer)

            def _answer(self, status: int, answer: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815 (names of the standard library)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def forward(self, command: str, path: str, body: bytes, kind: str | None) -> tuple[int, bytes]:
        headers = {"Content-Type": kind} if kind else {}
        request = urllib.request.Request(self.target + path, body or None, headers, method=command)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def close(self) -> None:
        self._server.shutdown()
