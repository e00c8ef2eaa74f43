"""Traffic signs from a small archive of the official layout, made here."""

import io
import re
import socket
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from search.data.gtsrb import CLASS_NAMES
from search.data.gtsrb_archive import ARCHIVE_FILES, TEST, TEST_LABELS, TRAINING
from search.data.prepared import PreparedData, prepare
from studies.errors import InputError
from studies.spec import DatasetSpec, SuggestedTraining

HEADER = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n"
TRACKS = ("00000_00000.ppm", "00000_00001.ppm", "00001_00000.ppm")


def photograph(label: int, size: tuple[int, int] = (40, 50)) -> bytes:
    """White, with a sign whose colour tells its class, in the box (5, 6) to (25, 36)."""
    image = Image.new("RGB", size, "white")
    image.paste((label, 255 - label, 7), (5, 6, 25, 36))
    buffer = io.BytesIO()
    image.save(buffer, "PPM")
    return buffer.getvalue()


def row(name: str, label: int, box: str = "5;6;25;36") -> str:
    return f"{name};40;50;{box};{label}\n"


def members() -> dict[str, dict[str, bytes]]:
    """The content of the three zip files: per class three photographs to train on and one to test."""
    training: dict[str, bytes] = {}
    for label in range(43):
        folder = f"GTSRB/Final_Training/Images/{label:05d}"
        training[f"{folder}/GT-{label:05d}.csv"] = (HEADER + "".join(row(name, label) for name in TRACKS)).encode()
        training.update({f"{folder}/{name}": photograph(label) for name in TRACKS})
    tests = {f"{42 - label:05d}.ppm": label for label in range(43)}
    table = HEADER + "".join(row(name, label) for name, label in sorted(tests.items()))
    return {
        TRAINING: training,
        TEST: {f"GTSRB/Final_Test/Images/{name}": photograph(label) for name, label in tests.items()},
        TEST_LABELS: {"GT-final_test.csv": table.encode()},
    }


def write(folder: Path, content: dict[str, dict[str, bytes]]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, files in content.items():
        with zipfile.ZipFile(folder / name, "w") as archive:
            for member, data in files.items():
                archive.writestr(member, data)
    return folder


def prepare_signs(folder: Path, runs: Path, address: str = "http://127.0.0.1:9/none") -> PreparedData:
    spec = DatasetSpec(name="gtsrb", dir=str(folder), suggested=SuggestedTraining(epochs=1, batch_size=4))
    return prepare(spec, runs, list[str]().append, archive_address=address)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The archive behind a web server."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    home = write(tmp_path / "server", members())
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(home))) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def test_signs_are_cut_out_of_the_photographs_and_resized(tmp_path: Path) -> None:
    images = prepare_signs(write(tmp_path / "signs", members()), tmp_path / "runs").open()
    assert (images.x_train.shape, images.x_test.shape) == ((129, 32, 32, 3), (43, 32, 32, 3))
    for label, image in zip(images.y_train, images.x_train, strict=True):
        assert np.array_equal(np.unique(image.reshape(-1, 3), axis=0), [[label, 255 - label, 7]])


def test_test_images_get_the_labels_of_the_ground_truth_table(tmp_path: Path) -> None:
    images = prepare_signs(write(tmp_path / "signs", members()), tmp_path / "runs").open()
    assert images.y_test.tolist() == list(range(42, -1, -1))
    assert np.array_equal(images.x_test[:, 0, 0, 0], images.y_test)


def test_tracks_are_told_apart_by_class_and_by_file_name(tmp_path: Path) -> None:
    images = prepare_signs(write(tmp_path / "signs", members()), tmp_path / "runs").open()
    assert images.track_train is not None
    assert images.track_train.tolist() == [1000 * label + track for label in range(43) for track in (0, 0, 1)]


def test_there_are_43_names_and_no_two_are_the_same(tmp_path: Path) -> None:
    prepared = prepare_signs(write(tmp_path / "signs", members()), tmp_path / "runs")
    assert prepared.class_names == CLASS_NAMES
    assert len(set(CLASS_NAMES)) == 43


def test_the_archive_is_read_once_and_kept_as_npz(tmp_path: Path) -> None:
    folder = write(tmp_path / "signs", members())
    first = prepare_signs(folder, tmp_path / "runs")
    for name in ARCHIVE_FILES:
        (folder / name).unlink()
    assert prepare_signs(folder, tmp_path / "runs") == first
    assert prepare_signs(folder, tmp_path / "other_runs").digest == first.digest
    assert [path.name for path in folder.iterdir()] == ["gtsrb.npz"]


