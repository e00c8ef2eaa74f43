"""Published datasets from a user's file, from Keras's cache, and without a network."""

import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.data.class_names import CIFAR100, PUBLISHED
from search.data.prepared import PreparedData, prepare
from studies.errors import InputError
from studies.spec import DatasetSpec, SuggestedTraining


def published(name: str, runs: Path, folder: Path | None = None) -> PreparedData:
    given: Any = {"name": name, "dir": folder and str(folder), "suggested": SuggestedTraining(epochs=1, batch_size=1)}
    return prepare(DatasetSpec.model_validate(given), runs, list[str]().append)


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of Keras's, and a proxy that no one answers at."""
    cache = tmp_path / "keras"
    cache.mkdir()
    monkeypatch.setenv("KERAS_HOME", str(cache))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    return cache


@pytest.mark.parametrize(("name", "classes"), [("cifar10", 10), ("cifar100", 100), ("fashion_mnist", 10)])
def test_a_file_of_the_user_is_read_and_its_classes_are_named(tmp_path: Path, name: str, classes: int) -> None:
    x, y = np.zeros((2 * classes, 8, 8, 3), np.uint8), np.arange(2 * classes) % classes
    np.savez(tmp_path / f"{name}.npz", x_train=x, y_train=y, x_test=x[:3], y_test=y[:3])
    data = published(name, tmp_path / "runs", tmp_path)
    assert data.class_names == PUBLISHED[name]
    assert (data.n_train, len(set(data.class_names))) == (2 * classes, classes)


def test_the_fine_classes_of_cifar100_are_in_alphabetical_order() -> None:
    assert list(CIFAR100) == sorted(CIFAR100)


def test_a_file_of_another_dataset_is_refused(tmp_path: Path) -> None:
    x, y = np.zeros((30, 8, 8, 3), np.uint8), np.arange(30) % 15
    np.savez(tmp_path / "cifar10.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    with pytest.raises(InputError, match=r"`y_train` in .*cifar10\.npz must hold classes from 0 to 9"):
        published("cifar10", tmp_path / "runs", tmp_path)


def test_what_keras_has_in_its_cache_is_read_once(tmp_path: Path, no_network: Path) -> None:
    cached = no_network / "datasets" / "fashion-mnist"
    cached.mkdir(parents=True)
    labels = np.arange(20, dtype=np.uint8) % 10
    pixels = np.arange(20 * 784, dtype=np.uint32).astype(np.uint8)
    for part in ("train", "t10k"):
        (cached / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bytes(8) + labels.tobytes()))
        (cached / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(16) + pixels.tobytes()))
    data = published("fashion_mnist", tmp_path / "runs")
    assert (data.n_train, data.n_test, data.input_shape) == (20, 20, (28, 28, 1))
    assert np.array_equal(data.open().x_train.ravel(), pixels)
    for file in cached.iterdir():
        file.unlink()
    assert published("fashion_mnist", tmp_path / "runs") == data


def test_without_a_network_it_is_said_what_was_tried_and_where_to_put_the_file(
    tmp_path: Path, no_network: Path
) -> None:
    with pytest.raises(InputError) as refusal:
        published("cifar10", tmp_path / "runs", tmp_path)
    said = str(refusal.value)
    assert re.match(r"cifar10 could not be read through keras.datasets \(.*https://.*cifar-10.*\)\. ", said)
    assert f"Put cifar10.npz (x_train, y_train, x_test, y_test) into {tmp_path}/; " in said
    assert said.endswith("`dataset=digits` needs no download.") and len(said.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_does_not_exist_is_not_taken_for_an_empty_one(tmp_path: Path, no_network: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(InputError, match=r"`dataset.dir` must be a folder.*Did you mean 'data'\?"):
        published("cifar10", tmp_path / "runs", tmp_path / "dta")
