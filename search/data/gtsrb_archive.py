"""The official archive of the German Traffic Sign Recognition Benchmark (Stallkamp et al., 2012)."""

import csv
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from search.data.progress import Notify, progress
from studies.errors import InputError

TRAINING, TEST, TEST_LABELS = ARCHIVE_FILES = (
    "GTSRB_Final_Training_Images.zip",
    "GTSRB_Final_Test_Images.zip",
    "GTSRB_Final_Test_GT.zip",
)
CLASSES = 43
SIDE = 32


@dataclass(frozen=True)
class _Sign:
    """One row of the archive's tables: a photograph and the box of the sign in it."""

    member: str
    label: int
    box: tuple[int, int, int, int]
    """Left, top, right, bottom in pixels. Right and bottom lie outside: so the archive's margins are even."""

    @property
    def track(self) -> int:
        """Class * 1000 + the number before the underscore: the photographs of one physical sign share it."""
        return self.label * 1000 + int(Path(self.member).stem.partition("_")[0])


def read_archive(folder: Path, notify: Notify) -> dict[str, np.ndarray]:
    """Return x_train, y_train, track_train, x_test and y_test from the zip files `ARCHIVE_FILES` in `folder`.

    Images are (n, 32, 32, 3) uint8, cropped to the sign's box and resized bilinearly; the rest is (n,) int32.

    Raises:
        InputError: a file is damaged, or lacks something that it should hold.
    """
    with _opened(folder / TRAINING) as archive:
        signs = [sign for label in range(CLASSES) for sign in _training_signs(archive, label)]
        x_train = _pixels(archive, signs, "Reading training images", notify)
    with _opened(folder / TEST_LABELS) as archive:
        test_signs = _test_signs(archive)
    with _opened(folder / TEST) as archive:
        x_test = _pixels(archive, test_signs, "Reading test images", notify)
    return {
        "x_train": x_train,
        "y_train": np.array([sign.label for sign in signs], np.int32),
        "track_train": np.array([sign.track for sign in signs], np.int32),
        "x_test": x_test,
        "y_test": np.array([sign.label for sign in test_signs], np.int32),
    }


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file; whatever proves damaged in it becomes the user's to replace."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except InputError:
        raise
    except Exception as error:
        # Damage shows as any of a dozen types in zipfile, zlib, csv and Pillow.
        reason = (str(error).splitlines() or [""])[0][:120] or type(error).__name__
        raise InputError(f"{path} is damaged ({reason}). Delete it to have it downloaded again.") from None


def _training_signs(archive: zipfile.ZipFile, label: int) -> list[_Sign]:
    folder = f"GTSRB/Final_Training/Images/{label:05d}"
    return [_sign(row, folder, label) for row in _rows(archive, f"{folder}/GT-{label:05d}.csv")]


def _test_signs(archive: zipfile.ZipFile) -> list[_Sign]:
    rows = _rows(archive, "GT-final_test.csv")
    return [_sign(row, "GTSRB/Final_Test/Images", int(row["ClassId"])) for row in rows]


def _sign(row: dict[str, str], folder: str, label: int) -> _Sign:
    box = (int(row["Roi.X1"]), int(row["Roi.Y1"]), int(row["Roi.X2"]), int(row["Roi.Y2"]))
    return _Sign(f"{folder}/{row['Filename']}", label, box)


def _rows(archive: zipfile.ZipFile, member: str) -> list[dict[str, str]]:
    text = _content(archive, member).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    columns = {"Filename", "Roi.X1", "Roi.Y1", "Roi.X2", "Roi.Y2", "ClassId"}
    for row in rows:
        lacking = sorted(name for name in columns if not row.get(name))
        if lacking:
            raise InputError(f"{member} in {archive.filename} must give {', '.join(lacking)} in each row; it does not.")
    return rows


def _content(archive: zipfile.ZipFile, member: str) -> bytes:
    try:
        return archive.read(member)
    except KeyError:
        raise InputError(
            f"{archive.filename} must be the official file of that name; it lacks {member}. "
            "Delete it to have it downloaded again."
        ) from None


def _pixels(archive: zipfile.ZipFile, signs: list[_Sign], label: str, notify: Notify) -> np.ndarray:
    pixels = np.empty((len(signs), SIDE, SIDE, 3), np.uint8)
    with progress(label, len(signs), notify) as advance:
        for row, sign in enumerate(signs):
            pixels[row] = _crop(archive, sign)
            advance(1)
    return pixels


def _crop(archive: zipfile.ZipFile, sign: _Sign) -> np.ndarray:
    from PIL import Image

    left, top, right, bottom = sign.box
    with Image.open(io.BytesIO(_content(archive, sign.member)), formats=("PPM",)) as photograph:
        if not (0 <= left < right <= photograph.width and 0 <= top < bottom <= photograph.height):
            raise ValueError(f"the box {sign.box} is not inside {sign.member}, {photograph.size}")
        cropped = photograph.convert("RGB").crop(sign.box)
    return np.asarray(cropped.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
