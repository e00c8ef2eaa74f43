"""A trial to train again: found by its key, or by arm and seed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from studies.errors import InputError, unknown
from studies.spec import Backend, RunSpec
from tracking.manifest import PlannedTrial, read_manifest
from tracking.record import DamagedRecordError, RecordStore, StoredTrial

if TYPE_CHECKING:
    from search.data.prepared import Staged
    from search.plan import Plan
    from search.trial import TrialTask

_KEY = re.compile(r"[0-9a-f]{6,}")


@dataclass(frozen=True)
class Case:
    """A trial, and its record."""

    task: "TrialTask"
    stored: StoredTrial | None
    """None if it is not recorded."""
    spec: RunSpec
    staged: "Staged"
    engine: str
    """The present one."""
    note: str = ""
    """What else than versions and hardware is not as it was when it was recorded."""


def find_case(options: Mapping[str, str], spec: RunSpec) -> Case:
    """Return the trial that `options` name: `trial`, or `arm` and `seed`.

    Raises:
        InputError: there is none, or several; its record is damaged; or it was trained on other data.
    """
    from search.data.prepared import stage

    store = RecordStore(Path(spec.runs_dir) / spec.study.name)
    key = _recorded_key(options, spec, store)
    stored = _read(store, key) if key else None
    if stored:
        # What was trained is what its record says, however the study reads today.
        study = spec.study.model_copy(update={"data": stored.record.data})
        spec = spec.model_copy(update={"study": study})
    if spec.study.base is not None and (stored is None or stored.record.dataset != spec.dataset.name):
        return _head(stored, spec, options)
    staged = stage(spec.dataset, Path(spec.runs_dir), data_spec=spec.study.data)
    return _recorded(stored, spec, staged) if stored else _planned(options, spec, staged, store)


def _head(stored: StoredTrial | None, spec: RunSpec, options: Mapping[str, str]) -> Case:
    """Return a trial on the features of a frozen base, which are on disk or cannot be had here."""
    from search.data.prepared import on_disk
    from search.train.frozen import find_features

    if stored is None:
        asked = " ".join(f"{name}={value}" for name, value in options.items())
        raise InputError(f"A head can be trained again once `search.run` has recorded it. Received: {asked}.")
    name = stored.record.dataset
    features = find_features(name, Path(spec.runs_dir).resolve() / "data")
    if features is None:
        raise InputError(
            f"The head was trained on the features {name!r}, which are not in {spec.runs_dir}/data any more: "
            "`search.run` computes them again from the recorded base."
        )
    return _recorded(stored, spec, on_disk(features))


def _recorded(stored: StoredTrial, spec: RunSpec, staged: "Staged") -> Case:
    from search.models import source_digest
    from search.plan import Recipe, engine_version, make_task, trial_key

    record, data = stored.record, staged.data
    if record.data_digest != data.digest:
        raise InputError(
            f"`dataset` must be what the trial was trained on: {record.dataset}, digest {record.data_digest[:12]}. "
            f"Received: {data.name}, digest {data.digest[:12]}."
        )
    backend: Backend = "jax" if ", jax " in record.engine else "tensorflow"
    spec = spec.model_copy(update={"backend": backend})
    trial = PlannedTrial(key=record.key, arm=record.arm, setting=record.setting, seed=record.seed, fold=record.fold)
    shared = Recipe(record.model, source_digest(record.model), record.setting, record.training)
    scored_on: Literal["test", "validation"] = "test" if "test_loss" in record.metrics else "validation"
    # With its own engine the key comes out as recorded, unless something has changed that no version tells.
    key = trial_key(shared, record.seed, record.data, data.digest, record.engine, record.fold, scored_on)
    note = "" if key == record.key else f"The source of model {record.model!r} is not what it was."
    task = make_task(trial, shared, spec, data, scored_on)
    return Case(task, stored, spec, staged, engine_version(backend), note)


def _planned(options: Mapping[str, str], spec: RunSpec, staged: "Staged", store: RecordStore) -> Case:
    from search.plan import make_plan

    plan = make_plan(spec, staged.data)
    trial = _chosen(plan, options, store)
    stored = _read(store, trial.key) if store.has(trial.key) else None
    return Case(plan.task(trial), stored, spec, staged, plan.engine)


def _recorded_key(options: Mapping[str, str], spec: RunSpec, store: RecordStore) -> str | None:
    """Return the key of the recorded trial that is named; None where it takes a plan to tell."""
    if "trial" in options:
        return _begun(store.keys(), options["trial"])
    if spec.study.search is None or not {"arm", "seed"} <= set(options):
        return None
    # Only the manifest knows which settings a search confirms, and on which seeds.
    trials = read_manifest(store.folder.parent, store.folder.name).trials
    keys = {trial.key for trial in trials if (trial.arm, str(trial.seed)) == (options["arm"], options["seed"])}
    if not keys & set(store.keys()):
        asked = f"arm={options['arm']} and seed={options['seed']}"
        raise InputError(f"`arm` and `seed` must name a recorded trial of {store.folder.name!r}. Received: {asked}.")
    return keys.pop()


def _begun(keys: Iterable[str], given: str) -> str | None:
    """Return the one of `keys` that `given` is or begins; None if there is none."""
    if not _KEY.fullmatch(given):
        raise InputError(f"`trial` must be a key or at least its first 6 hex digits. Received: {given!r}.")
    found = sorted(key for key in keys if key.startswith(given))
    if len(found) > 1:
        raise InputError(f"`trial` must begin one key only. Received: {given!r}, which begins {', '.join(found)}.")
    return found[0] if found else None


def _read(store: RecordStore, key: str) -> StoredTrial:
    try:
        return store.read(key)
    except DamagedRecordError as error:
        raise InputError(f"The record is damaged: {error}. `search.run` trains the trial anew.") from None


def _chosen(plan: "Plan", options: Mapping[str, str], store: RecordStore) -> PlannedTrial:
    """Return the trial of `plan` that the options name."""
    if "trial" in options:
        by_key = {trial.key: trial for trial in plan.trials}
        key = _begun(by_key, options["trial"])
        if key is None:
            raise unknown("trial", options["trial"], {*store.keys(), *by_key})
        return by_key[key]
    if not {"arm", "seed"} <= set(options):
        raise InputError(f"Which trial? Give trial=KEY, or arm=ARM and seed=SEED. Received: {sorted(options)}.")
    if options["arm"] not in plan.spec.study.arms:
        raise unknown("arm", options["arm"], plan.spec.study.arms)
    for trial in plan.trials:
        if (trial.arm, str(trial.seed)) == (options["arm"], options["seed"]):
            return trial
    raise unknown("seed", options["seed"], map(str, plan.spec.study.seeds))
