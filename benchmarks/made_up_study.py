"""A study whose trials train nothing: made-up results on their real way through loop, queue, display and store."""

from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import numpy as np
from rich.console import Console

from search.data.prepared import PreparedData
from search.plan import Plan, interleaved, make_plan
from search.train.result import TrialResult
from search.trial import TrialOutcome, TrialTask
from studies.compose import compose
from tracking.manifest import LayerCard, ModelCard, StudyManifest
from tracking.record import Cost, Environment, RecordStore

LAYERS = {
    "Conv2D": (24, 24, 32),
    "Activation": (24, 24, 32),
    "Dropout": (24, 24, 32),
    "MaxPooling2D": (12, 12, 32),
    "Flatten": (4608,),
    "Dense": (10,),
}
MEASURED = ("train_accuracy", "train_loss", "test_accuracy", "test_loss")
COMMAND = "python -m search.run study=dropout_ablation"


def plan_study(runs_dir: Path, trials: int, epochs: int = 30) -> Plan:
    """Write the manifest of a study with at least `trials` trials, four arms, on data that are not there."""
    arms = len(compose(["study=dropout_ablation"]).study.arms)
    replicates = -(-trials // arms)
    given = [f"study.replicates={replicates}", f"study.training.epochs={epochs}", f"runs_dir={runs_dir}"]
    data = PreparedData(
        name="digits",
        digest="0" * 64,
        folder=runs_dir / "data",
        class_names=tuple("0123456789"),
        n_train=1000,
        n_test=797,
        input_shape=(32, 32, 3),
    )
    plan = make_plan(compose(["study=dropout_ablation", *given]), data)
    StudyManifest(
        spec=plan.spec,
        data_digest=data.digest,
        class_names=data.class_names,
        n_train=data.n_train,
        n_test=data.n_test,
        engine=plan.engine,
        trials=plan.trials,
        models={arm: _card() for arm in plan.spec.study.arms},
        command=COMMAND,
    ).write(runs_dir / plan.spec.study.name)
    return plan


def train(task: TrialTask) -> TrialOutcome:
    """Return what a trial might have left; the arms differ by about a standard deviation."""
    rng = np.random.default_rng([task.seed, sum(task.arm.encode())])
    approach = 1 - np.exp(-np.arange(1, task.training.epochs + 1) / 3)
    accuracy = approach * (0.94 + 0.01 * (len(task.setting) - 1) + 0.01 * rng.normal())
    history = {metric: accuracy if metric.endswith("accuracy") else 1 - accuracy for metric in MEASURED}
    result = TrialResult(
        seed=task.seed,
        metrics={metric: float(values[-1]) for metric, values in history.items()},
        history=history,
        predicted=np.zeros(task.data.n_test, np.int32),
        correct=rng.random(task.data.n_test) < accuracy[-1],
        cost=Cost(seconds=9.0, images_per_second=3000.0, peak_memory_mib=700.0),
        started=datetime.now(UTC),
    )
    environment = Environment(
        python="3.11", packages={"keras": "3.15"}, hardware="a CPU, 2 cores", host="a-host", git_commit="0" * 40
    )
    return TrialOutcome(result, environment)


def drive(
    plan: Plan, trials: int, executor: Executor, lanes: int, on_record: Callable[[], None], storage: str | None = None
) -> RecordStore:
    """Run the first `trials` trials of `plan` as `search.run` does, with `train` above; return their store."""
    # Imported here: a worker, which needs `train` only, starts sooner without Optuna.
    from search.agenda import AblationAgenda
    from search.display import Display
    from search.drive import Drive
    from search.interruption import Interruption
    from search.sampler import CellQueue
    from search.shelf import ModelShelf
    from search.storage import resolve

    study, runs_dir = plan.spec.study, Path(plan.spec.runs_dir)
    store, queue = RecordStore(runs_dir / study.name), CellQueue(study, resolve(storage, runs_dir))
    console = Console(file=StringIO(), highlight=False, width=100)
    queue.synchronise([])
    with (
        Interruption() as interruption,
        Display(console, study.name, study.metric, list(study.arms), trials) as display,
    ):
        Drive(
            study=study.name,
            engine=plan.engine,
            agenda=AblationAgenda(plan, interleaved(plan.trials[:trials], lanes), queue),
            executor=executor,
            lanes=lanes,
            store=store,
            shelf=ModelShelf(study, plan.trials, store),
            display=display,
            interruption=interruption,
            command_for=lambda trial: f"{COMMAND} arm={trial.arm} seed={trial.seed}",
            on_record=on_record,
            on_idle=lambda: None,
            train=train,
        ).run()
    return store


def _card() -> ModelCard:
    layers = [
        LayerCard(name=kind.lower(), kind=kind, output_shape=(None, *shape), params=100, frozen_params=0, inputs=())
        for kind, shape in LAYERS.items()
    ]
    return ModelCard(layers=tuple(layers), summary="a table", values={"rate": 0.5})
