"""Where a dataset's arrays come from, and a stamp that changes when they may have changed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from search.data import digits, gtsrb, keras_datasets, sine
from search.data.check import check_images
from search.data.check_vectors import check_vectors, is_regression
from search.data.folder import find_folder, read_folder
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

    def narrowed(self, text: str, narrow: Callable[[Images], Images]) -> "Source":
        """Return the source of what `narrow` leaves of the images; `text` tells it from others."""
        return Source(self.place + text, self.stamp, lambda: narrow(self.read()))


def find_source(spec: DatasetSpec, notify: Notify, address: str = gtsrb.ARCHIVE_ADDRESS) -> Source:
    """Return the source that `spec` names; traffic signs that are not there yet are downloaded.

    Raises:
        InputError: there is no such file or folder, or the download failed.
    """
    match spec.name:
        case "digits":
            return Source("digits", digits.source_stamp(), digits.load_digits)
        case "sine":
            return Source("sine", sine.source_stamp(), sine.make_sine)
        case "gtsrb":
            path = _folder(spec) / gtsrb.FILE_NAME
            if not path.is_file():
                gtsrb.build_gtsrb(path.parent, notify, address)
            return _file_source("gtsrb", path, gtsrb.read_gtsrb)
        case "cifar10" | "cifar100" | "fashion_mnist":
            return _published_source(spec, notify)
        case "folder":
            return _folder_source(spec, notify)
        case "npz":
            return _file_source("npz", _named_file(spec, "file", spec.file), _read_own)


def _read_own(path: Path) -> Images:
    arrays = read_arrays(path)
    return check_vectors(arrays, str(path)) if is_regression(arrays) else check_images(arrays, str(path))


def _file_source(kind: str, path: Path, read: Callable[[Path], Images]) -> Source:
    # Taken before reading: a file that changes meanwhile has another stamp next time.
    status = path.stat()
    return Source(f"{kind} {path.resolve()}", f"{status.st_size} bytes, {status.st_mtime_ns} ns", lambda: read(path))


def _published_source(spec: DatasetSpec, notify: Notify) -> Source:
    folder = _existing_folder(spec) if spec.dir else None
    path = folder and folder / f"{spec.name}.npz"
    if path and path.is_file():
        return _file_source(spec.name, path, partial(keras_datasets.read_published, spec.name))
    load = partial(keras_datasets.load_published, spec.name, folder, notify)
    return Source(f"{spec.name} of Keras", keras_datasets.source_stamp(), load)


def _folder_source(spec: DatasetSpec, notify: Notify) -> Source:
    root = _existing_folder(spec)
    found = find_folder(root, _named_file(spec, "csv", spec.csv) if spec.csv else None)
    place = f"folder {root.resolve()}, csv {spec.csv}, size {spec.size}, test fraction {spec.test_fraction}"
    return Source(place, found.stamp(), lambda: read_folder(found, spec.size, spec.test_fraction, notify))


def _folder(spec: DatasetSpec) -> Path:
    if not spec.dir:
        raise InputError(f"`dataset.dir` must be the folder of dataset={spec.name}; it is not given.")
    return Path(spec.dir).expanduser()


def _existing_folder(spec: DatasetSpec) -> Path:
    folder = _folder(spec)
    if not folder.is_dir():
        near = sorted(path.name for path in folder.parent.glob("*/")) if folder.parent.is_dir() else []
        raise InputError(f"`dataset.dir` must be a folder. Received: {spec.dir!r}.{nearest(folder.name, near)}")
    return folder


def _named_file(spec: DatasetSpec, field: str, name: str | None) -> Path:
    """Return the file `name` in the dataset's folder, which `dataset.field` names."""
    _folder(spec)
    if not name:
        raise InputError(f"`dataset.{field}` must be the name of an npz file in `dataset.dir`; it is not given.")
    folder = _existing_folder(spec)
    if not (folder / name).is_file():
        names = sorted(path.name for path in folder.iterdir() if path.is_file())
        found = f"{len(names)} files in {folder}/" if names else f"{folder}/ holds no file"
        raise InputError(
            f"`dataset.{field}` must name a file in `dataset.dir`. Received: {name!r}; {found}.{nearest(name, names)}"
        )
    return folder / name
