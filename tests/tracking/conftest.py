"""A made-up study on disk: real records, written through the real store, with values like those of a real run."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from stored_trials import ENVIRONMENT, finished

from studies.compose import compose
from studies.spec import StudySpec
from tracking.manifest import LayerCard, ModelCard, PlannedTrial, StudyManifest
from tracking.record import RecordStore, StoredTrial

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
        study: str = "dropout_ablation",
    ) -> tuple[StudyManifest, RecordStore]:
        replicates = len(next(iter(accuracies.values())))
        spec = compose(
            [
                f"study={study}",
                f"study.replicates={replicates}",
                f"study.training.epochs={epochs}",
                *overrides,
            ]
        )
        declared = spec.study
        if declared.design is None:
            arms = {arm: {"rate": number / 100} for number, arm in enumerate(accuracies)}
            declared = StudySpec.model_validate({**declared.model_dump(), "arms": arms})
        planned = tuple(
            PlannedTrial(key=f"{arm}-{seed}", arm=arm, setting=declared.setting(arm), seed=seed)
            for seed in declared.seeds
            for arm in declared.arms
        )
        manifest = StudyManifest(
            spec=spec.model_copy(update={"study": declared}),
            data_digest="0123456789abcdef" * 4,
            class_names=tuple("0123456789"),
            n_train=1000,
            n_test=797,
            engine="1",
            trials=planned,
            models={arm: _card() for arm in declared.arms},
            command="python -m search.run study=dropout_ablation",
        )
        store = RecordStore(runs / declared.name)
        manifest.write(store.folder)
        for trial in reversed(planned) if backwards else planned:
            accuracy = accuracies[trial.arm][trial.seed - declared.first_seed]
            if accuracy is not None:
                store.write(_stored(trial, declared.name, accuracy, epochs, host))
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
    answers = np.zeros(797, dtype=np.int32), np.arange(797) < round(797 * accuracy)
    return finished(trial, history, answers, study, ENVIRONMENT.model_copy(update={"host": host}))


def _card() -> ModelCard:
    layer = LayerCard(
        name="conv1", kind="Conv2D", output_shape=(None, 24, 24, 32), params=2432, frozen_params=0, inputs=()
    )
    return ModelCard(layers=(layer,), summary="a table", values={"rate": 0.5})
