"""What one run in MLflow shows of a study, a trial, a failure: plain values, in MLflow's limits."""

import json
import math
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from studies.secrets import masked
from studies.spec import Scalar, Setting, TrainingSpec
from tracking.manifest import StudyManifest
from tracking.record import Failure, StoredTrial, TrialRecord

NAME_LIMIT, PARAM_LIMIT, TAG_LIMIT, DIGEST_LIMIT = 250, 6000, 8000, 36
"""Most characters of a name, a param, a tag (also the description) and a dataset's digest."""
_NOT_IN_NAMES = re.compile(r"[^\w\-./ ]")


@dataclass(frozen=True)
class Point:
    """One value of one metric."""

    name: str
    value: float
    step: int
    milliseconds: int
    """Since 1970. From the record, never from the clock: MLflow drops a point that it has already."""


@dataclass(frozen=True)
class DatasetUse:
    """The data that a run was trained on."""

    name: str
    digest: str
    source: str
    """JSON, as MLflow's UI reads it."""
    profile: str
    """JSON."""


@dataclass(frozen=True)
class RunContent:
    """What a run shows."""

    name: str
    tags: dict[str, str]
    status: Literal["RUNNING", "FINISHED", "FAILED"]
    started: int
    """Milliseconds since 1970."""
    ended: int | None = None
    params: dict[str, str] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    dataset: DatasetUse | None = None


def study_run(manifest: StudyManifest, folder_id: str, description: str, span: tuple[int, int | None]) -> RunContent:
    """Return the parent run of the study in the folder that `folder_id` names.

    `span` is when it started and when it ended (None: not yet), in milliseconds since 1970.
    """
    study = manifest.spec.study
    tags = {
        "study": study.name,
        "folder": folder_id,
        "kind": study.kind,
        "control": study.control,
        "metric": study.metric,
        "question": study.question,
        "source": study.source,
        "command": masked(manifest.command),
        "data_digest": manifest.data_digest,
        "mlflow.note.content": description or study.question,
    }
    started, ended = span
    return RunContent(
        name=study.name,
        tags=_tags(tags),
        status="FINISHED" if ended else "RUNNING",
        started=started,
        ended=ended,
        dataset=dataset_use(manifest, manifest.data_digest),
    )


def trial_run(trial: StoredTrial, manifest: StudyManifest) -> RunContent:
    """Return the child run of a finished trial."""
    record = trial.record
    started = _milliseconds(record.started)
    ours = _ours(record.seed, record.arm, record.model, record.dataset, record.training)
    tags = {
        "key": record.key,
        "arm": record.arm,
        "setting": json.dumps(record.setting, sort_keys=True),
        "command": masked(record.command),
        "record": _training(record),
        "engine": record.engine,
        "plan": record.cost.plan.model_dump_json() if record.cost.plan else "",
        "data_digest": record.data_digest,
        "host": record.environment.host,
        "hardware": record.environment.hardware,
        "git_commit": record.environment.git_commit,
        "mlflow.source.git.commit": record.environment.git_commit,
        "version.python": record.environment.python,
        **{f"version.{name}": number for name, number in record.environment.packages.items()},
    }
    return RunContent(
        name=f"{record.arm} seed {record.seed}",
        tags=_tags(tags),
        status="FINISHED",
        started=started,
        ended=started + round(1000 * record.cost.seconds),
        params=_params(ours, record.setting),
        points=_points(trial, started),
        dataset=dataset_use(manifest, record.data_digest),
    )


def failure_run(failure: Failure, failed: int, manifest: StudyManifest) -> RunContent:
    """Return the child run of a trial that did not finish; `failed` is when, in milliseconds since 1970."""
    planned = next((trial for trial in manifest.trials if trial.key == failure.key), None)
    study, dataset = manifest.spec.study, manifest.spec.dataset
    tags = {
        "key": failure.key,
        "arm": failure.arm,
        "setting": json.dumps(planned.setting, sort_keys=True) if planned else "",
        "reason": masked(failure.reason),
        "attempts": str(failure.attempts),
    }
    params = {"seed": str(failure.seed), "arm": _cut(failure.arm, PARAM_LIMIT)}
    if planned:  # Of another plan's trial nothing else is known, and a param cannot be corrected later.
        ours = _ours(planned.seed, planned.arm, study.model, dataset.name, study.training)
        params = _params(ours, planned.setting)
    return RunContent(
        name=f"{failure.arm} seed {failure.seed}",
        tags=_tags(tags),
        status="FAILED",
        started=failed,
        ended=failed,
        params=params,
    )


def dataset_use(manifest: StudyManifest, digest: str) -> DatasetUse:
    """Return the study's dataset as MLflow's input of a run."""
    dataset = manifest.spec.dataset
    place = "/".join(part for part in (dataset.dir, dataset.file) if part)
    sizes = {"n_train": manifest.n_train, "n_test": manifest.n_test, "n_classes": len(manifest.class_names)}
    return DatasetUse(
        name=dataset.name,
        digest=digest[:DIGEST_LIMIT],
        source=json.dumps({"uri": place or dataset.name}),
        profile=json.dumps(sizes),
    )


def _params(ours: Setting, setting: Setting) -> dict[str, str]:
    """Return both as params; a hyperparameter that has one of our names is shown as `setting.NAME`."""
    values = ours | {name if name not in ours else f"setting.{name}": value for name, value in setting.items()}
    return {_name(name): _cut(_text(value), PARAM_LIMIT) for name, value in values.items()}


def _ours(seed: int, arm: str, model: str, dataset: str, training: TrainingSpec) -> Setting:
    names: Setting = {"seed": seed, "arm": arm, "model": model, "dataset": dataset}
    return {**names, "epochs": training.epochs, "batch_size": training.batch_size}


def _points(trial: StoredTrial, started: int) -> tuple[Point, ...]:
    """Return final metrics and costs at the last epoch, and the history under `history/`.

    The history has names of its own since it may be measured otherwise than the final metric of that name (a
    running average in training mode), and MLflow would show whichever came last.
    """
    record = trial.record
    epochs = max((len(values) for values in trial.history.values()), default=0)
    length = 1000 * record.cost.seconds
    final = {**record.metrics, **record.cost.model_dump(exclude={"plan"})}
    points = [Point(_name(name), value, epochs, started + round(length)) for name, value in final.items()]
    for name, values in trial.history.items():
        for epoch, value in enumerate(values.tolist(), start=1):
            moment = started + round(length * epoch / epochs)
            points.append(Point(_name(f"history/{name}"), value, epoch, moment))
    return tuple(point for point in points if math.isfinite(point.value))


def _tags(tags: dict[str, str]) -> dict[str, str]:
    """Return `tags` without empty ones, which some stores refuse."""
    return {_name(name): _cut(value, TAG_LIMIT) for name, value in tags.items() if value}


def _name(name: str) -> str:
    return _NOT_IN_NAMES.sub("_", name)[:NAME_LIMIT]


def _text(value: Scalar) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _milliseconds(moment: datetime) -> int:
    return round(1000 * moment.timestamp())


def _training(record: TrialRecord) -> str:
    """Return what tells one training of a key from another one."""
    return f"{record.started.isoformat()} {record.files.get('history.csv', '')}"
