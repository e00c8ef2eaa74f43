"""German traffic signs: a `gtsrb.npz`, made from the official archive where it is not there yet."""

import io
import os
from pathlib import Path

import numpy as np

from search.data.check import check_images
from search.data.download import DownloadError, download_zip
from search.data.gtsrb_archive import ARCHIVE_FILES, read_archive
from search.data.images import Images
from search.data.npz import read_arrays
from search.data.progress import Notify
from studies.errors import InputError
from tracking import atomic

FILE_NAME = "gtsrb.npz"
ARCHIVE_ADDRESS = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370"
CLASS_NAMES = (
    "Speed limit (20 km/h)",
    "Speed limit (30 km/h)",
    "Speed limit (50 km/h)",
    "Speed limit (60 km/h)",
    "Speed limit (70 km/h)",
    "Speed limit (80 km/h)",
    "End of speed limit (80 km/h)",
    "Speed limit (100 km/h)",
    "Speed limit (120 km/h)",
    "No passing",
    "No passing for vehicles over 3.5 t",
    "Right of way at the next intersection",
    "Priority road",
    "Yield",
    "Stop",
    "No vehicles",
    "Vehicles over 3.5 t prohibited",
    "No entry",
    "General caution",
    "Dangerous curve to the left",
    "Dangerous curve to the right",
    "Double curve",
    "Bumpy road",
    "Slippery road",
    "Road narrows on the right",
    "Road work",
    "Traffic signals",
    "Pedestrians",
    "Children crossing",
    "Bicycles crossing",
    "Beware of ice or snow",
    "Wild animals crossing",
    "End of all speed and passing limits",
    "Turn right ahead",
    "Turn left ahead",
    "Ahead only",
    "Go straight or right",
    "Go straight or left",
    "Keep right",
    "Keep left",
    "Roundabout mandatory",
    "End of no passing",
    "End of no passing for vehicles over 3.5 t",
)


def read_gtsrb(path: Path) -> Images:
    """Return the signs in the npz file `path`, with the names of the 43 classes.

    Raises:
        InputError: the file does not hold valid images (see `check_images`).
    """
    return _named(read_arrays(path), str(path))


def build_gtsrb(folder: Path, notify: Notify, address: str = ARCHIVE_ADDRESS) -> None:
    """Make `folder`/gtsrb.npz from the official archive's files in `folder`; what is missing is downloaded.

    Args:
        folder: made if it is not there.
        notify: takes lines about the progress, when there is no terminal.
        address: the files are at `address`/NAME.

    Raises:
        InputError: a file cannot be downloaded or is damaged, or the folder cannot be written.
    """
    _check_writable(folder)
    for name in ARCHIVE_FILES:
        if not (folder / name).is_file():
            _fetch(name, folder, notify, address)
    arrays = read_archive(folder, notify)
    _named(arrays, f"the archive in {folder}")
    notify(f"Writing {folder / FILE_NAME}")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # its stub takes a keyword for a flag
    atomic.write_bytes(folder / FILE_NAME, buffer.getvalue())


def _named(arrays: dict[str, np.ndarray], where: str) -> Images:
    return check_images({**arrays, "class_names": np.array(CLASS_NAMES)}, where)


def _fetch(name: str, folder: Path, notify: Notify, address: str) -> None:
    try:
        download_zip(f"{address}/{name}", folder / name, notify)
    except DownloadError as error:
        raise InputError(
            f"{address}/{name} could not be downloaded ({error}). "
            f"Put {name}, or a ready {FILE_NAME}, into {folder}/; `dataset=digits` needs no download."
        ) from None


def _check_writable(folder: Path) -> None:
    """Refuse before hundreds of megabytes arrive for a folder that cannot take them."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
        kind = "not writable" if existing.is_dir() else "not a folder"
        raise InputError(
            f"`dataset.dir` must be a folder that can be written. Received: {folder}; {existing} is {kind}."
        )