def test_what_is_not_there_is_downloaded(tmp_path: Path, server: str) -> None:
    content = members()
    folder = write(tmp_path / "signs", {TRAINING: content[TRAINING]})
    prepared = prepare_signs(folder, tmp_path / "runs", server)
    assert (prepared.n_train, prepared.n_test) == (129, 43)
    assert {path.name for path in folder.iterdir()} == {*ARCHIVE_FILES, "gtsrb.npz"}


def test_without_a_network_one_line_says_what_to_do_and_nothing_is_written(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(InputError) as refusal:
            prepare_signs(tmp_path / "signs", tmp_path / "runs", address)
    message = str(refusal.value)
    assert f"{address}/{TRAINING}" in message and f"Put {TRAINING}, or a ready gtsrb.npz, into" in message
    assert "`dataset=digits` needs no download" in message and len(message.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_gtsrb_npz_goes_through_the_same_checks_as_any_other(tmp_path: Path) -> None:
    x, y = np.zeros((4, 32, 32, 3), np.uint8), np.array([0, 1, 2, 43])
    (tmp_path / "signs").mkdir()
    np.savez(tmp_path / "signs" / "gtsrb.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    with pytest.raises(InputError, match=r"`y_train` in .*gtsrb.npz must hold classes from 0 to 42"):
        prepare_signs(tmp_path / "signs", tmp_path / "runs")


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "signs").write_text("a file where the folder should be")
    with pytest.raises(InputError, match=r"`dataset\.dir` must be a folder that can be written.*not a folder"):
        prepare_signs(tmp_path / "signs", tmp_path / "runs")


def test_a_folder_that_may_not_be_written_is_refused_before_anything_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever runs the tests as root may write anywhere, so the answer of the system is replaced.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(InputError, match=r"`dataset\.dir` must be a folder that can be written.*not writable"):
        prepare_signs(tmp_path / "signs", tmp_path / "runs")


@pytest.mark.parametrize("name", ARCHIVE_FILES)
def test_a_zip_file_that_is_cut_short_is_named(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "signs", members())
    (folder / name).write_bytes((folder / name).read_bytes()[:-200])
    with pytest.raises(InputError, match=f"{name} is damaged"):
        prepare_signs(folder, tmp_path / "runs")
    assert not (tmp_path / "runs").exists() and not (folder / "gtsrb.npz").exists()


@pytest.mark.parametrize(
    ("name", "member"),
    [
        (TRAINING, "GTSRB/Final_Training/Images/00007/GT-00007.csv"),
        (TRAINING, "GTSRB/Final_Training/Images/00042/00001_00000.ppm"),
        (TEST, "GTSRB/Final_Test/Images/00040.ppm"),
        (TEST_LABELS, "GT-final_test.csv"),
    ],
)
def test_a_member_that_is_missing_is_named(tmp_path: Path, name: str, member: str) -> None:
    content = members()
    del content[name][member]
    with pytest.raises(InputError, match=f"{name} must be the official file.*lacks {member}"):
        prepare_signs(write(tmp_path / "signs", content), tmp_path / "runs")


TABLE = "GTSRB/Final_Training/Images/00000/GT-00000.csv"


@pytest.mark.parametrize(
    ("member", "data", "said"),
    [
        (TABLE, HEADER.replace("Roi.X2", "Right").encode() + row(TRACKS[0], 0).encode(), "must give Roi.X2"),
        (TABLE, (HEADER + row(TRACKS[0], 0, "5;6;many;36")).encode(), "many"),
        (TABLE, (HEADER + row(TRACKS[0], 0, "5;6;25;51")).encode(), "not inside"),
        (TABLE, (HEADER + row(TRACKS[0], 0, "25;6;5;36")).encode(), "not inside"),
        ("GTSRB/Final_Training/Images/00000/00000_00000.ppm", photograph(0)[:99], "damaged"),
        ("GTSRB/Final_Training/Images/00000/00000_00000.ppm", b"P6 90000 90000 255\n", "damaged"),
        ("GTSRB/Final_Training/Images/00000/00000_00000.ppm", b"no picture", "damaged"),
    ],
    ids=["column", "number", "box too large", "box inside out", "cut picture", "huge picture", "no picture"],
)
def test_a_member_that_makes_no_sense_is_refused(tmp_path: Path, member: str, data: bytes, said: str) -> None:
    content = members()
    content[TRAINING][member] = data
    with pytest.raises(InputError, match=f"({TRAINING}.*{said})|({said}.*{TRAINING})|{re.escape(said)}") as refusal:
        prepare_signs(write(tmp_path / "signs", content), tmp_path / "runs")
    assert TRAINING in str(refusal.value)
