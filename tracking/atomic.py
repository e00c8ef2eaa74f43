"""Files that are either whole or absent, whatever kills the process or the machine."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_bytes(path: Path, content: bytes) -> None:
    """Put `content` at `path`; a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def write_text(path: Path, content: str) -> None:
    """Put `content`, as UTF-8, at `path` (see `write_bytes`)."""
    write_bytes(path, content.encode())


def rename(old: Path, new: Path) -> None:
    """Put the file `old`, which is on the disk already, in the place of `new`."""
    old.replace(new)
    _sync_folder(new.parent)


def write_folder(path: Path, fill: Callable[[Path], None]) -> None:
    """Make the folder `path` with what `fill` writes into it; the folder appears only when it is complete.

    Raises:
        FileExistsError: there is already something at `path`.
    """
    if path.exists():
        raise FileExistsError(f"{path} exists; a finished folder is never replaced")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        fill(draft)
        for file in draft.iterdir():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
        draft.chmod(0o755)
        _sync_folder(draft)  # Else, after a power cut, the folder could be there without the names in it.
        draft.rename(path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
