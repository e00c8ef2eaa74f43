"""A made-up study whose predictions are of a made-up dataset on disk, so that its confusions can be looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from studies.compose import compose
from studies.spec import StudySpec
from tracking.manifest import PlannedTrial, StudyManifest
from tracking.record import Cost, Environment, RecordStore, StoredTrial, TrialRecord

DIGEST = "0123456789abcdef" * 4
ACCURACIES = {
    "original": (0.9332, 0.9381, 0.9345, 0.9420, 0.9297, 0.9231),
    "dropout1": (0.9583, 0.9498, 0.9496, 0.9547, 0.9585, 0.9634),
    "dropout2": (0.9341, 0.9313, 0.9391, 0.9395, 0.9332, 0.9240),
    "dropout3": (0.9009, 0.9148, 0.9019, 0.9119, 0.9148, 0.9038),
}


@dataclass(frozen=True)
class Made:
    """What is made up."""

    accuracies: Mapping[str, Sequence[float | None]] = field(default_factory=lambda: ACCURACIES)
    """Arm to the test accuracy of each seed from 1 on; None for a trial that is not finished."""
    epochs: int = 30
    class_names: tuple[str, ...] = tuple(f"class {number}" for number in range(10))
    n_test: int = 500
    overrides: tuple[str, ...] = ()
    question: str = "Which dropout placement in a two-block convolutional network is better than none?"


def labelled_study(runs: Path, made: Made) -> tuple[StudyManifest, RecordStore]:
    """Write the study and its dataset under `runs`; return its manifest and its store."""
    labels = _dataset(runs, made)
    manifest = _manifest(made)
    store = RecordStore(runs / manifest.spec.study.name)
    manifest.write(store.folder)
    for trial in manifest.trials:
        accuracy = made.accuracies[trial.arm][trial.seed - 1]
        if accuracy is not None:
            store.write(_trained(trial, accuracy, labels, made))
    return manifest, store


def _dataset(runs: Path, made: Made) -> np.ndarray:
    rng = np.random.default_rng(0)
    labels = np.sort(rng.integers(0, len(made.class_names), made.n_test)).astype(np.int32)
    tone = 255 * labels[:, None, None, None] // len(made.class_names)
    noise = rng.integers(0, 256, (made.n_test, 16, 16, 3))
    home = runs / "data" / f"digits-{DIGEST[:12]}"
    home.mkdir(parents=True, exist_ok=True)
    np.save(home / "y_test.npy", labels)
    np.save(home / "x_test.npy", ((tone + noise) // 2).astype(np.uint8))
    return labels


def _manifest(made: Made) -> StudyManifest:
    replicates = len(next(iter(made.accuracies.values())))
    given = [f"study.replicates={replicates}", f"study.training.epochs={made.epochs}", *made.overrides]
    spec = compose(["study=dropout_ablation", *given])
    arms = {arm: {"rate": number / 100} for number, arm in enumerate(made.accuracies)}
    changed = {"arms": arms, "control": next(iter(arms)), "question": made.question}
    study = StudySpec.model_validate({**spec.study.model_dump(exclude_unset=True), **changed})
    planned = tuple(
        PlannedTrial(key=f"{number:04x}-{seed}", arm=arm, setting=study.setting(arm), seed=seed)
        for seed in study.seeds
        for number, arm in enumerate(arms)
    )
    return StudyManifest(
        spec=spec.model_copy(update={"study": study}),
        data_digest=DIGEST,
        class_names=made.class_names,
        n_train=1000,
        n_test=made.n_test,
        engine="engine 1",
        trials=planned,
        command="python -m search.run study=dropout_ablation",
    )


def _trained(trial: PlannedTrial, accuracy: float, labels: np.ndarray, made: Made) -> StoredTrial:
    rng = np.random.default_rng([trial.seed, sum(trial.arm.encode())])
    predicted = _predicted(labels, accuracy, len(made.class_names), rng)
    correct = predicted == labels
    history = _history(float(correct.mean()), made.epochs, rng)
    record = TrialRecord(
        key=trial.key,
        study="dropout_ablation",
        arm=trial.arm,
        setting=trial.setting,
        seed=trial.seed,
        model="two_block_cnn",
        dataset="digits",
        data_digest=DIGEST,
        training={"epochs": made.epochs, "batch_size": 64},
        engine="engine 1",
        metrics={name: float(values[-1]) for name, values in history.items()},
        cost=Cost(seconds=55.0 + 5 * rng.random(), images_per_second=3000.0, peak_memory_mib=700.0),
        started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) + timedelta(minutes=trial.seed),
        environment=Environment(
            python="3.11.9", packages={"keras": "3.15.1"}, hardware="a CPU, 2 cores", host="a-host", git_commit="abc"
        ),
        command=f"python -m search.verify study=dropout_ablation arm={trial.arm} seed={trial.seed}",
    )
    return StoredTrial(record, history, predicted, correct)


def _predicted(labels: np.ndarray, accuracy: float, classes: int, rng: np.random.Generator) -> np.ndarray:
    """Return wrong classes for the hard images first, most often the class that looks alike."""
    hard = np.random.default_rng(1).random(labels.size) + 0.25 * (labels % 7 == 3)
    wrong = np.argsort(-(hard + 0.15 * rng.random(labels.size)))[: round((1 - accuracy) * labels.size)]
    alike = (labels[wrong] + classes // 2) % classes
    any_other = (labels[wrong] + rng.integers(1, classes, wrong.size)) % classes
    predicted = labels.copy()
    predicted[wrong] = np.where(rng.random(wrong.size) < 0.7, alike, any_other)
    return predicted


def _history(accuracy: float, epochs: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    time = np.arange(1, epochs + 1)
    approach = 1 - np.exp(-time / max(1.0, epochs / 10))
    test = 0.1 + (accuracy - 0.1) * approach + rng.normal(0, 0.004, epochs)
    test[-1] = accuracy
    return {
        "train_accuracy": np.minimum(0.1 + (0.898 + 0.001 * rng.normal()) * approach, 1.0),
        "train_loss": 2.3 * np.exp(-time / (0.13 * epochs + 0.2 * rng.random())) + 0.002,
        "test_accuracy": test,
        "test_loss": 2.3 * np.exp(-time / (0.1 * epochs)) + 4 * (1 - test),
    }
