"""One coordinator a study, with real second processes."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from search.lock import StudyLock
from studies.errors import InputError

HOLDER = """
import sys
from pathlib import Path
from search.lock import StudyLock
from studies.errors import InputError
lock = StudyLock(Path(sys.argv[1]))
sys.stdin.readline()
try:
    lock.acquire()
    print("held", flush=True)
    sys.stdin.readline()
    lock.release()
except InputError as error:
    print(error, flush=True)
"""


def write_line(process: "subprocess.Popen[str]") -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def read_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "small"


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    """Return a function that starts a process, which takes the lock at the first line and releases it at the second."""
    started: list[subprocess.Popen[str]] = []

    def begin() -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", HOLDER, str(folder)]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


Start = Callable[[], "subprocess.Popen[str]"]


def hold(start: Start) -> "subprocess.Popen[str]":
    process = start()
    write_line(process)
    assert read_line(process) == "held"
    return process


def test_a_second_process_is_told_who_runs_the_study_and_what_to_do(folder: Path, start: Start) -> None:
    holder = hold(start)
    for take in (StudyLock(folder).acquire, StudyLock(folder).acquire_if_contended):
        with pytest.raises(InputError) as caught:
            take()
        assert str(caught.value) == (
            f"Study 'small' is being run by process {holder.pid} on {socket.gethostname()}. A study has one "
            "coordinator at a time: wait for it, stop it, or give this one another name with study.name=NAME."
        )


def test_the_lock_is_free_when_its_holder_is_done(folder: Path, start: Start) -> None:
    holder = hold(start)
    write_line(holder)
    assert holder.wait(timeout=20) == 0
    assert not (folder / "coordinator.txt").exists()
    lock = StudyLock(folder)
    lock.acquire()
    lock.release()


def test_the_lock_is_free_when_its_holder_is_killed(folder: Path, start: Start) -> None:
    holder = hold(start)
    holder.kill()
    holder.wait()
    lock = StudyLock(folder)
    lock.acquire_if_contended()
    assert (folder / "coordinator.txt").read_text() == f"process {os.getpid()} on {socket.gethostname()}"
    second = start()
    write_line(second)
    assert f"is being run by process {os.getpid()} on " in read_line(second), "not by the one that died"
    lock.release()


def test_of_several_that_ask_at_once_one_is_given_the_lock(start: Start) -> None:
    processes = [start() for _ in range(4)]
    for process in processes:
        write_line(process)
    answers = [read_line(process) for process in processes]
    assert answers.count("held") == 1
    assert sum("Study 'small' is being run by " in answer for answer in answers) == 3


def test_a_study_that_never_ran_is_not_written_to_before_it_is_known_to_be_sound(folder: Path) -> None:
    StudyLock(folder).acquire_if_contended()
    assert not folder.parent.exists()


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_trained_for_it(folder: Path) -> None:
    folder.parent.write_text("a file, where the folder of all studies should be")
    with pytest.raises(InputError) as caught:
        StudyLock(folder).acquire_if_contended()
    runs = str(folder.parent)
    assert str(caught.value) == (
        f"`runs_dir` must be a folder that can be written. Received: {runs!r} ({runs} is a file)."
    )


def test_asking_again_for_a_lock_that_one_holds_and_releasing_one_that_one_does_not_are_harmless(
    folder: Path, start: Start
) -> None:
    lock, other = StudyLock(folder), StudyLock(folder)
    lock.acquire()
    lock.acquire()
    lock.acquire_if_contended()
    other.release()
    assert (folder / "coordinator.txt").exists(), "what is not ours is not removed"
    second = start()
    write_line(second)
    assert "is being run by" in read_line(second)
    lock.release()
    lock.release()
    write_line(hold(start))


def test_two_studies_do_not_wait_for_each_other(folder: Path, start: Start) -> None:
    hold(start)
    lock = StudyLock(folder.parent / "another")
    lock.acquire()
    lock.release()


def test_a_runs_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(
        InputError, match=r"`runs_dir` must be a folder that can be written\. Received: .*runs'"
    ) as caught:
        StudyLock(tmp_path / "runs" / "small").acquire()
    assert len(str(caught.value).splitlines()) == 1
