"""Writes a study's report again and again while it runs, so that a sweep can be watched.

`Reporter` keeps this module running in a process of its own, in which nothing can happen to the study. A thread of the
coordinator would not do: at low priority it may be put to sleep with Python's lock in its hand, and the loop that
starts the trials would sleep with it.
"""

import contextlib
import os
import select
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from studies.errors import InputError
from tracking import beside

FIRST_SECONDS = 60.0
"""A study has trained for so long when its first page is begun; a shorter one has its report soon enough anyway."""
SHORTEST_SECONDS = 15.0
"""The least time between two pages."""
_SHARE = 0.01
"""Of the machine's processors, what all pages together may take: the next page waits until the last is paid for."""
_RESTARTS = 2


class Reporter:
    """Has the report of one running study written now and then; never waits, and never raises."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        """Watch the study in `folder` (`runs/STUDY`); `say` is given one line if its report cannot be written."""
        self._folder, self._say = folder, say
        self._started = time.monotonic()
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._silent = False
        self._ended = False

    def nudge(self) -> None:
        """Say that there is a new record."""
        if self._ended or time.monotonic() - self._started < FIRST_SECONDS:
            return
        self._listen()
        if self._process is None or (self._process.poll() is not None and self._starts <= _RESTARTS):
            self._start()
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):  # A full pipe has nudges enough; a broken one means that it ended.
                os.write(self._process.stdin.fileno(), b"\n")

    def finish(self, timeout_seconds: float) -> None:
        """Have the page say that the study has stopped, within `timeout_seconds`; a study without a page gets none."""
        self._ended = True
        if self._process is not None:
            with contextlib.suppress(OSError):
                if self._process.stdin is not None:
                    self._process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_seconds)
        self.stop()

    def stop(self) -> None:
        """End at once; every file is whole, and who goes on writes the report."""
        self._ended = True
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._listen()

    def _start(self) -> None:
        self._starts += 1
        command = (sys.executable, "-m", "tracking.reporter", str(self._folder))
        try:
            process = beside.start(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except OSError as error:
            self._say_once(str(error))
            return
        if process.stdout is not None:
            os.set_blocking(process.stdout.fileno(), False)
        self._process = process

    def _listen(self) -> None:
        """Pass on the first line with which the process says what went wrong."""
        if self._process is None or self._process.stdout is None:
            return
        with contextlib.suppress(OSError):
            said = os.read(self._process.stdout.fileno(), 4096).decode(errors="replace").splitlines()
            if said:
                self._say_once(said[0])

    def _say_once(self, reason: str) -> None:
        if not self._silent:
            self._silent = True
            self._say(f"The report of the running study was not written ({reason}). The study goes on.")


def main(arguments: Sequence[str]) -> int:
    """Write the report of the study in the folder that is given whenever standard input says that there is news."""
    [folder] = arguments
    beside.give_way()
    os.environ["MPLBACKEND"] = "agg"
    follow(Path(folder), sys.stdin.fileno(), _say)
    return 0


def follow(folder: Path, nudges: int, complain: Callable[[str], None]) -> None:
    """Write the report of the study in `folder` after nudges, until `nudges` is closed; then that it has stopped.

    Args:
        folder: `runs/STUDY`.
        nudges: a file descriptor; every byte on it says that there is a new record.
        complain: is given a line for each report that could not be written.
    """
    paid = 0.0  # The imports count for the first page.
    due = time.monotonic()
    while _nudged(nudges, None):
        if not _waited(nudges, due):
            break
        _write(folder, True, complain)
        used = time.process_time()
        due = time.monotonic() + pause(used - paid)
        paid = used
    _write(folder, False, complain)


def pause(cpu_seconds: float) -> float:
    """Return how many seconds pay for a page that took `cpu_seconds` of a processor."""
    return max(SHORTEST_SECONDS, cpu_seconds / (_SHARE * len(os.sched_getaffinity(0))))


def _write(folder: Path, running: bool, complain: Callable[[str], None]) -> None:
    from tracking.report_writer import NotConfirmedError, NothingFinishedError, write_report

    try:
        write_report(folder, running)
    except (NothingFinishedError, NotConfirmedError):  # The page of a search that is not confirmed yet is written.
        return
    except InputError as error:
        complain(" ".join(str(error).split()))
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        complain(f"{type(error).__name__} in {place.name}: {' '.join(str(error).split())}")


def _nudged(nudges: int, seconds: float | None) -> bool:
    """Wait for a nudge, for `seconds` at most; return whether nudges may still come."""
    ready, _, _ = select.select([nudges], [], [], seconds)
    return not ready or bool(os.read(nudges, 65536))


def _waited(nudges: int, due: float) -> bool:
    """Wait until `due`; return whether nudges may still come."""
    while (left := due - time.monotonic()) > 0:
        if not _nudged(nudges, left):
            return False
    return True


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # Nobody may be left to hear it.
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
