"""Whether a process has ended, which may be nobody's child any more."""

import psutil


def is_gone(process: int) -> bool:
    """Return whether the process of that id has ended; where nobody asks how orphans ended, their names stay."""
    try:
        return bool(psutil.Process(process).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
