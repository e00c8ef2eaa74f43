"""Finished trials as a coordinator would store them, without training any."""

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from studies.spec import TrainingSpec
from tracking.manifest import PlannedTrial
from tracking.record import Cost, Environment, StoredTrial, TrialRecord

MEASURED = ("train_accuracy", "train_loss", "test_accuracy", "test_loss")
ENVIRONMENT = Environment(
    python="3.11.9", packages={"keras": "3.15.0"}, hardware="a CPU, 2 cores", host="a-host", git_commit="abc"
)


def cell(arm: str, seed: int) -> PlannedTrial:
    """Return a cell whose key says which one it is."""
    return PlannedTrial(key=f"{arm}{seed}", arm=arm, setting={"rate": 0.5}, seed=seed)


def stored(trial: PlannedTrial, score: float = 0.75, study: str = "small", epochs: int = 3) -> StoredTrial:
    """Return the finished `trial`, whose final metrics are all `score`."""
    rng = np.random.default_rng(trial.seed)
    history = {metric: np.append(rng.random(epochs - 1), score) for metric in MEASURED}
    predicted = rng.integers(0, 10, 8).astype(np.int32)
    return finished(trial, history, (predicted, predicted % 2 == 0), study)


def finished(
    trial: PlannedTrial,
    history: Mapping[str, NDArray[np.float64]],
    answers: tuple[NDArray[np.int32], NDArray[np.bool_]],
    study: str,
    environment: Environment = ENVIRONMENT,
) -> StoredTrial:
    """Return the finished `trial`, which left `history` and each test example's class and whether it is right."""
    metrics = {metric: float(values[-1]) for metric, values in history.items()}
    record = TrialRecord(
        key=trial.key,
        study=study,
        arm=trial.arm,
        setting=trial.setting,
        seed=trial.seed,
        model="two_block_cnn",
        dataset="digits",
        data_digest="0123456789abcdef" * 4,
        training=TrainingSpec(epochs=len(next(iter(history.values()))), batch_size=64),
        engine="1",
        metrics=metrics,
        cost=Cost(seconds=55.0, images_per_second=3000.0, peak_memory_mib=700.0),
        started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        environment=environment,
        command=f"python -m search.verify study={study} arm={trial.arm} seed={trial.seed}",
    )
    return StoredTrial(record, history, *answers)
