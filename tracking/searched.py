"""What a search has found so far: its settings and their scores, and what became of the best on fresh seeds."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from studies.spec import Declaration, Scalar, StudySpec
from tracking import atomic
from tracking.manifest import SearchManifest
from tracking.proposals import Proposal, ProposalLog
from tracking.record import DamagedRecordError, RecordStore, TrialRecord
from tracking.scale import is_accuracy
from tracking.stats import Description, describe

State = Literal["complete", "pruned", "failed", "running"]


class Pruned(Declaration):
    """A setting that was given up as hopeless: `runs/STUDY/pruned/KEY.json`, by the key of one of its trials."""

    arm: str
    key: str
    """Of the trial that was looked at last."""
    step: int
    """Epochs of that trial, or trials of the setting, that had been done."""
    score: float
    """What was reported then."""
    reason: str


@dataclass(frozen=True)
class SettingRow:
    """One setting of a search."""

    proposal: Proposal
    state: State
    score: Description
    """Of the objective, over the setting's finished trials."""
    seconds: float = field(compare=False)
    """Training time of its trials."""

    @property
    def arm(self) -> str:
        """The name of the setting."""
        return self.proposal.arm

    @property
    def values(self) -> Mapping[str, Scalar]:
        """What the sampler chose."""
        return self.proposal.values

    @property
    def planned(self) -> int:
        """Trials that the setting takes."""
        return len(self.proposal.keys)


@dataclass(frozen=True)
class Searched:
    """A search as far as it has come."""

    study: StudySpec
    objective: str
    """The metric that settings are judged by, measured on the validation part."""
    rows: tuple[SettingRow, ...]
    """In the order of asking, repeated proposals left out."""
    repeated: int
    """Proposals that were an earlier setting again."""

    @property
    def greatest(self) -> bool:
        """Whether a greater score is better."""
        return is_accuracy(self.objective)

    @property
    def ranked(self) -> tuple[SettingRow, ...]:
        """The settings with a score, the best first; of equal ones the first that was proposed."""
        complete = [row for row in self.rows if row.state == "complete" and row.score.mean is not None]
        sign = -1.0 if self.greatest else 1.0
        return tuple(sorted(complete, key=lambda row: sign * (row.score.mean or 0.0)))

    def count(self, state: State) -> int:
        """Return how many settings ended so."""
        return sum(row.state == state for row in self.rows)


def objective_of(study: StudySpec) -> str:
    """Return the metric by which a search chooses: the primary one, measured on the validation part."""
    return "validation_" + study.metric.partition("_")[2]


def read_searched(search: SearchManifest, store: RecordStore) -> Searched:
    """Return what `search` has found, from its proposals and its records."""
    study, proposals = search.spec.study, ProposalLog(store.folder, search.design).read()
    failed = {failure.key for failure in store.failures()}
    pruned = read_pruned(store.folder)
    rows = [
        _row(proposal, _records(proposal, store), study, pruned=not pruned.isdisjoint(proposal.keys), failed=failed)
        for proposal in proposals
        if not proposal.repeated
    ]
    return Searched(study, objective_of(study), tuple(rows), sum(proposal.repeated for proposal in proposals))


def _records(proposal: Proposal, store: RecordStore) -> list[TrialRecord]:
    found = []
    for key in proposal.keys:
        try:
            found.append(store.read(key).record)
        except (KeyError, DamagedRecordError):
            continue
    return found


def _row(
    proposal: Proposal, records: Sequence[TrialRecord], study: StudySpec, *, pruned: bool, failed: Collection[str]
) -> SettingRow:
    scores = [record.metrics[objective_of(study)] for record in records]
    complete = len(scores) == len(proposal.keys)
    state: State = "complete" if complete else "failed" if set(proposal.keys) & set(failed) else "running"
    return SettingRow(
        proposal=proposal,
        state="pruned" if pruned else state,
        score=describe(scores),
        seconds=sum(record.cost.seconds for record in records),
    )


def write_pruned(folder: Path, pruned: Pruned) -> None:
    """Remember in `folder` (`runs/STUDY`) that a setting was given up."""
    atomic.write_text(folder / "pruned" / f"{pruned.key}.json", pruned.model_dump_json(indent=1))


def read_pruned(folder: Path) -> set[str]:
    """Return the keys at which settings were given up.

    Names do not tell: a search of another design in the same folder has its own `setting-0001`.
    """
    found = set()
    for path in sorted((folder / "pruned").glob("[!.]*.json")):
        try:
            found.add(Pruned.model_validate_json(path.read_bytes()).key)
        except ValidationError:
            continue  # Cut in half by a crash: the setting is judged again.
    return found
