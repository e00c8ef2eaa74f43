"""Who runs a study at this moment, as far as its folder tells."""

import fcntl
import re
import socket
from dataclasses import dataclass
from pathlib import Path

FILE_NAME = "coordinator.txt"
"""Written by whoever holds the study's lock, gone when it is let go: `process PID on HOST`."""
LOCK_NAME = "coordinator.lock"
"""The study's lock."""
TAKING_SECONDS = 0.3
"""How long who wants such a lock tries: who looks whether it is held (`may_be_alive`) has it for an instant."""
_NOTE = re.compile(r"process (\d+) on (\S+)")


@dataclass(frozen=True)
class Coordinator:
    """A process that runs a study."""

    process: int
    host: str

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}"

    def may_be_alive(self, lock: Path) -> bool:
        """Return whether the process is there; of another machine's, nobody here can say that it is not.

        Its number would not tell: in another container of this machine it is another process, or none.

        Args:
            lock: the file that the process has locked for as long as it lives.
        """
        return self.host != socket.gethostname() or _is_held(lock)


def coordinator(folder: Path) -> Coordinator | None:
    """Return who runs the study in `folder`, or None."""
    try:
        found = _NOTE.fullmatch((folder / FILE_NAME).read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError):
        return None
    noted = Coordinator(int(found[1]), found[2]) if found else None
    return noted if noted is not None and noted.may_be_alive(folder / LOCK_NAME) else None


def _is_held(lock: Path) -> bool:
    """Return whether a process of this machine has locked the file `lock`, of `filelock`, which uses `flock`.

    A shared lock is refused for as long as the other one is there; who wants that one in the instant in which this
    has it, tries for longer than an instant.
    """
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
