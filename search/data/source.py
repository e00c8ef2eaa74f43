"""Where a dataset's arrays come from, and a stamp that changes when they may have changed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from search.data import digits, gtsrb
from search.data.check import check_images
from search.data.images import Images
from search.data.npz import read_arrays
from search.data.progress import Notify
from studies.errors import InputError, nearest
from studies.spec import DatasetSpec


@dataclass(frozen=True)
class Source:
    """A dataset that is there to be read."""

    place: str
    """What is read, for the index of prepared data."""
    stamp: str
    """Another stamp: read it again."""
    read: Callable[[], Images]
    """Return the images. It takes seconds, and raises InputError if they cannot be used."""


def find_source(spec: DatasetSpec, notify: Notify, address: str = gtsrb.ARCHIVE_ADDRESS) -> Source:
    """Return the source that `spec` names; traffic signs that are not there yet are downloaded.

    Raises:
        InputError: there is no such file or folder, or the download failed.
    """
    match spec.name:
        case "digits":
            return Source("digits", digits.source_stamp(), digits.load_digits)
        case "gtsrb":
            path = _folder(spec) / gtsrb.FILE_NAME
            if not path.is_file():
                gtsrb.build_gtsrb(path.parent, notify, address)
            return _file_source("gtsrb", path, gtsrb.read_gtsrb)
        case "npz":
            return _file_source("npz", _own_file(spec), _read_own)


def _read_own(path: Path) -> Images:
    return check_images(read_arrays(path), str(path))


def _file_source(kind: str, path: Path, read: Callable[[Path], Images]) -> Source:
    # Taken before reading: a file that changes meanwhile has another stamp next time.
    status = path.stat()
    return Source(f"{kind} {path.resolve()}", f"{status.st_size} bytes, {status.st_mtime_ns} ns", lambda: read(path))


def _folder(spec: DatasetSpec) -> Path:
    if not spec.dir:
        raise InputError(f"`dataset.dir` must be the folder of dataset={spec.name}; it is not given.")
    return Path(spec.dir).expanduser()


def _own_file(spec: DatasetSpec) -> Path:
    folder = _folder(spec)
    if not spec.file:
        raise InputError("`dataset.file` must be the name of an npz file in `dataset.dir`; it is not given.")
    if not folder.is_dir():
        near = sorted(path.name for path in folder.parent.glob("*/")) if folder.parent.is_dir() else []
        raise InputError(f"`dataset.dir` must be a folder. Received: {spec.dir!r}.{nearest(folder.name, near)}")
    if not (folder / spec.file).is_file():
        names = sorted(path.name for path in folder.iterdir() if path.is_file())
        found = f"{len(names)} files in {folder}/" if names else f"{folder}/ holds no file"
        raise InputError(
            f"`dataset.file` must name a file in `dataset.dir`. Received: {spec.file!r}; {found}."
            f"{nearest(spec.file, names)}"
        )
    return folder / spec.file
