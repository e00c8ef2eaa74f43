"""What `python -m search.plan` shows of a search: space, sampler, settings, confirmation, time, what it could find."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from search.data.prepared import Staged, stage
from search.forecast import data_text, mean_seconds, power_text, time_text
from search.plan import begin_plan, make_plan
from studies.spec import RunSpec, StudySpec
from tracking.record import RecordStore, TrialRecord

if TYPE_CHECKING:
    from rich.console import Console

    from search.base import Base
    from tracking.manifest import StudyManifest
    from tracking.proposals import Parameter


@dataclass(frozen=True)
class _Found:
    """What is known of a search before it runs."""

    space: "tuple[Parameter, ...]"
    judged: bool
    """Whether the model has been asked about the space."""
    seconds: float | None
    """One trial, measured."""


@dataclass(frozen=True)
class _Known:
    """How far the same search has come."""

    space: "tuple[Parameter, ...]"
    """As the model was asked then; empty if the search has not run."""
    ended: int
    """Settings that have a score, or were pruned or failed."""
    searched: float | None
    """Mean time of a trial of its choosing phase, in seconds."""
    confirming: tuple[TrialRecord, ...]


def show_search(console: "Console", spec: RunSpec, counts: bool) -> None:
    """Print what the search `spec` will do; without `counts` the model is asked only if the study names no space.

    Raises:
        InputError: the data, the model or the space is not sound.
    """
    from search.base import find_base

    study, runs_dir = spec.study, Path(spec.runs_dir)
    assert study.search is not None
    base = find_base(spec)
    staged = (base.features() or base.staged) if base else stage(spec.dataset, runs_dir, data_spec=study.data)
    console.print(f"[bold]{study.name}[/bold]: {study.question}", soft_wrap=True)
    console.print(data_text(study, staged.data), soft_wrap=True)
    waits = base is not None and base.features() is None
    if base is not None:
        _print(console, _base_text(base, waits))
    known = _known(spec, staged)
    found = _found(spec, staged, known, counts=counts, waits=waits)
    _show_space(console, found, study)
    lines = [_choosing_text(study), _ends_text(study), _confirming_text(study), *_counts(spec, known, found)]
    treatments = len(study.arms) - 1 + study.search.confirm.settings
    lines.append(power_text(study, treatments, known.confirming, " of the confirmation"))
    for line in filter(None, lines):
        _print(console, line)


def _found(spec: RunSpec, staged: Staged, known: _Known, *, counts: bool, waits: bool) -> _Found:
    """Return the space as far as it can be known, and the time of a trial if it is asked for."""
    from search.space import as_asked

    assert spec.study.search is not None
    if known.space and (known.searched is not None or not counts):
        return _Found(known.space, True, None)
    if waits or (not counts and spec.study.search.space):
        return _Found(as_asked(spec.study), False, None)
    from search.asked import ask
    from search.trial import seconds_per_epoch
    from search.workers import open_workers

    with tempfile.TemporaryDirectory() as folder, open_workers(spec, 1) as workers:
        space = ask(spec, staged.data, workers).search.space
        if not counts:
            return _Found(space, True, None)
        # The worker needs the arrays on disk, but a plan leaves nothing behind under runs/.
        again = staged.data if staged.is_stored else None
        data = again or stage(spec.dataset, Path(folder), data_spec=spec.study.data).store()
        plan = make_plan(spec, data)
        control = next(trial for trial in plan.trials if trial.arm == spec.study.control)
        task = replace(plan.task(control), fold=_first_fold(spec.study), scored_on="validation")
        epoch = workers.executor.submit(seconds_per_epoch, task).result()
        return _Found(space, True, spec.study.training.epochs * epoch)


def _known(spec: RunSpec, staged: Staged) -> _Known:
    """Return how far the search has come, if the one on disk is this one."""
    from search.recorded import find_recorded
    from tracking.searched import read_searched

    runs_dir, study = Path(spec.runs_dir), spec.study
    manifest = _same_search(spec, staged)
    if manifest is None or manifest.search is None:
        return _Known((), 0, None, ())
    store = RecordStore(runs_dir / study.name)
    rows = [row for row in read_searched(manifest.search, store).rows if row.state != "running"]
    trials = sum(row.score.n for row in rows)
    seconds = sum(row.seconds for row in rows) / trials if trials else None
    return _Known(manifest.search.space, len(rows), seconds, find_recorded(manifest.trials, store, runs_dir).finished)


def _same_search(spec: RunSpec, staged: Staged) -> "StudyManifest | None":
    from search.asked import design_of
    from studies.errors import InputError
    from tracking.manifest import read_manifest

    try:
        manifest = read_manifest(Path(spec.runs_dir), spec.study.name)
    except InputError:
        return None
    past, now = manifest.search, spec.study.search
    if past is None or past.spec.study.search is None or now is None or past.spec.study.search.space != now.space:
        return None
    return manifest if design_of(begin_plan(spec, staged.data), past.space) == past.design else None


def _show_space(console: "Console", found: _Found, study: StudySpec) -> None:
    from rich import box
    from rich.table import Table

    from tracking.search_tables import space

    shown = space(found.space, "always" if found.judged else "as the model says")
    table = Table(box=box.SIMPLE_HEAD)
    for heading in shown.headings:
        table.add_column(heading, overflow="fold")
    for row in shown.rows:
        table.add_row(*row)
    console.print(table)
    if not found.judged:
        _print(console, "This is what the study file says; counts=true asks the model too.")
    fixed = ", ".join(f"{name}={value}" for name, value in study.fixed.items())
    if fixed:
        _print(console, f"Fixed: {fixed}.")


def _choosing_text(study: StudySpec) -> str:
    search = study.search
    assert search is not None
    each = _many(search.replicates, "seed")
    folds = _folds(study)
    if folds:
        each += f" x {folds} folds"
    trials = search.settings * _per_setting(study)
    objective = "validation_" + study.metric.partition("_")[2]
    return (
        f"Choosing: sampler {search.sampler} (seed {search.seed}), pruner {search.pruner}; "
        f"{_many(search.settings, 'setting')} x {each} = {_many(trials, 'trial')}, judged by "
        f"{objective.replace('_', ' ')} on {_held_out(study)}; none meets the test set."
    )


def _ends_text(study: StudySpec) -> str:
    """Return what ends the choosing before all settings are tried, or an empty text."""
    search = study.search
    assert search is not None
    ends = [
        f"after {search.duration}" if search.duration else "",
        f"at {search.stop_at}" if search.stop_at else "",
        f"once a score reaches {search.target:g}" if search.target is not None else "",
    ]
    said = " or ".join(filter(None, ends))
    return f"It ends early {said}." if said else ""


def _confirming_text(study: StudySpec) -> str:
    search = study.search
    assert search is not None
    confirm, others = search.confirm, ", ".join(study.arms)
    trials = _confirming(study)
    best = "the best setting" if confirm.settings == 1 else f"the best {confirm.settings} settings"
    return (
        f"Confirmation: {best} and {others} (control {study.control}) x {confirm.replicates} fresh seeds = "
        f"{_many(trials, 'trial')}, on {study.metric.replace('_', ' ')}."
    )


def _counts(spec: RunSpec, known: _Known, found: _Found) -> list[str]:
    """Return how many trials there are, how many are to come, and how long they take."""
    study = spec.study
    assert study.search is not None
    choosing = study.search.settings * _per_setting(study)
    confirming = _confirming(study)
    to_choose = max(0, study.search.settings - known.ended) * _per_setting(study)
    to_confirm = max(0, confirming - len(known.confirming))
    left = to_choose + to_confirm
    said = f"{choosing + confirming:,} trials in all"
    if known.ended:
        said += f"; {known.ended} of {_many(study.search.settings, 'setting')} have ended, {_many(left, 'trial')} to go"
    if not left:
        return [f"{said}.", "Estimated time: none, everything is recorded."]
    times = mean_seconds(known.confirming)
    one = known.searched or found.seconds
    if one is None:
        return [
            f"{said}.",
            "Estimated time: not known before a trial has run (counts=true measures one).",
        ]
    other = sum(times.values()) / len(times) if times else one
    text = time_text(to_choose * one + to_confirm * other, left, spec.executor)
    source = "its trials so far" if known.searched else f"a trial of {study.control} ({one:.1f} s), measured now"
    return [f"{said}.", f"{text} Judged by {source}; pruning and early stopping make it shorter."]


def _base_text(base: "Base", waits: bool) -> str:
    declared, left = base.declared, len(base.held.validation)
    epochs = declared.training.epochs
    state = (
        "Neither is there yet, and the model of a head can be neither built nor timed before."
        if waits
        else "Both are there."
    )
    return (
        f"First the base, {declared.model}: 1 trial of {epochs} epoch{'s' * (epochs > 1)} on {len(base.held.train):,} "
        f"training images. Then its features of the other {left:,} and of the test set, once; on these the heads are "
        f"searched. {state}"
    )


def _per_setting(study: StudySpec) -> int:
    assert study.search is not None
    return study.search.replicates * (_folds(study) or 1)


def _confirming(study: StudySpec) -> int:
    assert study.search is not None
    return (len(study.arms) + study.search.confirm.settings) * study.search.confirm.replicates


def _folds(study: StudySpec) -> int | None:
    return study.data.validation.folds if study.data.validation else None


def _first_fold(study: StudySpec) -> int | None:
    return 0 if _folds(study) else None


def _held_out(study: StudySpec) -> str:
    validation = study.data.validation
    assert validation is not None
    return "each fold in turn" if validation.folds else f"{validation.fraction:.0%} of the training set"


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'s' * (count != 1)}"


def _print(console: "Console", text: str) -> None:
    console.print(text, soft_wrap=True, markup=False)
