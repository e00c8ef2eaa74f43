"""One prepared dataset on disk: `runs/data/NAME-DIGEST/`, as the workers of all studies map it into memory.

x_train.npy ...  the arrays of `Images`
data.json        what they are (`_Card`)
"""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from search.data.images import ARRAYS, Images, Task, digest
from studies.spec import Declaration
from tracking import atomic

_CARD = "data.json"


@dataclass(frozen=True)
class PreparedData:
    """A dataset on disk; small, so that it travels to a worker, which opens it there."""

    name: str
    """The name of its `DatasetSpec`, such as `digits`."""
    digest: str
    """SHA-256 (hex) of the data (see `search.data.images.digest`)."""
    folder: Path
    class_names: tuple[str, ...]
    """One per class, in label order; none for regression."""
    n_train: int
    n_test: int
    input_shape: tuple[int, ...]
    """Height, width and channels; for regression the number of features alone."""
    task: Task = "classification"
    has_tracks: bool = False
    """Whether it is known which training images belong together (see `Images.track_train`)."""

    def open(self) -> Images:
        """Return the arrays, mapped from disk, read-only (see `Images` for shapes)."""
        paths = {name: path for name in ARRAYS if (path := self.folder / f"{name}.npy").is_file()}
        arrays = {name: np.load(path, mmap_mode="r", allow_pickle=False) for name, path in paths.items()}
        return Images(**arrays, class_names=self.class_names)


class _FileStamp(Declaration):
    size: int
    mtime_ns: int


class _Card(Declaration):
    """What a prepared folder holds: the fields of `PreparedData`, and the files."""

    name: str
    digest: str
    class_names: tuple[str, ...]
    n_train: int
    n_test: int
    input_shape: tuple[int, ...]
    task: Task
    has_tracks: bool
    files: dict[str, _FileStamp]


def describe(images: Images, name: str, home: Path) -> PreparedData:
    """Return what `images`, the dataset `name`, will be once they are stored under `home`."""
    sha = digest(images)
    return PreparedData(
        name=name,
        digest=sha,
        folder=home / f"{name}-{sha[:12]}",
        class_names=images.class_names,
        n_train=len(images.y_train),
        n_test=len(images.y_test),
        input_shape=images.input_shape,
        task=images.task,
        has_tracks=images.track_train is not None,
    )


def find(folder: Path) -> PreparedData | None:
    """Return what is in `folder` if it is whole."""
    try:
        card = _Card.model_validate_json((folder / _CARD).read_bytes())
        is_untouched = all(_stamp(folder / name) == stamp for name, stamp in card.files.items())
        found = PreparedData(folder=folder, **card.model_dump(exclude={"files"}))
        # Times differ in a copy of the runs folder too; then the content decides.
        return found if is_untouched or digest(found.open()) == card.digest else None
    except (OSError, ValueError, TypeError, EOFError):
        return None


def store(images: Images, data: PreparedData) -> None:
    """Write `images` to `data.folder`, if they are not there.

    Raises:
        OSError: the folder cannot be written.
    """
    if find(data.folder) is not None:
        return
    shutil.rmtree(data.folder, ignore_errors=True)  # What is there is damaged.

    def fill(draft: Path) -> None:
        for array_name, array in images.arrays().items():
            np.save(draft / f"{array_name}.npy", array, allow_pickle=False)
        fields = {name: value for name, value in asdict(data).items() if name != "folder"}
        card = _Card(**fields, files={path.name: _stamp(path) for path in draft.glob("*.npy")})
        (draft / _CARD).write_text(card.model_dump_json(indent=1), encoding="utf-8")

    try:
        atomic.write_folder(data.folder, fill)
    except OSError:
        # Another study may have prepared the same data at the same time.
        if find(data.folder) is None:
            raise


def _stamp(path: Path) -> _FileStamp:
    status = path.stat()
    return _FileStamp(size=status.st_size, mtime_ns=status.st_mtime_ns)
