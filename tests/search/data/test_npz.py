"""An npz file is read without believing it: damage is one line, and nothing is unpickled."""

import io
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.data.check import check_images
from search.data.npz import read_arrays
from studies.errors import InputError

WHOLE: dict[str, Any] = {
    "x_train": np.arange(12 * 16, dtype=np.uint8).reshape(12, 4, 4, 1),
    "y_train": np.arange(12) % 3,
    "x_test": np.arange(6 * 16, dtype=np.uint8).reshape(6, 4, 4, 1),
    "y_test": np.arange(6) % 3,
}


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


def with_entry(path: Path, name: str, content: bytes, compression: int = zipfile.ZIP_STORED) -> Path:
    """Write `WHOLE` with the entry `name` replaced by `content`."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for other, array in WHOLE.items():
            if other != name:
                archive.writestr(f"{other}.npy", npy(array))
        archive.writestr(f"{name}.npy", content)
    return path


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def header(text: str, version: tuple[int, int] = (1, 0)) -> bytes:
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(text) + 1) + text.encode() + b"\n"


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as error:
        read_arrays(path)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_what_numpy_saved_is_read_back(tmp_path: Path, save: Any) -> None:
    save(tmp_path / "a.npz", **WHOLE, class_names=np.array(["a", "b", "c"]), unrelated=np.zeros(3))
    arrays = read_arrays(tmp_path / "a.npz")
    assert list(arrays) == [*WHOLE, "class_names"]
    assert all(np.array_equal(arrays[name], array) for name, array in WHOLE.items())


def test_arrays_in_fortran_order_are_read_right(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{**WHOLE, "x_train": np.asfortranarray(WHOLE["x_train"])})
    assert np.array_equal(read_arrays(tmp_path / "a.npz")["x_train"], WHOLE["x_train"])


def test_missing_arrays_are_listed_with_the_nearest_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=WHOLE["x_train"], y_train=WHOLE["y_train"], x_tset=WHOLE["x_test"])
    message = refusal(tmp_path / "a.npz")
    assert "Missing: x_test, y_test." in message and "Did you mean 'x_tset'?" in message


def test_names_in_the_file_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{"\x1b[2Jx_train\n": WHOLE["x_train"]})
    assert refusal(tmp_path / "a.npz").isprintable()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    np.savez_compressed(tmp_path / "a.npz", **WHOLE)
    content = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(content[: int(share * len(content))])
    assert "must be a whole npz file" in refusal(tmp_path / "a.npz")


def test_a_single_array_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(npy(WHOLE["x_train"]))
    assert "numpy.savez" in refusal(tmp_path / "a.npz")


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    assert "never loaded" in refusal(tmp_path / "a.npz")
    assert not (tmp_path / "ran").exists()


def test_a_pickled_array_is_refused_by_name_and_not_run(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{**WHOLE, "x_test": np.array([Bomb(tmp_path / "ran")], dtype=object)})
    message = refusal(tmp_path / "a.npz")
    assert "`x_test`" in message and "never loaded" in message
    assert not (tmp_path / "ran").exists()


def test_a_pickled_array_that_nobody_asked_for_is_left_alone(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **WHOLE, notes=np.array([Bomb(tmp_path / "ran")], dtype=object))
    assert set(read_arrays(tmp_path / "a.npz")) == set(WHOLE)
    assert not (tmp_path / "ran").exists()


ABSURD = {
    "more than the entry holds": header("{'descr': '|u1', 'fortran_order': False, 'shape': (10000000000, 32, 32, 3)}"),
    "more than any machine holds": header(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2**0, 9" + "9" * 30 + ")}"
    ),
    "less than the entry holds": header("{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}") + b"abc",
    "a negative length": header("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, -4)}") + b"abcd",
    "code": header("__import__('os').getcwd()"),
    "deep nesting": header("(" * 3000),
    "no dtype": header("{'descr': 'nonsense', 'fortran_order': False, 'shape': (1,)}") + b"a",
    "a later version": header("{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}", (9, 0)) + b"a",
    "no header": b"hello",
    "nothing": b"",
}


@pytest.mark.parametrize("case", ABSURD)
def test_an_entry_that_claims_something_absurd_is_refused_by_name(tmp_path: Path, case: str) -> None:
    message = refusal(with_entry(tmp_path / "a.npz", "x_train", ABSURD[case]))
    assert "`x_train`" in message and "damaged" in message


def test_an_entry_that_claims_impossible_compression_is_refused(tmp_path: Path) -> None:
    path = with_entry(tmp_path / "a.npz", "x_train", npy(WHOLE["x_train"]), zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")  # the directory's last entry is x_train; its size is at byte 24
    content[entry + 24 : entry + 28] = struct.pack("<I", 4_000_000_000)
    path.write_bytes(bytes(content))
    assert "cannot hold 4,000,000,000" in refusal(path)


def test_an_unusual_compression_is_refused(tmp_path: Path) -> None:
    path = with_entry(tmp_path / "a.npz", "x_train", npy(WHOLE["x_train"]), zipfile.ZIP_LZMA)
    assert "numpy.savez" in refusal(path)


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **WHOLE)
    content = (tmp_path / "a.npz").read_bytes()
    changed = content.replace(WHOLE["x_train"].tobytes(), WHOLE["x_train"].tobytes()[::-1])
    assert changed != content
    (tmp_path / "a.npz").write_bytes(changed)
    assert "`x_train`" in refusal(tmp_path / "a.npz")


def test_no_damage_gets_past_as_a_traceback(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", **WHOLE)
    content = (tmp_path / "a.npz").read_bytes()
    chance = np.random.default_rng(1)
    refused = 0
    for _ in range(400):
        damaged = bytearray(content)
        for place in chance.integers(0, len(damaged), 4):
            damaged[place] = chance.integers(0, 256)
        (tmp_path / "b.npz").write_bytes(damaged)
        try:
            check_images(read_arrays(tmp_path / "b.npz"), "b.npz")
        except InputError:
            refused += 1
    assert refused > 200
