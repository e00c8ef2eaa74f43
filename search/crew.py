"""The studies that the scheduler has running: started, watched, taken over after a restart, and stopped."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from signal import SIGINT, SIGTERM

from search.closing_time import EXIT_TIME_UP
from search.diary import Diary, Place
from search.interruption import GRACE_SECONDS
from search.schedule_state import WorkState, state_folder
from search.study_process import StudyProcess, last_line

_END_SECONDS = 30.0
"""What a study gets to end after its trials have: together with their grace less than compose's two minutes."""
_ATTEMPTS = 3
"""How often in a night a study is started whose process gets killed."""
_BY_HAND = (128 + SIGINT, 128 + SIGTERM)
_WORDS: dict[WorkState, str] = {
    "waiting": "was interrupted and goes on",
    "running": "runs",
    "done": "is done",
    "left": "goes on in the next night",
    "failed": "failed",
}


class Crew:
    """The processes of one scheduler's studies."""

    def __init__(self, runs_dir: Path, diary: Diary, say: Callable[[str], None]) -> None:
        """Watch the studies that `diary` says are running; those that are not any more wait to go on."""
        self._folder, self._diary, self._say = state_folder(runs_dir), diary, say
        self._processes: dict[Place, StudyProcess] = {}
        for place, work in list(diary.works("running")):
            process = StudyProcess.find(work.process)
            if process is None:
                diary.settle(place, "waiting")
                say(f"{place[0]}: {work.study} was interrupted and goes on.")
            else:
                self._processes[place] = process
                say(f"{place[0]}: {work.study} still runs, as process {process.process}.")

    def __len__(self) -> int:
        """Return how many run."""
        return len(self._processes)

    def start(self, place: Place, arguments: Sequence[str], now: datetime) -> None:
        """Start the study at `place`: `python -m search.run` with `arguments`."""
        work, log = self._diary.work(place), self._log(place)
        process = StudyProcess.start(arguments, log, now)
        self._processes[place] = process
        self._diary.start(place, process.process)
        self._say(f"{place[0]}: {work.study} starts; what it says is in {log}.")

    def take_ended(self) -> None:
        """Note how those ended that have."""
        for place, process in list(self._processes.items()):
            if not process.is_running():
                self._settle(place, *self._verdict(place, process.exit_code))

    def stop(self, hurry: Callable[[], bool]) -> None:
        """Let running trials end for a while, then end all; what was interrupted waits to go on.

        Args:
            hurry: whether running trials are to be abandoned before their time is up.
        """
        for process in self._processes.values():
            process.stop()
        self._wait(GRACE_SECONDS + _END_SECONDS / 2, hurry)
        for process in self._processes.values():
            process.stop()
        self._wait(_END_SECONDS / 2)
        for place, process in list(self._processes.items()):
            process.kill()
            self._settle(place, "done" if process.exit_code == 0 else "waiting")

    def _wait(self, seconds: float, hurry: Callable[[], bool] = lambda: False) -> None:
        end = time.monotonic() + seconds
        while any(one.is_running() for one in self._processes.values()) and time.monotonic() < end and not hurry():
            time.sleep(0.1)

    def _verdict(self, place: Place, code: int | None) -> tuple[WorkState, str]:
        """Return what becomes of a study whose process ended with `code`, and why if it failed."""
        if code is None:  # Nobody knows how it ended: its next start will tell, and trains nothing twice.
            return "waiting", ""
        if code == 0:
            return "done", ""
        if code == EXIT_TIME_UP or code in _BY_HAND:
            return "left", ""
        if code > 0:
            return "failed", last_line(self._log(place))
        if self._diary.work(place).attempts < _ATTEMPTS:
            return "waiting", ""
        return "failed", f"its process was ended by signal {-code}, {_ATTEMPTS} times"

    def _settle(self, place: Place, state: WorkState, note: str = "") -> None:
        unseen = self._processes.pop(place).exit_code is None and state == "waiting"
        self._diary.settle(place, state, note)
        said = "has ended, nobody saw how, and is started once more" if unseen else _WORDS[state]
        self._say(f"{place[0]}: {self._diary.work(place).study} {said}{f': {note}' if note else '.'}")

    def _log(self, place: Place) -> Path:
        return self._folder / f"{self._diary.work(place).study}.log"
