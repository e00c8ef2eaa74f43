"""What a study would train: `python -m search.plan study=NAME`. Nothing is trained or recorded here."""

import hashlib
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from search.data.prepared import PreparedData
from search.models import source_digest
from search.train import ENGINE_VERSIONS
from search.trial import TrialTask
from studies.errors import InputError
from studies.leaving import leave
from studies.spec import Backend, DataSpec, RunSpec, Setting, TrainingSpec
from tracking.manifest import PlannedTrial


@dataclass(frozen=True)
class Recipe:
    """All that the trials of one arm share."""

    model: str
    source: str
    """Digest of the model's source."""
    setting: Setting
    training: TrainingSpec


@dataclass(frozen=True)
class Plan:
    """The trials of a study, replicate by replicate, every arm in each."""

    spec: RunSpec
    data: PreparedData
    engine: str
    recipes: Mapping[str, Recipe]
    """What the trials of each arm share, by arm: read from the models' sources once, not for every trial."""
    trials: tuple[PlannedTrial, ...] = ()
    """Empty in a search, which proposes them as it goes."""

    def task(self, trial: PlannedTrial) -> TrialTask:
        """Return what a worker needs to train `trial`."""
        return make_task(trial, self.recipes[trial.arm], self.spec, self.data)


def recipe(spec: RunSpec, arm: str) -> Recipe:
    """Return what the trials of `arm` share."""
    study = spec.study
    model = study.model_of(arm)
    return Recipe(model, source_digest(model), study.setting(arm), study.training_of(arm))


def make_task(
    trial: PlannedTrial,
    shared: Recipe,
    spec: RunSpec,
    data: PreparedData,
    scored_on: Literal["test", "validation"] = "test",
) -> TrialTask:
    """Return what a worker needs to train `trial`."""
    return TrialTask(
        key=trial.key,
        arm=trial.arm,
        setting=trial.setting,
        seed=trial.seed,
        model=shared.model,
        training=shared.training,
        data=data,
        data_spec=spec.study.data,
        fold=trial.fold,
        backend=spec.backend,
        scored_on=scored_on,
        watched=spec.study.search is not None and spec.study.search.pruner in ("median", "hyperband"),
    )


def begin_plan(spec: RunSpec, data: PreparedData) -> Plan:
    """Return the plan of `spec` on `data`, without trials."""
    return Plan(spec, data, engine_version(spec.backend), {arm: recipe(spec, arm) for arm in spec.study.arms})


def make_plan(spec: RunSpec, data: PreparedData) -> Plan:
    """Return the plan of `spec` on `data`: every arm with every seed, each cell with its key."""
    study, plan = spec.study, begin_plan(spec, data)
    trials = tuple(
        PlannedTrial(
            key=trial_key(plan.recipes[arm], seed, study.data, data.digest, plan.engine),
            arm=arm,
            setting=plan.recipes[arm].setting,
            seed=seed,
        )
        for seed in study.seeds
        for arm in study.arms
    )
    return replace(plan, trials=trials)


def trial_key(
    shared: Recipe,
    seed: int,
    data_spec: DataSpec,
    data_digest: str,
    engine: str,
    fold: int | None = None,
    scored_on: Literal["test", "validation"] = "test",
) -> str:
    """Return the key of a trial: 16 hex digits of the SHA-256 of all that determines its result.

    What stands at its default is left out, so that a new field of the schema leaves the keys of old trials alone. The
    limits of `data_spec` are in `data_digest`, which is that of the arrays they leave.
    """
    identity: dict[str, object] = {
        "model": shared.model,
        "source": shared.source,
        "setting": shared.setting,
        "seed": seed,
        "training": shared.training.model_dump(mode="json", exclude_defaults=True),
        "data": data_digest,
        "engine": engine,
    }
    use = data_spec.model_dump(mode="json", exclude_defaults=True, exclude={"train_limit", "test_limit"})
    if use:
        identity["data_use"] = use
    if fold is not None:
        identity["fold"] = fold
    if scored_on != "test":
        identity["scored_on"] = scored_on
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def engine_version(backend: Backend) -> str:
    """Return the engine's version, and those of the packages whose arithmetic it uses.

    Raises:
        InputError: the backend is not installed.
    """
    if importlib.util.find_spec(backend) is None:
        raise InputError(
            f"`backend` {backend} is not installed. To install it: pip install -c constraints.txt -e '.[{backend}]'"
        )
    packages = (f"{name} {importlib.metadata.version(name)}" for name in ("keras", backend))
    return ", ".join((f"engine {ENGINE_VERSIONS[backend]}", *packages))


def interleaved(trials: Sequence[PlannedTrial], lanes: int) -> list[PlannedTrial]:
    """Return `trials` with `lanes` arms at a time side by side, so that a worker mostly meets the arm it has traced.

    Every second time the arms come in reverse. Treatments add to a control, so arms tend to cost more the later they
    are named; the worker that is done first, with the cheapest, then goes on with the dearest, and all end together.
    """
    places = {arm: number for number, arm in enumerate(dict.fromkeys(trial.arm for trial in trials))}
    replicates = {seed: number for number, seed in enumerate(dict.fromkeys(trial.seed for trial in trials))}

    def turn(trial: PlannedTrial) -> tuple[int, int, int]:
        group, place = divmod(places[trial.arm], lanes)
        return group, replicates[trial.seed], -place if group % 2 else place

    return sorted(trials, key=turn)


if __name__ == "__main__":
    from search.preview import main

    leave(main(sys.argv[1:]))
