"""Where every study stands, read from its folder alone: what is done, what failed, and when the rest will be."""

import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import fmean

from search.candidate import cells
from search.grid import most_settings
from studies.errors import InputError
from studies.spec import StudySpec
from tracking.coordinator import FILE_NAME as COORDINATOR
from tracking.coordinator import coordinator
from tracking.manifest import FILE_NAME, SearchManifest, StudyManifest, read_manifest
from tracking.record import RecordStore

_PACE_OF = 20
"""Trials whose times say how long the next ones take."""


@dataclass(frozen=True)
class Standing:
    """One study."""

    study: str
    running: str
    """Who runs it, in words; empty if nobody does."""
    done: int
    planned: int
    """Of a search: the trials of its settings and of its confirmation, if none is pruned and none comes twice."""
    failures: tuple[tuple[str, int, str], ...]
    """Arm, seed and reason of trials that failed and are not finished."""
    seconds_left: float | None
    """None: nobody runs it, or nothing is known of its pace."""
    problem: str = ""
    """Why nothing more is known of it."""

    @property
    def state(self) -> str:
        """In a word."""
        if self.problem:
            return "unreadable"
        if self.running:
            return "running"
        if self.done >= self.planned:
            return "done"
        return "failed" if self.failures else "stopped"

    def done_at(self, now: datetime) -> datetime | None:
        """Return when it will be done at its pace."""
        return None if self.seconds_left is None else now + timedelta(seconds=self.seconds_left)


def standings(runs_dir: Path, now: datetime) -> tuple[Standing, ...]:
    """Return where the studies under `runs_dir` stand, by name; one that cannot be read hides no other."""
    found = []
    for folder in sorted({path.parent for path in runs_dir.glob(f"*/{FILE_NAME}")}):
        try:
            found.append(standing(folder, now))
        except (InputError, OSError) as error:
            found.append(Standing(folder.name, "", 0, 0, (), None, " ".join(str(error).split())))
    return tuple(found)


def standing(folder: Path, now: datetime) -> Standing:
    """Return where the study in `folder` (`runs/STUDY`) stands.

    Raises:
        InputError: its manifest is damaged.
    """
    manifest, store = read_manifest(folder.parent, folder.name), RecordStore(folder)
    recorded, cells = set(store.keys()), {trial.key for trial in manifest.trials}
    chosen = recorded - cells if manifest.search else set()
    searching = _trials_of(manifest.search) if manifest.search else 0
    confirming = len(cells) or (_confirming(manifest.search.spec.study) if manifest.search else 0)
    # Once a search confirms, its choosing is over, however many of its settings were pruned.
    choosing = len(chosen) if cells else max(searching, len(chosen))
    done, planned = len(chosen) + len(recorded & cells), choosing + confirming
    owner = coordinator(folder)
    return Standing(
        study=folder.name,
        running=str(owner or ""),
        done=done,
        planned=planned,
        failures=tuple(
            (failure.arm, failure.seed, " ".join(failure.reason.split()))
            for failure in store.failures()
            if failure.key not in recorded and (manifest.search is not None or failure.key in cells)
        ),
        seconds_left=_seconds_left(manifest, store, recorded, planned - done, now) if owner else None,
    )


def _seconds_left(
    manifest: StudyManifest, store: RecordStore, recorded: Collection[str], left: int, now: datetime
) -> float | None:
    """Return how long the rest takes at the pace of this run, else at the mean time of the last trials."""
    began = (store.folder / COORDINATOR).stat().st_mtime
    written = sorted(((store.trials / key).stat().st_mtime, key) for key in recorded)
    since = [moment for moment, _ in written if moment > began]
    if left <= 0:
        return None  # It tests and reports.
    if since:
        return left * (now.timestamp() - began) / len(since)
    records = [store.record(key) for _, key in written[-_PACE_OF:]]
    times = [record.cost.seconds for record in records if record is not None]
    spec = manifest.spec.executor
    lanes = spec.workers or (len(os.sched_getaffinity(0)) if spec.name == "local" else 1)
    return left * fmean(times) / lanes if times else None


def _trials_of(search: SearchManifest) -> int:
    study = search.spec.study
    return most_settings(study.search, search.space) * len(cells(study)) if study.search is not None else 0


def _confirming(study: StudySpec) -> int:
    search = study.search
    return (len(study.arms) + search.confirm.settings) * search.confirm.replicates if search is not None else 0
