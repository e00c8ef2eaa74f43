"""Who runs a study at this moment, as far as its folder tells."""

import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

FILE_NAME = "coordinator.txt"
"""Written by whoever holds the study's lock, gone when it is let go: `process PID on HOST`."""
_NOTE = re.compile(r"process (\d+) on (\S+)")


@dataclass(frozen=True)
class Coordinator:
    """A process that runs a study."""

    process: int
    host: str

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}"

    def may_be_alive(self) -> bool:
        """Return whether the process is there; of another machine's, nobody here can say that it is not."""
        if self.host != socket.gethostname():
            return True
        try:
            os.kill(self.process, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:
            return True
        return True


def coordinator(folder: Path) -> Coordinator | None:
    """Return who runs the study in `folder`, or None.

    Read from the note beside the lock: to try the lock itself would turn away a coordinator that starts just then.
    """
    try:
        found = _NOTE.fullmatch((folder / FILE_NAME).read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError):
        return None
    noted = Coordinator(int(found[1]), found[2]) if found else None
    return noted if noted is not None and noted.may_be_alive() else None
