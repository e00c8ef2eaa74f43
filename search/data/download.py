"""Downloading a zip file so that an interruption costs only what was still to come."""

import fcntl
import http.client
import os
import urllib.request
import zipfile
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError, URLError

from search.data.progress import Notify, progress, say
from studies.errors import InputError

_CHUNK = 1 << 18
_TRANSFERS = 4


class DownloadError(Exception):
    """The file did not arrive; the message says why."""


class _InterruptedTransferError(Exception):
    """The connection failed or ended early; what arrived is in the part file."""


def download_zip(url: str, target: Path, notify: Notify = say, *, timeout: float = 30.0) -> None:
    """Download the zip file at `url` to `target`, through `target`.part, which a later call continues.

    A transfer that breaks off is continued at once, a few times, as long as each brings something. Nothing is
    created before the server answers.

    Args:
        url: address of the file.
        target: where it goes, once it has the size that the server announced and all its checksums are right.
        notify: takes lines about the progress, when there is no terminal.
        timeout: seconds without a byte after which the connection counts as broken.

    Raises:
        DownloadError: the server cannot be reached, does not have the file, or did not deliver all of it.
        InputError: the folder cannot be written, or another process is downloading the same file.
    """
    part = target.with_name(target.name + ".part")
    for transfer in range(1, _TRANSFERS + 1):
        before = _size(part)
        try:
            _transfer(url, part, notify, timeout)
            break
        except _InterruptedTransferError as error:
            if transfer == _TRANSFERS or _size(part) == before:
                kept = f"; the next run continues after {_size(part):,} bytes" if _size(part) else ""
                raise DownloadError(f"{error}{kept}") from None
    _check_zip(part)
    part.replace(target)


def _transfer(url: str, part: Path, notify: Notify, timeout: float) -> None:
    """Append to `part` what it lacks; return when it is complete."""
    start = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            if response.status != HTTPStatus.PARTIAL_CONTENT:
                start = 0  # The server ignores Range and sends the whole file.
            elif not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                part.unlink(missing_ok=True)
                raise _InterruptedTransferError("the server sent another part of the file than the one asked for")
            _receive(response, part, start, notify)
    except HTTPError as error:
        _judge_status(error, part, start)
    except (URLError, OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise _InterruptedTransferError(getattr(reason, "strerror", None) or str(reason) or "no answer") from None


def _judge_status(error: HTTPError, part: Path, start: int) -> None:
    """Return if the answer means that `part` is complete already; else raise."""
    if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or not start:
        raise DownloadError(f"the server answered {error.code} {error.reason}") from None
    if error.headers.get("Content-Range", "") != f"bytes */{start}":
        part.unlink(missing_ok=True)
        raise _InterruptedTransferError("the file on the server is another one than before") from None


def _receive(response: http.client.HTTPResponse, part: Path, start: int, notify: Notify) -> None:
    length = response.headers.get("Content-Length")
    total = start + int(length) if length else None
    done = start
    with _open_part(part, start) as file:
        with progress(f"Downloading {part.stem}", total, notify, done=start, in_bytes=True) as advance:
            while chunk := response.read(_CHUNK):
                _write(file, chunk, part)
                done += len(chunk)
                advance(len(chunk))
        os.fsync(file.fileno())
    if total is not None and done != total:
        raise _InterruptedTransferError(f"the connection ended after {done:,} of {total:,} bytes")


def _open_part(part: Path, start: int) -> BinaryIO:
    """Open `part` for appending after its first `start` bytes, alone."""
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        file = part.open("ab")
    except OSError as error:
        raise InputError(f"{part.parent} must be a folder that can be written. Received: {error.strerror}.") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held the lock before may have finished, and our file may be its result.
        if not (part.exists() and os.path.samestat(os.fstat(file.fileno()), part.stat())):
            raise BlockingIOError
        file.truncate(start)
    except BlockingIOError:
        file.close()
        raise InputError(f"Another process is downloading {part.stem} to {part.parent}; wait for it.") from None
    return file


def _write(file: BinaryIO, chunk: bytes, part: Path) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        raise InputError(f"{part} cannot be written: {error.strerror}.") from None


def _check_zip(part: Path) -> None:
    try:
        with zipfile.ZipFile(part) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, OSError, ValueError):
        damaged = "all of it"
    if damaged is not None:
        part.unlink(missing_ok=True)
        raise DownloadError("what the server sent is not a whole zip file")


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0
