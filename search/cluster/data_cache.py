"""Datasets on a worker's machine: found by digest, else asked of the coordinator, once a machine.

The cache is laid out like `runs/data/` (see `search.data.stored`). Nothing in it is precious: delete it freely.
"""

import os
import socket
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from search.data.images import Images, digest
from search.data.stored import PreparedData, find, store
from search.train import checkpoint
from studies.errors import InputError


class DataMissingError(Exception):
    """A worker has not got the data of its trial; args are the two below."""

    @property
    def place(self) -> str:
        """Host and folder: workers that share both need the data once."""
        return str(self.args[0])

    @property
    def worker(self) -> str:
        """The address of the Dask worker."""
        return str(self.args[1])


@dataclass(frozen=True)
class Brought:
    """A dataset that a task has made, on its way to the coordinator."""

    data: PreparedData
    arrays: dict[str, np.ndarray]

    def store(self, home: Path) -> PreparedData:
        """Put it into the folder of prepared data `home`.

        Raises:
            OSError: the folder cannot be written.
        """
        data = replace(self.data, folder=home / self.data.folder.name)
        store(Images(**self.arrays, class_names=data.class_names), data)
        return data


def cached(data: PreparedData, worker: str) -> PreparedData:
    """Return `data` where it lies on this machine, on which the Dask worker `worker` is.

    Raises:
        DataMissingError: it has to be brought here.
    """
    found = find(cache_folder() / data.folder.name)
    if found is None or found.digest != data.digest:
        raise DataMissingError(_place(), worker)
    return found


def keep(data: PreparedData, arrays: dict[str, np.ndarray]) -> None:
    """Put `arrays`, those of `data`, into this machine's cache; if they are there already, do nothing.

    Raises:
        InputError: the folder cannot be written, or the arrays are not those of `data`.
    """
    images = Images(**arrays, class_names=data.class_names)
    if digest(images) != data.digest:
        raise InputError(f"Dataset {data.name!r} was damaged on its way to {_place()}.")
    try:
        store(images, replace(data, folder=cache_folder() / data.folder.name))
    except OSError as error:
        raise InputError(
            f"A worker must have a folder for datasets that it can write (XDG_CACHE_HOME). Received: {_place()} "
            f"({error})."
        ) from None


def arrays_of(data: PreparedData) -> dict[str, np.ndarray]:
    """Return the arrays of `data` in memory, by field name: a mapped file could not be sent."""
    return {name: np.array(array) for name, array in data.open().arrays().items()}


def cache_folder() -> Path:
    """Return this machine's folder of datasets."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "ablation-search" / "data"


def checkpoint_folder() -> Path:
    """Return this machine's folder of checkpoints, whose trials go on if they come back to it."""
    return cache_folder().with_name(checkpoint.FOLDER_NAME)


def _place() -> str:
    return f"{socket.gethostname()}:{cache_folder()}"
