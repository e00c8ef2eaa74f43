"""What a member is made by, and what two members have in common that are one program."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import jax.numpy as jnp
import keras

from search.train.fused.group import Numbers
from search.train.fused.images import strengths, without_strengths
from search.train.fused.skeleton import Skeleton
from studies.declaration import Setting
from studies.training import TrainingSpec


@dataclass(frozen=True)
class Recipe:
    """A model as one member has it, and how it is trained."""

    skeleton: Skeleton
    training: TrainingSpec
    pixels: Literal["unit", "centred"]
    setting: Setting
    """What the model was built from."""

    @cached_property
    def signature(self) -> str:
        """Equal for what one program can train together."""
        optimizer = {**self.skeleton.model.optimizer.get_config(), "name": None}
        if isinstance(optimizer["learning_rate"], float):
            optimizer["learning_rate"] = None
        if optimizer.get("weight_decay") is not None:
            optimizer["weight_decay"] = "a number"
        loss = _loss_config(self.skeleton.model.loss)
        if smooths(self.skeleton):
            loss["config"]["label_smoothing"] = "a number"
        training = {**self.training.model_dump(mode="json"), "epochs": None, "augmentation": None}
        parts = [type(self.skeleton.model.optimizer).__name__, optimizer, loss]
        changes = without_strengths(self.training.augmentation)
        # Of a model that does not say what it computes, nobody knows which values are numbers in its graph.
        network = self.skeleton.signature or f"built from {self.setting!r}"
        return json.dumps([network, *parts, training, changes, self.pixels], default=repr)


def numbers_of(recipe: Recipe, seed: int, places: Sequence[str]) -> Numbers:
    """Return what a member with `recipe` and `seed` does not share with others that have dropout at `places`."""
    rates = recipe.skeleton.rates
    decay = recipe.skeleton.model.optimizer.weight_decay
    return Numbers(
        seed=jnp.uint32(seed),
        rates={place: jnp.float32(rates.get(place, 0.0)) for place in places},
        weight_decay=jnp.float32(decay or 0.0),
        smoothing=jnp.float32(_smoothing_of(recipe.skeleton)),
        strengths=strengths(recipe.training.augmentation),
    )


def _smoothing_of(skeleton: Skeleton) -> float:
    """Return the share of the true class that the loss gives to all classes, if that is a number of the program."""
    return float(skeleton.model.loss.get_config()["label_smoothing"]) if smooths(skeleton) else 0.0


def smooths(skeleton: Skeleton) -> bool:
    """Return whether the loss of a model smooths its labels by a number that can be lifted out of it."""
    # A model without a graph keeps the loss that it was compiled with.
    return skeleton.bare is not skeleton.model and type(skeleton.model.loss) is keras.losses.CategoricalCrossentropy


def unsmoothed(loss: keras.losses.CategoricalCrossentropy) -> keras.losses.Loss:
    """Return `loss` for labels that are smoothed already."""
    return keras.losses.CategoricalCrossentropy.from_config({**loss.get_config(), "label_smoothing": 0.0})


def _loss_config(loss: Any) -> Any:
    return keras.losses.serialize(loss) if isinstance(loss, keras.losses.Loss) else repr(loss)
