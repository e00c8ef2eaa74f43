"""From the name of a dataset to arrays under `runs/data/`: read once, checked, limited, stored (see `stored`).

`runs/data/index.json` remembers what each folder there was made from, so that a second run neither imports
scikit-learn nor unpacks anything. Index and folders are a cache: what is missing or damaged is made again.
"""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from search.data.gtsrb import ARCHIVE_ADDRESS
from search.data.images import Images
from search.data.limits import limited, limits_text
from search.data.progress import Notify, say
from search.data.source import Source, find_source
from search.data.split import split
from search.data.stored import PreparedData, describe, find, store
from studies.data import DataSpec, ValidationSpec
from studies.errors import InputError
from studies.spec import DatasetSpec, Declaration
from tracking import atomic

__all__ = ["PreparedData", "Staged", "on_disk", "prepare", "stage"]

_INDEX = "index.json"
_RECIPE = 2
"""To be raised when the checks or the layout change: everything is then prepared again."""


class _Entry(Declaration):
    """What a source's arrays were when they were last prepared."""

    stamp: str
    folder: str


class _Index(Declaration):
    recipe: int
    entries: dict[str, _Entry]


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

    @property
    def images(self) -> Images:
        """The arrays, in memory or mapped from disk."""
        return self._images or self.data.open()

    def store(self) -> PreparedData:
        """Put the arrays into `data.folder`, if they are not there; making the runs folder if need be.

        Raises:
            InputError: the runs folder cannot be written.
        """
        if self._images is not None:
            home = self.data.folder.parent
            try:
                store(self._images, self.data)
                _remember(self._source, self.data, home)
            except OSError as error:
                received = f"{str(home.parent)!r} ({error})"
                raise InputError(f"`runs_dir` must be a folder that can be written. Received: {received}.") from None
        return self.data


def on_disk(data: PreparedData) -> Staged:
    """Return `data`, which is stored already, as a staged dataset."""
    return Staged(data, Source(str(data.folder), data.digest, data.open), None)


def stage(
    spec: DatasetSpec,
    runs_dir: Path,
    notify: Notify = say,
    *,
    data_spec: DataSpec | None = None,
    archive_address: str = ARCHIVE_ADDRESS,
) -> Staged:
    """Return what a study uses of the dataset that `spec` names, checked; milliseconds where it was prepared before.

    Args:
        spec: which dataset.
        runs_dir: prepared arrays live, or will live, in its folder `data`.
        notify: takes lines about what takes long and about what is decided for the user, when there is no terminal.
        data_spec: its limits are applied, and its split is tried. None: all of the dataset, without a split.
        archive_address: where the traffic signs are downloaded from.

    Raises:
        InputError: the data are not there or cannot be used, or cannot be limited or split so. Nothing is written,
            but for what an interrupted download has brought so far.
    """
    asked = data_spec or DataSpec()
    source = find_source(spec, notify, archive_address).narrowed(
        limits_text(asked), lambda images: limited(images, asked, spec.name)
    )
    home = runs_dir.resolve() / "data"
    entry = _read_index(home).entries.get(source.place)
    if entry is not None and entry.stamp == source.stamp and (known := find(home / entry.folder)) is not None:
        staged = Staged(known, source, None)
    else:
        images = source.read()
        staged = Staged(describe(images, spec.name, home), source, images)
    if asked.validation is not None:
        _check_splits(staged.images, asked.validation)
    return staged


def prepare(
    spec: DatasetSpec,
    runs_dir: Path,
    notify: Notify = say,
    *,
    data_spec: DataSpec | None = None,
    archive_address: str = ARCHIVE_ADDRESS,
) -> PreparedData:
    """Return the dataset that `spec` names, on disk (see `stage` and `Staged.store`)."""
    return stage(spec, runs_dir, notify, data_spec=data_spec, archive_address=archive_address).store()


def _check_splits(images: Images, validation: ValidationSpec) -> None:
    """Make each split once: milliseconds now, and no worker finds out later that it cannot be made."""
    for fold in [None] if validation.folds is None else range(validation.folds):
        split(images.y_train, validation, fold, images.track_train, images.class_names)


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
