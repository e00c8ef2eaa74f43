"""Arrays on disk, as the workers of all studies map them into memory: `runs/data/NAME-DIGEST/`.

    x_train.npy ...  the arrays of `Images`
    data.json        what they are (`_Card`)

`runs/data/index.json` remembers what each folder was made from, so that a second run neither imports
scikit-learn nor unpacks anything. Both are a cache: what is missing or damaged is made again.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from search.data.gtsrb import ARCHIVE_ADDRESS
from search.data.images import ARRAYS, Images, digest
from search.data.progress import Notify, say
from search.data.source import Source, find_source
from studies.errors import InputError
from studies.spec import DatasetSpec, Declaration
from tracking import atomic

_CARD, _INDEX = "data.json", "index.json"
_RECIPE = 1
"""To be raised when the checks or the layout change: everything is then prepared again."""


class _FileStamp(Declaration):
    size: int
    mtime_ns: int


class _Card(Declaration):
    """What a prepared folder holds."""

    name: str
    digest: str
    class_names: tuple[str, ...]
    n_train: int
    n_test: int
    image_shape: tuple[int, int, int]
    files: dict[str, _FileStamp]


class _Entry(Declaration):
    """What a source's arrays were when they were last prepared."""

    stamp: str
    folder: str


class _Index(Declaration):
    recipe: int
    entries: dict[str, _Entry]


@dataclass(frozen=True)
class PreparedData:
    """A dataset on disk; small, so that it travels to a worker, which opens it there."""

    name: str
    """`digits`, `gtsrb` or `npz`."""
    digest: str
    """SHA-256 (hex) of the data (see `search.data.images.digest`)."""
    folder: Path
    class_names: tuple[str, ...]
    """One per class, in label order."""
    n_train: int
    n_test: int
    image_shape: tuple[int, int, int]
    """Height, width and channels."""

    def open(self) -> Images:
        """Return the arrays, mapped from disk, read-only (see `Images` for shapes)."""
        paths = {name: path for name in ARRAYS if (path := self.folder / f"{name}.npy").is_file()}
        arrays = {name: np.load(path, mmap_mode="r", allow_pickle=False) for name, path in paths.items()}
        return Images(**arrays, class_names=self.class_names)


@dataclass(frozen=True)
class Staged:
    """A valid dataset that may not be on disk yet; its description serves before anything is written."""

    data: PreparedData
    _source: Source
    _images: Images | None
    """None where the prepared folder is there already."""

    @property
    def is_stored(self) -> bool:
        """Whether `data.folder` is there, whole."""
        return self._images is None

    def store(self) -> PreparedData:
        """Put the arrays into `data.folder`, if they are not there; making the runs folder if need be.

        Raises:
            InputError: the runs folder cannot be written.
        """
        if self._images is not None:
            home = self.data.folder.parent
            try:
                _store(self._images, self.data)
                _remember(self._source, self.data, home)
            except OSError as error:
                received = f"{str(home.parent)!r} ({error})"
                raise InputError(f"`runs_dir` must be a folder that can be written. Received: {received}.") from None
        return self.data


def stage(spec: DatasetSpec, runs_dir: Path, notify: Notify = say, *, archive_address: str = ARCHIVE_ADDRESS) -> Staged:
    """Return the dataset that `spec` names, checked; where it was prepared before, this takes milliseconds.

    Args:
        spec: which dataset.
        runs_dir: prepared arrays live, or will live, in its folder `data`.
        notify: takes lines about what takes long, when there is no terminal.
        archive_address: where the traffic signs are downloaded from.

    Raises:
        InputError: the data are not there or cannot be used. Nothing is written, but for what an interrupted
            download has brought so far.
    """
    source = find_source(spec, notify, archive_address)
    home = runs_dir.resolve() / "data"
    entry = _read_index(home).entries.get(source.place)
    if entry is not None and entry.stamp == source.stamp and (known := _find(home / entry.folder)) is not None:
        return Staged(known, source, None)
    images = source.read()
    sha = digest(images)
    data = PreparedData(
        name=spec.name,
        digest=sha,
        folder=home / f"{spec.name}-{sha[:12]}",
        class_names=images.class_names,
        n_train=len(images.x_train),
        n_test=len(images.x_test),
        image_shape=images.image_shape,
    )
    return Staged(data, source, images)


def prepare(
    spec: DatasetSpec, runs_dir: Path, notify: Notify = say, *, archive_address: str = ARCHIVE_ADDRESS
) -> PreparedData:
    """Return the dataset that `spec` names, on disk (see `stage` and `Staged.store`)."""
    return stage(spec, runs_dir, notify, archive_address=archive_address).store()


def _find(folder: Path) -> PreparedData | None:
    """Return what is in `folder` if it is whole."""
    try:
        card = _Card.model_validate_json((folder / _CARD).read_bytes())
        is_untouched = all(_stamp(folder / name) == stamp for name, stamp in card.files.items())
        found = PreparedData(
            name=card.name,
            digest=card.digest,
            folder=folder,
            class_names=card.class_names,
            n_train=card.n_train,
            n_test=card.n_test,
            image_shape=card.image_shape,
        )
        # Times differ in a copy of the runs folder too; then the content decides.
        return found if is_untouched or digest(found.open()) == card.digest else None
    except (OSError, ValueError, TypeError, EOFError):
        return None


def _store(images: Images, data: PreparedData) -> None:
    if _find(data.folder) is not None:
        return
    shutil.rmtree(data.folder, ignore_errors=True)  # What is there is damaged.

    def fill(draft: Path) -> None:
        for array_name, array in images.arrays().items():
            np.save(draft / f"{array_name}.npy", array, allow_pickle=False)
        card = _Card(
            name=data.name,
            digest=data.digest,
            class_names=data.class_names,
            n_train=data.n_train,
            n_test=data.n_test,
            image_shape=data.image_shape,
            files={path.name: _stamp(path) for path in draft.glob("*.npy")},
        )
        (draft / _CARD).write_text(card.model_dump_json(indent=1), encoding="utf-8")

    try:
        atomic.write_folder(data.folder, fill)
    except OSError:
        # Another study may have prepared the same data at the same time.
        if _find(data.folder) is None:
            raise


def _remember(source: Source, found: PreparedData, home: Path) -> None:
    """Add to the index. Two studies at once may lose one entry, which costs the next run seconds."""
    entries = {
        **_read_index(home).entries,
        source.place: _Entry(stamp=source.stamp, folder=found.folder.name),
    }
    atomic.write_text(home / _INDEX, _Index(recipe=_RECIPE, entries=entries).model_dump_json(indent=1))


def _read_index(home: Path) -> _Index:
    empty = _Index(recipe=_RECIPE, entries={})
    try:
        index = _Index.model_validate_json((home / _INDEX).read_bytes())
    except (OSError, ValidationError):
        return empty
    return index if index.recipe == _RECIPE else empty


def _stamp(path: Path) -> _FileStamp:
    status = path.stat()
    return _FileStamp(size=status.st_size, mtime_ns=status.st_mtime_ns)
