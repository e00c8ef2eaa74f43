"""A made-up study on disk: real records, written through the real store, with values like those of a real run."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from studies.compose import compose
from studies.spec import StudySpec
from tracking.manifest import LayerCard, ModelCard, PlannedTrial, StudyManifest
from tracking.record import Cost, Environment, RecordStore, StoredTrial, TrialRecord

ACCURACIES = {
    "original": [0.9410, 0.9385, 0.9435, 0.9398, 0.9423, 0.9373],
    "dropout1": [0.9699, 0.9674, 0.9724, 0.9686, 0.9711, 0.9661],
    "dropout2": [0.9423, 0.9398, 0.9448, 0.9373, 0.9435, 0.9385],
    "dropout3": [0.9260, 0.9210, 0.9285, 0.9235, 0.9297, 0.9223],
}
"""Test accuracies by arm and seed: one arm clearly better, one alike, one worse."""

StudyMaker = Callable[..., tuple[StudyManifest, RecordStore]]


@pytest.fixture
def make_study(tmp_path: Path) -> StudyMaker:
    """Return a function that writes a study under a runs folder and returns its manifest and its store."""

    def make(
        accuracies: Mapping[str, Sequence[float | None]] = ACCURACIES,
        overrides: Sequence[str] = (),
        runs: Path = tmp_path / "runs",
        epochs: int = 30,
        backwards: bool = False,
        host: str = "a-host",
    ) -> tuple[StudyManifest, RecordStore]:
        replicates = len(next(iter(accuracies.values())))
        spec = compose(
            [
                "study=dropout_ablation",
                f"study.replicates={replicates}",
                f"study.training.epochs={epochs}",
                *overrides,
            ]
        )
        arms = {arm: {"rate": number / 100} for number, arm in enumerate(accuracies)}
        study = StudySpec.model_validate({**spec.study.model_dump(), "arms": arms})
        planned = tuple(
            PlannedTrial(key=f"{arm}-{seed}", arm=arm, setting=study.setting(arm), seed=seed)
            for seed in study.seeds
            for arm in study.arms
        )
        manifest = StudyManifest(
            spec=spec.model_copy(update={"study": study}),
            data_digest="0123456789abcdef" * 4,
            class_names=tuple("0123456789"),
            n_train=1000,
            n_test=797,
            engine="1",
            trials=planned,
            models={arm: _card() for arm in study.arms},
            command="python -m search.run study=dropout_ablation",
        )
        store = RecordStore(runs / study.name)
        manifest.write(store.folder)
        for trial in reversed(planned) if backwards else planned:
            accuracy = accuracies[trial.arm][trial.seed - study.first_seed]
            if accuracy is not None:
                store.write(_stored(trial, study.name, accuracy, epochs, host))
        return manifest, store

    return make


def _stored(trial: PlannedTrial, study: str, accuracy: float, epochs: int, host: str) -> StoredTrial:
    rng = np.random.default_rng([trial.seed, sum(trial.arm.encode())])
    time = np.arange(1, epochs + 1)
    approach = 1 - np.exp(-time / 3.0)
    noise = rng.normal(0, 0.004, epochs)
    train = 0.1 + (0.998 - 0.1 + 0.001 * rng.normal()) * approach
    test = 0.1 + (accuracy - 0.1) * approach + noise
    test[-1] = accuracy
    history = {
        "train_accuracy": train,
        "train_loss": 2.3 * np.exp(-time / (4.0 + 0.2 * rng.normal())) + 0.002,
        "test_accuracy": test,
        "test_loss": 2.3 * np.exp(-time / 3.0) + 4 * (1 - test),
    }
    started = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    record = TrialRecord(
        key=trial.key,
        study=study,
        arm=trial.arm,
        setting=trial.setting,
        seed=trial.seed,
        model="two_block_cnn",
        dataset="digits",
        data_digest="0123456789abcdef" * 4,
        training={"epochs": epochs, "batch_size": 64},
        engine="1",
        metrics={metric: float(values[-1]) for metric, values in history.items()},
        cost=Cost(seconds=55.0 + 5 * rng.random(), images_per_second=3000.0, peak_memory_mib=700.0),
        started=started,
        environment=Environment(
            python="3.11.9", packages={"keras": "3.15.0"}, hardware="a CPU, 2 cores", host=host, git_commit="abc"
        ),
        command=f"python -m search.run study=dropout_ablation study.first_seed={trial.seed}",
    )
    correct = np.arange(797) < round(797 * accuracy)
    return StoredTrial(record, history, np.zeros(797, dtype=np.int64), correct)


def _card() -> ModelCard:
    layer = LayerCard(
        name="conv1", kind="Conv2D", output_shape=(None, 24, 24, 32), params=2432, frozen_params=0, inputs=()
    )
    return ModelCard(layers=(layer,), summary="a table", values={"rate": 0.5})
