"""The downloader against real servers on this machine, some of which misbehave."""

import io
import re
import socket
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from search.data.download import DownloadError, download_zip
from studies.errors import InputError


def a_zip(seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("noise", np.random.default_rng(seed).bytes(600_000))
    return buffer.getvalue()


CONTENT = a_zip()


@dataclass
class Server:
    """What the server serves, how it misbehaves, and the Range headers that it received."""

    content: bytes = CONTENT
    status: int = 200
    is_range_ignored: bool = False
    breaks_after: list[int] = field(default_factory=list)
    """Bytes after which the first answers end, one for each."""
    is_length_told: bool = True
    wrong_start: int = 0
    ranges: list[str | None] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(server: Server) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            server.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and not server.is_range_ignored else 0
            if server.status != 200:
                self.send_error(server.status)
                return
            if start >= len(server.content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(server.content)}")
                self.end_headers()
                return
            body = server.content[start:]
            self.send_response(206 if start else 200)
            if start:
                last = len(server.content) - 1
                self.send_header("Content-Range", f"bytes {start + server.wrong_start}-{last}/{last + 1}")
            if server.is_length_told:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: server.breaks_after.pop(0)] if server.breaks_after else body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/signs.zip"
        finally:
            http.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "data" / "signs.zip"


def left_by_an_interrupted_run(target: Path, content: bytes) -> Path:
    target.parent.mkdir()
    part = target.with_name("signs.zip.part")
    part.write_bytes(content)
    return part


def test_a_file_arrives_whole_with_lines_about_its_progress(target: Path) -> None:
    lines: list[str] = []
    with serving(Server()) as url:
        download_zip(url, target, lines.append)
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["signs.zip"]
    assert lines[0] == "Downloading signs.zip (0.6 MB)" and lines[-1] == "Downloading signs.zip: 100%"


def test_an_interrupted_download_continues_where_it_stopped(target: Path) -> None:
    left_by_an_interrupted_run(target, CONTENT[:250_000])
    server, lines = Server(), list[str]()
    with serving(server) as url:
        download_zip(url, target, lines.append)
    assert target.read_bytes() == CONTENT
    assert server.ranges == ["bytes=250000-"]
    assert "continuing at 42%" in lines[0]


def test_a_connection_that_breaks_off_is_continued_at_once(target: Path) -> None:
    server = Server(breaks_after=[300_000, 100_000])
    with serving(server) as url:
        download_zip(url, target, list[str]().append)
    assert target.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-", "bytes=400000-"]


def test_a_connection_that_keeps_breaking_off_is_given_up_and_continued_by_the_next_run(target: Path) -> None:
    server = Server(breaks_after=[100_000] * 4)
    with serving(server) as url:
        with pytest.raises(DownloadError, match="the next run continues after 400,000 bytes"):
            download_zip(url, target, list[str]().append)
        assert not target.exists()
        download_zip(url, target, list[str]().append)
    assert target.read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=400000-"


def test_a_server_that_ignores_range_sends_it_all_again(target: Path) -> None:
    left_by_an_interrupted_run(target, b"x" * 250_000)
    with serving(Server(is_range_ignored=True)) as url:
        download_zip(url, target, list[str]().append)
    assert target.read_bytes() == CONTENT


def test_a_part_that_is_complete_needs_no_byte_more(target: Path) -> None:
    left_by_an_interrupted_run(target, CONTENT)
    with serving(Server()) as url:
        download_zip(url, target, list[str]().append)
    assert target.read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_thrown_away(target: Path) -> None:
    left_by_an_interrupted_run(target, CONTENT + b"more")
    with serving(Server()) as url:
        download_zip(url, target, list[str]().append)
    assert target.read_bytes() == CONTENT


def test_another_part_than_asked_for_is_not_appended(target: Path) -> None:
    left_by_an_interrupted_run(target, CONTENT[:250_000])
    with serving(Server(wrong_start=7)) as url:
        download_zip(url, target, list[str]().append)
    assert target.read_bytes() == CONTENT


def test_a_part_of_another_file_is_noticed_by_the_checksums_and_thrown_away(target: Path) -> None:
    part = left_by_an_interrupted_run(target, a_zip(seed=1)[:250_000])
    with serving(Server()) as url:
        with pytest.raises(DownloadError, match="not a whole zip file"):
            download_zip(url, target, list[str]().append)
        assert not part.exists() and not target.exists()
        download_zip(url, target, list[str]().append)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("is_length_told", [True, False])
def test_fewer_bytes_than_the_file_has_are_refused(target: Path, is_length_told: bool) -> None:
    server = Server(breaks_after=[100_000] * 9, is_range_ignored=True, is_length_told=is_length_told)
    with serving(server) as url, pytest.raises(DownloadError, match=r"100,000 of 600|not a whole zip"):
        download_zip(url, target, list[str]().append)
    assert not target.exists()


def test_a_page_instead_of_a_zip_file_is_refused(target: Path) -> None:
    with (
        serving(Server(content=b"<html>Please log in</html>")) as url,
        pytest.raises(DownloadError, match="not a whole zip file"),
    ):
        download_zip(url, target, list[str]().append)
    assert list(target.parent.iterdir()) == []


def test_a_file_that_the_server_lacks_is_reported_and_nothing_created(target: Path) -> None:
    with (
        serving(Server(status=404)) as url,
        pytest.raises(DownloadError, match="the server answered 404 Not Found"),
    ):
        download_zip(url, target, list[str]().append)
    assert not target.parent.exists()


def test_a_refused_connection_is_reported_and_nothing_created(target: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port meanwhile
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/signs.zip"
        with pytest.raises(DownloadError, match=re.compile("connection refused", re.IGNORECASE)):
            download_zip(url, target, list[str]().append)
    assert not target.parent.exists()


def test_a_server_that_says_nothing_is_given_up(target: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/signs.zip"
        with pytest.raises(DownloadError, match="timed out"):
            download_zip(url, target, list[str]().append, timeout=0.2)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with serving(Server()) as url, pytest.raises(InputError, match="must be a folder that can be written"):
        download_zip(url, tmp_path / "data" / "signs.zip", list[str]().append)


def test_a_second_process_does_not_write_into_the_same_part(target: Path) -> None:
    import fcntl

    part = left_by_an_interrupted_run(target, CONTENT[:1000])
    with part.open("ab") as held, serving(Server()) as url:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(InputError, match=r"Another process is downloading signs\.zip"):
            download_zip(url, target, list[str]().append)
    assert part.read_bytes() == CONTENT[:1000]
