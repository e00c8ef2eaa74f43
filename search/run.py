"""Run a study: `python -m search.run study=NAME`. Finished trials are kept; the rest is trained."""

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from studies.command import Arguments, guarded, parse, print_configuration
from studies.compose import compose

if TYPE_CHECKING:
    from rich.console import Console


def main(argv: Sequence[str]) -> int:
    """Run the study that `argv` names.

    Returns:
        0; 1 if trials failed; 2 for bad input; 130 after Ctrl-C and 143 after SIGTERM.
    """
    # Before and after the trials, which have their own way to stop, SIGTERM unwinds what is open, workers included.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    arguments = parse(argv, "search.run", "Run a study: train what is not recorded yet, then test and report.")
    if arguments.show_config:
        return guarded(lambda: print_configuration(arguments))
    return guarded(lambda: _run(arguments))


def _run(arguments: Arguments) -> int:
    spec = compose(arguments.overrides, arguments.config_dirs)

    from search.ablation import run_ablation
    from search.lock import StudyLock
    from search.searching import run_search
    from search.session import Session
    from tracking.address import resolve

    resolve(spec.tracking_uri, Path(spec.runs_dir))  # An address that is none is said before anything trains.
    lock = StudyLock(Path(spec.runs_dir) / spec.study.name)
    try:
        lock.acquire_if_contended()
        session = Session(arguments, spec, _console(), lock)
        return run_search(session) if spec.study.kind == "search" else run_ablation(session)
    finally:
        lock.release()


def _console() -> "Console":
    from rich.console import Console

    # Without a terminal there is no width to keep to; tables need about this much.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 100)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
