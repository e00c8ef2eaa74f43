"""Run a study: `python -m search.run study=NAME`. Finished trials are kept; the rest is trained."""

import errno
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from search.closing_time import EXIT_TIME_UP, OPTION, moment_ahead
from studies.command import Arguments, guarded, parse, print_configuration
from studies.leaving import leave
from studies.secrets import masked

if TYPE_CHECKING:
    from rich.console import Console

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main(argv: Sequence[str]) -> int:
    """Run the study that `argv` names.

    Returns:
        0; 1 if trials failed, the disk is full or Optuna's storage was lost; 2 for bad input; 75 if the time was up
        (`until`); 130 after Ctrl-C and 143 after SIGTERM.
    """
    # Before and after the trials, which have their own way to stop, SIGTERM unwinds what is open, workers included.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    arguments = parse(argv, "search.run", "Run a study: train what has no record yet, then test and report.", [OPTION])
    if arguments.show_config:
        return guarded(lambda: print_configuration(arguments))
    return guarded(lambda: _run(arguments))


def _run(arguments: Arguments) -> int:
    from studies.compose import compose  # Not above: workers import their command again, and Hydra takes 0.1 s.

    until = moment_ahead(arguments.options["until"], datetime.now()) if "until" in arguments.options else None
    spec = compose(arguments.overrides, arguments.config_dirs)
    if until is not None and until <= datetime.now().astimezone():
        print(f"The time is up: it was {until:%Y-%m-%d %H:%M} before anything started.", file=sys.stderr)
        return EXIT_TIME_UP

    from search import storage
    from search.ablation import run_ablation
    from search.lock import StudyLock
    from search.searching import run_search
    from search.session import Session
    from tracking.address import resolve

    resolve(spec.tracking_uri, Path(spec.runs_dir))  # An address that is none is said before anything trains.
    storage.check(storage.resolve(spec.storage, Path(spec.runs_dir)))
    lock = StudyLock(Path(spec.runs_dir) / spec.study.name)
    try:
        lock.acquire_if_contended()
        session = Session(arguments, spec, _console(), lock, until)
        session.ask_tracking_server()
        return run_search(session) if spec.study.kind == "search" else run_ablation(session)
    except (storage.StorageLostError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_ROOM:
            raise
        again = masked(arguments.command("search.run"))
        folder = f"{spec.runs_dir}/{spec.study.name}"
        print(f"{error}\nEvery finished trial is saved in {folder}/. To continue:\n  {again}", file=sys.stderr)
        return 1
    finally:
        lock.release()


def _console() -> "Console":
    from rich.console import Console

    # Without a terminal there is no width to keep to; tables need about this much.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 100)


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
