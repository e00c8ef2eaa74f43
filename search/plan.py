"""What a study would train: `python -m search.plan study=NAME`. Nothing is trained or recorded here."""

import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from search.data.prepared import PreparedData
from search.models import source_digest
from search.train import ENGINE_VERSION
from search.trial import TrialTask
from studies.spec import RunSpec, Setting, TrainingSpec
from tracking.manifest import PlannedTrial


@dataclass(frozen=True)
class Plan:
    """The trials of a study, replicate by replicate, every arm in each."""

    spec: RunSpec
    data: PreparedData
    engine: str
    trials: tuple[PlannedTrial, ...]

    def task(self, trial: PlannedTrial) -> TrialTask:
        """Return what a worker needs to train `trial`."""
        return TrialTask(
            key=trial.key,
            arm=trial.arm,
            setting=trial.setting,
            seed=trial.seed,
            model=self.spec.study.model,
            training=self.spec.study.training,
            data=self.data,
        )


def make_plan(spec: RunSpec, data: PreparedData) -> Plan:
    """Return the plan of `spec` on `data`: every arm with every seed, each cell with its key."""
    study, engine = spec.study, engine_version()
    source = source_digest(study.model)

    def key(setting: Setting, seed: int) -> str:
        return trial_key(study.model, source, setting, seed, study.training, data.digest, engine)

    trials = tuple(
        PlannedTrial(key=key(study.setting(arm), seed), arm=arm, setting=study.setting(arm), seed=seed)
        for seed in study.seeds
        for arm in study.arms
    )
    return Plan(spec, data, engine, trials)


def trial_key(
    model: str,
    source: str,
    setting: Setting,
    seed: int,
    training: TrainingSpec,
    data_digest: str,
    engine: str,
) -> str:
    """Return the key of a trial: 16 hex digits of the SHA-256 of all that determines its result."""
    identity = {
        "model": model,
        "source": source,
        "setting": setting,
        "seed": seed,
        "training": training.model_dump(mode="json"),
        "data": data_digest,
        "engine": engine,
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def engine_version() -> str:
    """Return the engine's version, and those of the packages whose arithmetic it uses."""
    packages = (f"{name} {importlib.metadata.version(name)}" for name in ("keras", "tensorflow"))
    return ", ".join((f"engine {ENGINE_VERSION}", *packages))


def interleaved(trials: Sequence[PlannedTrial], lanes: int) -> list[PlannedTrial]:
    """Return `trials` with `lanes` arms at a time side by side, so that a worker mostly meets the arm it has traced."""
    arms = list(dict.fromkeys(trial.arm for trial in trials))
    by_group = {arm: number // lanes for number, arm in enumerate(arms)}
    return sorted(trials, key=lambda trial: by_group[trial.arm])


if __name__ == "__main__":
    from search.preview import main

    sys.exit(main(sys.argv[1:]))
