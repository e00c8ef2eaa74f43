"""How a command ends its process."""

import gc
import sys
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """Exit with `code`, but spare the garbage collector its last walk through everything that was imported.

    The system takes the memory back anyway, and the walk is 0.3 s of a study's end, 0.7 s where MLflow was imported.
    """
    gc.freeze()
    sys.exit(code)
