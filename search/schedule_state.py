"""What the scheduler was doing: `runs/schedule/state.json`, written whole whenever something changes."""

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from studies.declaration import Declaration
from tracking import atomic

WorkState = Literal["waiting", "running", "done", "left", "failed"]


class Work(Declaration):
    """One study of one night."""

    study: str
    """Its folder's name under `runs/`."""
    asked: str
    """Study and overrides as the schedule has them, without credentials."""
    state: WorkState = "waiting"
    """`left`: the night was over, or somebody stopped it, before it was done; it goes on in the next one."""
    note: str = ""
    """Why it failed, in a line."""
    process: int | None = None
    """While it runs."""
    attempts: int = 0
    """How often it was started in this night."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more becomes of it in this night."""
        return self.state not in ("waiting", "running")


class NightWork(Declaration):
    """The last night of a schedule, over or not."""

    start: datetime
    end: datetime
    works: tuple[Work, ...]
    briefed: bool = False

    @property
    def is_over(self) -> bool:
        """Whether no study of it waits or runs."""
        return all(work.is_over for work in self.works)


class Upcoming(Declaration):
    """A schedule, and its next night."""

    schedule: str
    timezone: str
    window: str
    start: datetime | None
    """None: it never comes again."""
    end: datetime | None
    studies: tuple[str, ...]


class SchedulerState(Declaration):
    """All that a scheduler needs to go on after a restart."""

    process: int | None = None
    """None: it ended in an orderly way."""
    host: str = ""
    handled: dict[str, datetime] = Field(default={})
    """By schedule: nights that began up to this moment were seen to."""
    nights: dict[str, NightWork] = Field(default={})
    """By schedule."""
    coming: tuple[Upcoming, ...] = ()


def state_folder(runs_dir: Path) -> Path:
    """Return where the scheduler of `runs_dir` keeps its state, its lock and what studies print."""
    return runs_dir / "schedule"


def lock_file(runs_dir: Path) -> Path:
    """Return what the scheduler of `runs_dir` has locked for as long as it lives."""
    return state_folder(runs_dir) / "lock"


def read_state(runs_dir: Path) -> SchedulerState | None:
    """Return the state on disk; None if there is none that can be read."""
    try:
        return SchedulerState.model_validate_json((state_folder(runs_dir) / "state.json").read_bytes())
    except (OSError, ValidationError):
        return None


def write_state(runs_dir: Path, state: SchedulerState) -> None:
    """Put `state` on disk."""
    atomic.write_text(state_folder(runs_dir) / "state.json", state.model_dump_json(indent=1))
