"""Trials of a small network on noise, for groups on JAX: nothing of Keras is imported by who hands them out."""

from pathlib import Path

import numpy as np

from search.data.images import Images
from search.data.stored import describe, store
from search.trial import TrialTask
from studies.data import DataSpec, ValidationSpec
from studies.spec import AugmentationSpec, TrainingSpec
from studies.training import EarlyStoppingSpec

CELLS = [(1, {}), (2, {"placement": "after_activation", "rate": 0.3}), (3, {"placement": "after_flatten", "rate": 0.5})]


NORMALISED = "fused_models:normalised"


def noisy_tasks(folder: Path, epochs: int, model: str = NORMALISED) -> list[TrialTask]:
    """Return a trial for each of `CELLS`, which are one program; their data are stored in `folder`."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 120).astype(np.int32)
    x = (rng.random((120, 18, 18, 1)) * 200 + labels[:, None, None, None] * 50).astype(np.uint8)
    images = Images(x[:80], labels[:80], x[80:], labels[80:], ("dark", "bright"))
    data = describe(images, "noise", folder)
    store(images, data)
    training = TrainingSpec(
        epochs=epochs,
        batch_size=16,
        augmentation=AugmentationSpec(crop=16, shift=0.1),
        early_stopping=EarlyStoppingSpec(metric="validation_loss", patience=epochs),
    )
    return [
        TrialTask(
            key=f"{seed}" * 16,
            arm="one",
            setting=more if model == NORMALISED else {},
            seed=seed,
            model=model,
            training=training,
            data=data,
            data_spec=DataSpec(validation=ValidationSpec(fraction=0.25)),
            backend="jax",
        )
        for seed, more in CELLS
    ]
