"""Files and folders that are whole or absent, whenever the process that writes them is killed."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracking import atomic

ROOT = Path(__file__).parents[2]
OLD, NEW = b"old" * 1000, b"new" * 70_000

DYING = """
import os, signal, sys
from pathlib import Path
from tracking import atomic

place, what, steps = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
OLD, NEW = b"old" * 1000, b"new" * 70_000

def fill(draft):
    (draft / "a").write_bytes(NEW)
    (draft / "b").write_bytes(OLD)

def die(frame, event, argument):
    global steps
    if frame.f_code.co_filename not in (atomic.__file__, __file__):
        return None
    if event in ("line", "return"):
        steps -= 1
        if steps < 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return die

sys.settrace(die)
atomic.write_bytes(place / "file", NEW) if what == "file" else atomic.write_folder(place / "folder", fill)
sys.settrace(None)
"""
"""Does one write, and is killed (kill -9) before the given line of it, counted from 0."""

WRITING = """
import itertools, sys
from pathlib import Path
from tracking import atomic
place = Path(sys.argv[1])
for number in itertools.count():
    text = f"{number} " * 200_000
    atomic.write_text(place / "file", text)
    atomic.write_folder(place / f"folder{number}", lambda draft: [(draft / name).write_text(text) for name in "abc"])
    if number == 0:
        print("writing", flush=True)
"""


def start(tmp_path: Path, script: str, *arguments: str) -> "subprocess.Popen[str]":
    path = tmp_path / "script.py"
    path.write_text(script)
    # Without site-packages a process starts in no time; what is tested needs none.
    command = [sys.executable, "-S", str(path), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def visible(place: Path) -> list[str]:
    """What readers look at: a draft begins with a dot."""
    return sorted(path.name for path in place.iterdir() if not path.name.startswith("."))


def kills(tmp_path: Path, place: Path, what: str) -> Iterator[bool]:
    """Kill a write before its first line, its second and so on; yield each time, and True when it has survived."""
    for step in range(200):
        process = start(tmp_path, DYING, str(place), what, str(step))
        process.communicate(timeout=20)
        assert process.returncode in (0, -signal.SIGKILL)
        yield process.returncode == 0
        if process.returncode == 0:
            return


def test_a_file_whose_write_is_killed_at_any_line_is_the_old_one_or_the_new_one(tmp_path: Path, place: Path) -> None:
    found = []
    atomic.write_bytes(place / "file", OLD)
    for survived in kills(tmp_path, place, "file"):
        content = (place / "file").read_bytes()
        assert content in (OLD, NEW)
        assert visible(place) == ["file"]
        found.append(content)
        if not survived:
            atomic.write_bytes(place / "file", OLD)
    changed = found.index(NEW)
    assert changed >= 5, "it was killed before several lines"
    assert set(found[changed:]) == {NEW}, "once it is there, it stays"


def test_a_folder_whose_making_is_killed_at_any_line_is_absent_or_whole(tmp_path: Path, place: Path) -> None:
    found = []
    for _ in kills(tmp_path, place, "folder"):
        found.append(visible(place))
        if found[-1] == ["folder"]:
            contents = {path.name: path.read_bytes() for path in (place / "folder").iterdir()}
            assert contents == {"a": NEW, "b": OLD}
            for path in (place / "folder").iterdir():
                path.unlink()
            (place / "folder").rmdir()
    appeared = found.index(["folder"])
    assert appeared >= 8
    assert all(names == [] for names in found[:appeared])
    assert all(names == ["folder"] for names in found[appeared:])


@pytest.mark.parametrize("delay", [0.0, 0.011, 0.023, 0.037])
def test_nothing_that_a_killed_process_leaves_is_in_parts(tmp_path: Path, place: Path, delay: float) -> None:
    process = start(tmp_path, WRITING, str(place))
    assert process.stdout
    assert process.stdout.readline() == "writing\n"
    time.sleep(delay)
    process.kill()
    process.communicate()
    names = visible(place)
    assert {"file", "folder0"} <= set(names)
    for name in names:
        paths = [place / name] if name == "file" else [place / name / part for part in "abc"]
        words = {word for path in paths for word in path.read_text().split()}
        assert len(words) == 1
        assert all(len(path.read_text().split()) == 200_000 for path in paths)


def test_a_file_is_replaced_and_its_folder_made(tmp_path: Path) -> None:
    path = tmp_path / "not" / "yet" / "there.txt"
    atomic.write_text(path, "grün")
    atomic.write_text(path, "größer")
    assert path.read_text(encoding="utf-8") == "größer"
    assert visible(path.parent) == [path.name]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_write_that_fails_leaves_the_old_file_and_no_draft(place: Path) -> None:
    atomic.write_bytes(place / "file", OLD)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(NEW) // 2, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            atomic.write_bytes(place / "file", NEW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (place / "file").read_bytes() == OLD
    assert [path.name for path in place.iterdir()] == ["file"]


def test_a_folder_whose_filling_fails_leaves_nothing(place: Path) -> None:
    def fill(draft: Path) -> None:
        (draft / "a").write_bytes(NEW)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        atomic.write_folder(place / "folder", fill)
    assert list(place.iterdir()) == []


def test_a_folder_is_never_replaced(place: Path) -> None:
    def fill(draft: Path) -> None:
        (draft / "a").touch()

    atomic.write_folder(place / "folder", fill)
    with pytest.raises(FileExistsError, match="a finished folder is never replaced"):
        atomic.write_folder(place / "folder", fill)
    assert (place / "folder").stat().st_mode & 0o777 == 0o755
