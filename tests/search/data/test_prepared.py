"""Preparing a dataset: once slowly, then at once; and nothing at all for data that cannot be used."""

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.data.images import digest
from search.data.prepared import PreparedData, prepare, stage
from studies.errors import InputError
from studies.spec import DatasetSpec, SuggestedTraining

SUGGESTED = SuggestedTraining(epochs=1, batch_size=4)


def own(folder: Path, file: str = "a.npz") -> DatasetSpec:
    return DatasetSpec(name="npz", dir=str(folder), file=file, suggested=SUGGESTED)


def save(path: Path, **changes: Any) -> dict[str, np.ndarray]:
    pixels = np.random.default_rng(0)
    arrays = {
        "x_train": pixels.integers(0, 256, (12, 8, 6, 3), dtype=np.uint8),
        "y_train": np.arange(12) % 3,
        "x_test": pixels.integers(0, 256, (6, 8, 6, 3), dtype=np.uint8),
        "y_test": np.arange(6) % 3,
        "class_names": np.array(["a", "b", "c"]),
        **changes,
    }
    path.parent.mkdir(exist_ok=True)
    np.savez(path, **arrays)
    return arrays


def make_unreadable(path: Path) -> None:
    """Replace the content by zeros without a trace in size or time: only who reads it can tell."""
    status = path.stat()
    path.write_bytes(bytes(status.st_size))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.fixture
def prepared(tmp_path: Path) -> PreparedData:
    save(tmp_path / "in" / "a.npz", track_train=np.arange(12))
    return prepare(own(tmp_path / "in"), tmp_path / "runs")


def test_prepared_data_says_what_it_is(prepared: PreparedData, tmp_path: Path) -> None:
    assert (prepared.name, prepared.n_train, prepared.n_test, prepared.input_shape) == (
        "npz",
        12,
        6,
        (8, 6, 3),
    )
    assert prepared.class_names == ("a", "b", "c")
    assert prepared.folder == tmp_path / "runs" / "data" / f"npz-{prepared.digest[:12]}"


def test_a_worker_that_gets_it_pickled_opens_the_same_arrays(prepared: PreparedData, tmp_path: Path) -> None:
    images = pickle.loads(pickle.dumps(prepared)).open()
    assert np.array_equal(images.x_train, np.load(tmp_path / "in" / "a.npz")["x_train"])
    assert images.track_train is not None and images.track_train.tolist() == list(range(12))
    assert isinstance(images.x_train, np.memmap)
    assert digest(images) == prepared.digest


def test_the_second_time_the_source_is_not_read(prepared: PreparedData, tmp_path: Path) -> None:
    make_unreadable(tmp_path / "in" / "a.npz")
    assert prepare(own(tmp_path / "in"), tmp_path / "runs") == prepared


