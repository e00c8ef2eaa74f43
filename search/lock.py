"""One coordinator a study: a lock that the operating system lets go of when its holder dies."""

import os
import socket
from pathlib import Path

from filelock import FileLock, Timeout

from studies.errors import InputError
from tracking import coordinator


class StudyLock:
    """The right to run the study in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owner = folder / coordinator.FILE_NAME
        self._lock = FileLock(folder / coordinator.LOCK_NAME)

    def acquire_if_contended(self) -> None:
        """Take the lock now if the study has been run before, so that a second coordinator hears at once.

        Otherwise nothing is written; `acquire` follows when the study is known to be sound.

        Raises:
            InputError: another process has it, or it is plain that the folder cannot be written.
        """
        if os.access(self._folder / coordinator.LOCK_NAME, os.F_OK):
            self.acquire()
            return
        there = next(place for place in (self._folder, *self._folder.parents) if os.access(place, os.F_OK))
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            raise self._unwritable(f"{there} is {'not writable' if there.is_dir() else 'a file'}")

    def acquire(self) -> None:
        """Take the lock, if it is not held already.

        Raises:
            InputError: another process has it, or the folder cannot be written.
        """
        if self._lock.is_locked:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=coordinator.TAKING_SECONDS)
            self._owner.write_text(str(coordinator.Coordinator(os.getpid(), socket.gethostname())))
        except Timeout:
            owner = self._owner.read_text() if self._owner.exists() else "another process"
            raise InputError(
                f"Study {self._folder.name!r} is being run by {owner}. A study has one coordinator at a time: wait for "
                "it, stop it, or give this one another name with study.name=NAME."
            ) from None
        except OSError as error:
            raise self._unwritable(str(error)) from None

    def release(self) -> None:
        """Let go of the lock, if it is held."""
        if self._lock.is_locked:
            self._owner.unlink(missing_ok=True)
            self._lock.release()

    def _unwritable(self, why: str) -> InputError:
        return InputError(
            f"`runs_dir` must be a folder that can be written. Received: {str(self._folder.parent)!r} ({why})."
        )
