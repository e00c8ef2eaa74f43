"""Run studies at night: `python -m search.schedule`, which goes on until it is stopped."""

import argparse
import importlib.util
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from studies.command import add_config_dir, guarded, listed
from studies.errors import InputError, unknown
from studies.leaving import leave
from tracking.arguments import named_values

if TYPE_CHECKING:
    from search.scheduler import Scheduler
    from search.timetable import Schedule

_ARGUMENTS = {
    "schedule": "which schedules, separated by commas; default all in schedule/ here and in each --config-dir",
    "runs_dir": "folder of the studies' records, the briefs, and what the scheduler remembers; default runs",
    "dry_run": "true: show the next seven nights of each schedule, and start nothing; default false",
}
_NIGHTS = 7


def main(argv: Sequence[str]) -> int:
    """Keep the schedules that `argv` names.

    Returns:
        0 for a dry run; 2 for bad input; 130 after Ctrl-C and 143 after SIGTERM, everything saved.
    """
    parser = argparse.ArgumentParser(
        prog="python -m search.schedule",
        description="Run the studies of schedule/NAME.yaml at night, and write the brief in the morning.",
        epilog=listed([(f"{name}=", meaning) for name, meaning in _ARGUMENTS.items()]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("arguments", nargs="*", metavar="name=value", help="see below")
    add_config_dir(parser, "schedule/NAME.yaml (and study/, dataset/, executor/)")
    given = parser.parse_args(argv)
    return guarded(lambda: _run(given.arguments, given.config_dir))


def _run(arguments: Sequence[str], config_dirs: Sequence[Path]) -> int:
    if importlib.util.find_spec("apscheduler") is None:
        raise InputError("APScheduler is not installed. To install it: pip install -c constraints.txt -e '.[service]'")
    from search.timetable import read_timetable

    options = named_values(arguments, tuple(_ARGUMENTS))
    if options.get("dry_run", "false") not in ("true", "false"):
        raise unknown("dry_run", options["dry_run"], ("true", "false"))
    runs_dir = Path(options.get("runs_dir", "runs"))
    timetable = read_timetable(options.get("schedule"), config_dirs, runs_dir)
    if options.get("dry_run") == "true":
        from search.coming_nights import show

        show(timetable, datetime.now(UTC), _NIGHTS)
        return 0
    return _keep(timetable, runs_dir, config_dirs)


def _keep(timetable: "Sequence[Schedule]", runs_dir: Path, config_dirs: Sequence[Path]) -> int:
    from filelock import FileLock, Timeout

    from search.schedule_state import lock_file, state_folder
    from search.scheduler import Scheduler
    from tracking.coordinator import TAKING_SECONDS

    received: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _: received.append(got))
    lock = FileLock(lock_file(runs_dir), timeout=TAKING_SECONDS)
    try:
        state_folder(runs_dir).mkdir(parents=True, exist_ok=True)
        lock.acquire()
        scheduler = Scheduler(timetable, runs_dir, config_dirs, _say, datetime.now(UTC))
    except Timeout:
        raise InputError(f"`runs_dir` must have one scheduler only. Received: {str(runs_dir)!r}, which has.") from None
    except OSError as error:
        raise InputError(f"`runs_dir` must be a folder that can be written ({error}).") from None
    try:
        _say(f"Keeping {', '.join(one.name for one in timetable)}.")
        _tick_until(received, scheduler)
        _say("Stopping: nothing more starts, and running trials may end. Once more, and they are abandoned.")
        scheduler.stop(lambda: len(received) > 1, lambda: datetime.now(UTC))
    finally:
        lock.release()
    _say("Stopped. What was interrupted goes on when the scheduler is back.")
    return 128 + received[0]


def _tick_until(received: Sequence[int], scheduler: "Scheduler") -> None:
    """Keep the schedules until a signal is `received`."""
    trouble = ""
    while not received:
        try:
            scheduler.tick(datetime.now(UTC))
            trouble = ""
        except OSError as error:  # Such as a full disk, which may have room again in a while.
            if str(error) != trouble:
                trouble = str(error)
                _say(f"Trying on: {trouble}")
        time.sleep(1.0)


def _say(text: str) -> None:
    print(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S} {text}", flush=True)


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