def test_what_is_only_staged_is_described_and_not_written(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.npz")
    staged = stage(own(tmp_path / "in"), tmp_path / "runs")
    assert (staged.data.n_train, staged.data.class_names) == (12, ("a", "b", "c"))
    assert not (tmp_path / "runs").exists()
    assert staged.store() == staged.data == prepare(own(tmp_path / "in"), tmp_path / "runs")
    assert digest(staged.data.open()) == staged.data.digest


def test_a_changed_file_is_prepared_again_beside_the_old(prepared: PreparedData, tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.npz", x_test=np.zeros((6, 8, 6, 3), np.uint8))
    again = prepare(own(tmp_path / "in"), tmp_path / "runs")
    assert again.digest != prepared.digest
    assert again.folder.is_dir() and prepared.folder.is_dir()


def test_the_same_data_from_another_file_share_a_folder(prepared: PreparedData, tmp_path: Path) -> None:
    shutil.copyfile(tmp_path / "in" / "a.npz", tmp_path / "in" / "b.npz")
    assert prepare(own(tmp_path / "in", "b.npz"), tmp_path / "runs") == prepared


@pytest.mark.parametrize("damage", ["folder gone", "array gone", "array cut", "array changed", "card cut", "index cut"])
def test_prepared_data_that_were_damaged_are_made_again(prepared: PreparedData, tmp_path: Path, damage: str) -> None:
    array = prepared.folder / "x_train.npy"
    match damage:
        case "folder gone":
            shutil.rmtree(prepared.folder)
        case "array gone":
            array.unlink()
        case "array cut":
            array.write_bytes(array.read_bytes()[:300])
        case "array changed":
            array.write_bytes(array.read_bytes()[:-1] + b"\0")
        case "card cut":
            (prepared.folder / "data.json").write_text("{")
        case "index cut":
            (tmp_path / "runs" / "data" / "index.json").write_text("[")
    assert prepare(own(tmp_path / "in"), tmp_path / "runs") == prepared
    assert digest(prepared.open()) == prepared.digest


def test_a_runs_folder_that_was_copied_is_used_as_it_is(prepared: PreparedData, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "runs", tmp_path / "copy", copy_function=shutil.copyfile)
    make_unreadable(tmp_path / "in" / "a.npz")
    copied = prepare(own(tmp_path / "in"), tmp_path / "copy")
    assert (copied.digest, copied.folder.parent) == (prepared.digest, tmp_path / "copy" / "data")


def test_another_process_that_was_quicker_is_no_harm(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.npz")
    command = [sys.executable, "-c", _PREPARE, str(tmp_path / "in"), str(tmp_path / "runs")]
    racers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = {racer.communicate(timeout=60)[0] for racer in racers}
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert len(answers) == 1
    assert len(list((tmp_path / "runs" / "data").iterdir())) == 2


_PREPARE = """
import sys
from pathlib import Path
from search.data.prepared import prepare
from studies.spec import DatasetSpec
spec = DatasetSpec(name="npz", dir=sys.argv[1], file="a.npz", suggested={"epochs": 1, "batch_size": 1})
print(prepare(spec, Path(sys.argv[2])))
"""


def test_digits_are_prepared_a_second_time_without_importing_anything_heavy(tmp_path: Path) -> None:
    spec = DatasetSpec(name="digits", suggested=SUGGESTED)
    first = prepare(spec, tmp_path / "runs")
    assert (first.n_train, first.n_test, first.input_shape) == (1000, 797, (32, 32, 3))
    program = (
        "import sys; from pathlib import Path; from search.data.prepared import prepare;"
        "from studies.spec import DatasetSpec;"
        "spec = DatasetSpec(name='digits', suggested={'epochs': 1, 'batch_size': 4});"
        "print(prepare(spec, Path(sys.argv[1])).digest);"
        "print({'sklearn', 'scipy', 'PIL', 'rich', 'pandas', 'keras', 'tensorflow'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "runs")]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.split() == [first.digest, "set()"]


@pytest.mark.parametrize(
    "change",
    [
        {"x_train": np.full((12, 8, 6, 3), 2.0)},
        {"y_test": np.full(6, 7)},
        {"x_test": np.array([object()])},
        {"y_train": np.arange(12) / 2},
    ],
    ids=["pixels out of range", "unknown class", "pickled", "float labels"],
)
def test_data_that_cannot_be_used_leave_nothing_behind(tmp_path: Path, change: dict[str, Any]) -> None:
    save(tmp_path / "in" / "a.npz", **change)
    with pytest.raises(InputError, match=r"a\.npz"):
        prepare(own(tmp_path / "in"), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_misspelt_file_gets_the_nearest_name(tmp_path: Path) -> None:
    save(tmp_path / "in" / "signs.npz")
    with pytest.raises(InputError, match=r"`dataset.file`.*'sings.npz'.*Did you mean 'signs.npz'\?"):
        prepare(own(tmp_path / "in", "sings.npz"), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_misspelt_folder_gets_the_nearest_name(tmp_path: Path) -> None:
    save(tmp_path / "pictures" / "a.npz")
    with pytest.raises(InputError, match=r"`dataset.dir`.*Did you mean 'pictures'\?"):
        prepare(own(tmp_path / "pictures_"), tmp_path / "runs")


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (DatasetSpec(name="npz", file="a.npz", suggested=SUGGESTED), "dataset.dir"),
        (DatasetSpec(name="gtsrb", suggested=SUGGESTED), "dataset.dir"),
        (DatasetSpec(name="npz", dir=".", suggested=SUGGESTED), "dataset.file"),
    ],
)
def test_a_field_that_is_not_given_is_named(tmp_path: Path, spec: DatasetSpec, field: str) -> None:
    with pytest.raises(InputError, match=f"`{field}`"):
        prepare(spec, tmp_path / "runs")


def test_a_runs_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.npz")
    (tmp_path / "runs").write_text("a file where the folder should be")
    with pytest.raises(InputError, match="`runs_dir` must be a folder that can be written"):
        prepare(own(tmp_path / "in"), tmp_path / "runs")
