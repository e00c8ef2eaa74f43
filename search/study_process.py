"""A study that runs in a process of its own: started here, or found running after the scheduler was killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from shlex import join

from studies.secrets import masked


class StudyProcess:
    """A `python -m search.run` to watch and to stop."""

    def __init__(self, process: int, child: "subprocess.Popen[bytes] | None" = None) -> None:
        self.process = process
        self._child = child

    @classmethod
    def start(cls, arguments: Sequence[str], log: Path, now: datetime) -> "StudyProcess":
        """Start `python -m search.run` with `arguments`; what it prints is added to `log`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "search.run", *arguments]
        with log.open("ab") as output:
            said = masked(join(["python", *command[1:]]))
            output.write(f"--- {now.astimezone():%Y-%m-%d %H:%M:%S} {said}\n".encode())
            output.flush()
            # A session of its own: Ctrl-C on a terminal is for the scheduler, which says it on in its own way.
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        return cls(child.pid, child)

    @classmethod
    def find(cls, process: int | None) -> "StudyProcess | None":
        """Return the study that runs as `process`, of an earlier scheduler; None if it is gone."""
        found = cls(process) if process is not None else None
        return found if found is not None and found.is_running() else None

    @property
    def exit_code(self) -> int | None:
        """How it ended; None if it was found running, or still runs."""
        return self._child.poll() if self._child is not None else None

    def is_running(self) -> bool:
        """Return whether it has not ended."""
        if self._child is not None:
            return self._child.poll() is None
        try:
            # Another process may have got its number since.
            return b"search.run" in Path(f"/proc/{self.process}/cmdline").read_bytes()
        except OSError:
            return False

    def stop(self) -> None:
        """Ask it to start no more trials; said again, to abandon those that run (see `search.interruption`)."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        if self.is_running():
            os.kill(self.process, number)


def last_line(log: Path) -> str:
    """Return the last line that a study printed, without credentials."""
    try:
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    except OSError:
        return ""
    said = lines[-1] if lines and not lines[-1].startswith("--- ") else "it said nothing"
    return masked(said.strip())[:300]
