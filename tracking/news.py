"""What happened in a study since some moment, read from its folder alone."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from studies.errors import InputError
from tracking.conclusions import Change, changes
from tracking.coordinator import Coordinator, coordinator
from tracking.manifest import FILE_NAME, PlannedTrial, StudyManifest, read_manifest
from tracking.prospects import Prospects, prospects
from tracking.record import DamagedRecordError, RecordStore, TrialRecord


@dataclass(frozen=True)
class Trouble:
    """A planned trial that failed, or whose record is damaged."""

    arm: str
    seed: int
    reason: str
    """One line."""
    at: datetime | None
    """When it failed; a damaged record does not tell since when it is."""


@dataclass(frozen=True)
class StudyNews:
    """One study: how far it is, and what of it is new."""

    study: str
    planned: int
    """Trials of the arms that are compared; none while a search still chooses settings."""
    done: int
    """How many of these are finished."""
    finished: int
    """Trials of any kind that ended since."""
    last_ended: datetime | None
    troubles: tuple[Trouble, ...]
    """New failures, and all damaged records."""
    failed: int
    """Planned trials that failed and have not been finished since, old ones among them."""
    coordinator: Coordinator | None
    """Who runs it at this moment."""
    command: str
    """What runs it again."""
    changes: tuple[Change, ...] = ()
    prospects: Prospects | None = None

    @property
    def is_new(self) -> bool:
        """Whether anything happened."""
        return bool(self.finished or self.troubles)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is to come."""
        return 0 < self.planned == self.done and self.coordinator is None

    @property
    def state(self) -> str:
        """In a few words, whether it is complete, and if not, what it waits for."""
        left = self.planned - self.done
        if self.coordinator:
            return f"running{f', {left} to go' if left else ''} ({self.coordinator})"
        if not self.planned:
            return "stopped while choosing settings"
        if not left:
            return "complete"
        if self.failed:
            return f"{self.failed} failed" + (f", {left - self.failed} to go" if left > self.failed else "")
        return f"stopped, {left} to go"


@dataclass(frozen=True)
class Unreadable:
    """A study whose folder cannot be understood."""

    study: str
    reason: str


@dataclass(frozen=True)
class Brief:
    """All studies under one folder."""

    since: datetime
    now: datetime
    studies: tuple[StudyNews, ...]
    """By name, those without news among them."""
    unreadable: tuple[Unreadable, ...]


@dataclass(frozen=True)
class _Found:
    """What the trials of a study left on disk."""

    ended: Mapping[str, datetime]
    """When each finished trial ended, by key."""
    damaged: tuple[PlannedTrial, ...]
    """Of the planned ones."""
    failed: tuple[Trouble, ...]
    """Of the planned ones, and of those with which a search tried settings."""


def read_news(runs_dir: Path, since: datetime, now: datetime) -> Brief:
    """Return what is new in the studies under `runs_dir`; one that cannot be read does not hide the others."""
    folders = {path.parent for pattern in (FILE_NAME, "trials") for path in runs_dir.glob(f"*/{pattern}")}
    news, unreadable = [], []
    for folder in sorted(folders):
        try:
            news.append(study_news(folder, since))
        except (ValueError, OSError) as error:  # An InputError, or numbers that the statistics refuse.
            unreadable.append(Unreadable(folder.name, " ".join(str(error).split())))
    return Brief(since, now, tuple(news), tuple(unreadable))


def study_news(folder: Path, since: datetime) -> StudyNews:
    """Return what happened since `since` in the study in `folder` (`runs/STUDY`).

    Raises:
        InputError: its manifest is missing or damaged.
    """
    if not (folder / FILE_NAME).is_file():
        raise InputError(f"{folder / FILE_NAME} is missing. Run the study again: finished trials stay.")
    manifest, store = read_manifest(folder.parent, folder.name), RecordStore(folder)
    found = _find(manifest, store)
    planned = {trial.key for trial in manifest.trials}
    known = {key for key, end in found.ended.items() if end <= since}
    fresh = [trouble for trouble in found.failed if trouble.at is not None and trouble.at > since]
    fresh += [Trouble(trial.arm, trial.seed, "its record is damaged", None) for trial in found.damaged]
    moved, offered = _conclusions(manifest, store, found.ended, known)
    return StudyNews(
        study=folder.name,
        planned=len(planned),
        done=len(planned & found.ended.keys()),
        finished=len(found.ended) - len(known),
        last_ended=max(found.ended.values(), default=None),
        troubles=tuple(fresh),
        failed=len(found.failed) + len(found.damaged),
        coordinator=coordinator(folder),
        command=manifest.command,
        changes=moved,
        prospects=offered,
    )


def ended(record: TrialRecord) -> datetime:
    """Return when a trial ended, by the clock of the machine that trained it."""
    return record.started.astimezone(UTC) + timedelta(seconds=record.cost.seconds)


def _conclusions(
    manifest: StudyManifest, store: RecordStore, ended: Collection[str], known: Collection[str]
) -> tuple[tuple[Change, ...], Prospects | None]:
    """Return which conclusions changed, and what more would buy; nothing where no planned trial is new."""
    if all(trial.key in known or trial.key not in ended for trial in manifest.trials):
        return (), None
    from tracking.summary import summarize  # Brings scipy, which a brief without news need not wait for.

    now = summarize(manifest, store)
    return changes(manifest, store, now, known), prospects(now, manifest)


def _find(manifest: StudyManifest, store: RecordStore) -> _Found:
    planned = {trial.key: trial for trial in manifest.trials}
    ends, damaged = {}, []
    for key in sorted(planned.keys() | set(store.keys())):
        try:
            ends[key] = ended(store.read(key).record)
        except KeyError:
            continue
        except DamagedRecordError:
            damaged += [planned[key]] if key in planned else []
    failed = _failures(store, None if manifest.search else planned.keys() - ends.keys())
    return _Found(ends, tuple(damaged), tuple(failed))


def _failures(store: RecordStore, keys: Collection[str] | None) -> Iterator[Trouble]:
    """Yield the failures of trials with one of `keys`, or all."""
    for failure in store.failures():
        path = store.failed / f"{failure.key}.json"
        # A failure goes away when its trial is finished, which may be at this moment.
        if (keys is None or failure.key in keys) and path.is_file():
            at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            yield Trouble(failure.arm, failure.seed, " ".join(failure.reason.split()), at)
