"""A CSV file that says which images of a folder are for training and which for testing."""

import csv
from collections.abc import Collection
from pathlib import Path
from typing import Literal

from studies.errors import InputError, nearest

COLUMNS = ("file", "split")


def read_split(path: Path, files: Collection[str]) -> dict[str, Literal["train", "test"]]:
    """Return the part of each file that the table `path` lists.

    Args:
        path: comma-separated UTF-8 with a header; column `file` holds paths relative to the dataset's folder, column
            `split` holds train or test. Other columns are not read.
        files: the images that are there, by such paths.

    Raises:
        InputError: it lacks a column, or a row names no image, one named before, or another part.
    """
    parts: dict[str, Literal["train", "test"]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            _check_columns(path, rows.fieldnames or [])
            for row in rows:
                where, file, part = f"{path}, line {rows.line_num}", (row["file"] or "").strip(), row["split"]
                name = Path(file).as_posix()
                if name not in files:
                    raise InputError(
                        f"{where}: `file` must be an image in a class folder of `dataset.dir`. Received: {file!r}."
                        f"{nearest(name, files)}"
                    )
                if name in parts:
                    raise InputError(f"{where}: `file` must not be listed twice. Received: {file!r}.")
                match (part or "").strip():
                    case "train":
                        parts[name] = "train"
                    case "test":
                        parts[name] = "test"
                    case _:
                        raise InputError(f"{where}: `split` must be train or test. Received: {part!r}.")
    except (OSError, UnicodeError, csv.Error) as error:
        raise InputError(f"`dataset.csv` must be a CSV file in UTF-8. Received: {path} ({error}).") from None
    if not parts:
        raise InputError(f"`dataset.csv` must list images. Received: {path}, which lists none.")
    return parts


def _check_columns(path: Path, columns: Collection[str]) -> None:
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise InputError(
            f"`dataset.csv` must have the columns {' and '.join(COLUMNS)}. Received: {path} with "
            f"{', '.join(columns) or 'none'}.{nearest(missing[0], columns)}"
        )
