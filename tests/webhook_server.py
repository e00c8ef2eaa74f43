"""A server on this machine that takes what is posted to it, after some answers that a test chooses."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Webhook:
    """What came in."""

    address: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    """Those that were taken."""
    attempts: int = 0


@contextmanager
def webhook(answers: Sequence[int] = ()) -> Iterator[Webhook]:
    """Run the server; it gives `answers` first, and takes everything after them."""
    waiting = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            code = waiting.pop(0) if waiting else 200
            found.attempts += 1
            if code == 200:
                found.messages.append(json.loads(body))
            self.send_response(code)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Webhook(f"http://127.0.0.1:{server.server_port}/hooks/s3cret")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
