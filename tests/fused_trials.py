"""What the tests of fused trials run in a worker whose Keras is on JAX."""

import os
import signal
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np


def start() -> None:
    """Make this process a worker on JAX, on the CPU."""
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["JAX_PLATFORMS"] = "cpu"
    # A program is run for a few steps only: what XLA's optimisations take is not won back.
    os.environ["XLA_FLAGS"] = "--xla_llvm_disable_expensive_passes=true"


Cell = tuple[Mapping[str, Any], int, Mapping[str, Any]]
"""Setting, seed, and what the trial's training has of its own."""
SEEDS: list[Cell] = [({}, seed, {}) for seed in (1, 2)]


def far(one: Any, other: Any) -> float:
    """Return the greatest distance between the losses of two trials, over all epochs."""
    names = [name for name in other.history if name.endswith("loss")]
    return float(max(np.abs(one.history[name] - other.history[name]).max() for name in names))


def members(model: str, side: int, cells: Sequence[Cell], watch: Mapping[int, Any] | None = None) -> list[Any]:
    """Return the members that `cells` describe; `watch` has an `on_epoch` for some of them."""
    from search.models.hypermodel import HyperModel
    from search.train.fused.precision import built_in
    from search.train.fused.recipe import Recipe
    from search.train.fused.seat import Member
    from search.train.fused.skeleton import skeleton_of
    from studies.training import TrainingSpec

    regresses = model == "dense_shortcut"
    shape = (side,) if model.startswith("dense") else (side, side, 3)
    made = []
    for number, (setting, seed, training) in enumerate(cells):
        hypermodel = HyperModel(model, shape, 1 if regresses else 4)
        spec = TrainingSpec.model_validate({"epochs": 3, "batch_size": 12, **training})
        built = built_in(spec.precision, partial(hypermodel.build, dict(setting), seed))
        on_epoch = (watch or {}).get(number)
        recipe = Recipe(skeleton_of(built), spec, "unit", dict(setting))
        member = Member(recipe, seed, on_epoch or _ignore, watched=on_epoch is not None)
        made.append(member)
    return made


def parts(model: str, stored: int) -> Any:
    """Return 24 examples to train on, and as many to test on, so that one program measures both."""
    import jax.numpy as jnp

    from search.train.fused.group import Examples
    from search.train.fused.training import FusedParts

    chance = np.random.default_rng(1)

    def examples(count: int) -> Examples:
        rows = jnp.arange(count, dtype=jnp.int32)
        if model.startswith("dense"):
            x = chance.normal(size=(count, stored)).astype(np.float32)
            y = np.sin(x[:, 0]).astype(np.float32) if model == "dense_shortcut" else chance.integers(0, 4, count)
            return Examples(jnp.asarray(x), jnp.asarray(y, jnp.float32 if y.dtype.kind == "f" else jnp.int32), rows)
        images = chance.integers(0, 256, (count, stored, stored, 3), np.uint8)
        return Examples(jnp.asarray(images), jnp.asarray(chance.integers(0, 4, count), jnp.int32), rows)

    return FusedParts(examples(24), {"test": examples(24)})


def fused_and_solo(
    model: str, side: int, stored: int, cells: Sequence[Cell], alone: Sequence[int]
) -> tuple[int, list[Any], list[Any]]:
    """Return how many programs `cells` are, their results when trained together, and those at `alone` when alone."""
    from search.train.fused.engine import train_alone, train_group

    data = parts(model, stored)
    together = members(model, side, cells)
    programs = len({member.recipe.signature for member in together})
    ends = dict(train_group(together, data))
    solo = [train_alone(member, data) for member in members(model, side, [cells[number] for number in alone])]
    return programs, [ends[number] for number in range(len(cells))], solo


def group(cells: Sequence[Cell], leaves: Mapping[int, int] | None = None, poisoned: int | None = None) -> list[Any]:
    """Return how each of `cells` of `two_block_cnn` ended.

    Args:
        cells: the members.
        leaves: after which epoch a member is pruned.
        poisoned: the member that starts with a weight that is no number.
    """
    from search.train.fused.engine import train_group

    watch = {number: _Leaving(epoch) for number, epoch in (leaves or {}).items()}
    made = members("two_block_cnn", 16, cells, watch)
    if poisoned is not None:
        weight = made[poisoned].recipe.skeleton.model.trainable_variables[0]
        weight.assign(np.full(weight.shape, np.nan))
    ends = dict(train_group(made, parts("two_block_cnn", 16)))
    return [ends[number] for number in range(len(cells))]


class _Leaving:
    def __init__(self, epoch: int) -> None:
        self._epoch = epoch

    def __call__(self, epoch: int, scores: Mapping[str, float]) -> bool:
        return epoch >= self._epoch


def _ignore(epoch: int, scores: Mapping[str, float]) -> bool:
    return False


def in_a_small_memory(cells: Sequence[Cell], fits: int) -> tuple[list[int], list[Any]]:
    """Return the sizes of the groups that were tried on a device whose memory has room for `fits` members, and how each
    of `cells` of `two_block_cnn` ended."""
    import jax

    from search.train.fused import engine

    tried = []

    class Group(engine.GroupTraining):
        def _train(self, count: int) -> None:
            tried.append(len(self._seats))
            if len(self._seats) > fits:
                raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes.")
            super()._train(count)

    whole, engine.GroupTraining = engine.GroupTraining, Group  # type: ignore[misc]  # a smaller device
    try:
        return tried, group(cells)
    finally:
        engine.GroupTraining = whole  # type: ignore[misc]  # as it was


def in_a_measured_memory(cells: Sequence[Cell], fits: float) -> tuple[list[int], list[Any], list[Any]]:
    """Return the sizes of the groups that are trained on a device that says it has memory for `fits` members, how each
    of `cells` of `two_block_cnn` ended there, and how on a device that says nothing."""
    from search.train.fused import training
    from search.train.fused.program import FusedProgram

    each, trained = [], []
    taken, told, train = FusedProgram.bytes_taken, training.free_bytes, FusedProgram.train

    def measured(self: Any, *given: Any) -> int:
        size = taken(self, *given)
        each.append(size / len(given[1].seed))
        return size

    def noted(self: Any, states: Any, numbers: Any, *given: Any) -> Any:
        trained.append(len(numbers.seed))
        return train(self, states, numbers, *given)

    FusedProgram.bytes_taken, FusedProgram.train = measured, noted  # type: ignore[method-assign]  # watched only
    training.free_bytes = lambda: int(fits * each[0]) if each else 1 << 40  # Asked before the first is measured.
    try:
        whole = group(cells)
        trained.clear()
        return trained, group(cells), whole
    finally:
        FusedProgram.bytes_taken, FusedProgram.train = taken, train  # type: ignore[method-assign]  # as they were
        training.free_bytes = told


def compiled_for(first: Sequence[Cell], second: Sequence[Cell]) -> tuple[int, list[Any]]:
    """Return how many programs are compiled to train `second` after `first`, and how each of them ended."""
    from jax.stages import Lowered

    group(first)
    compiled, compile_one = [], Lowered.compile

    def noted(self: Any, *given: Any, **named: Any) -> Any:
        compiled.append(self)
        return compile_one(self, *given, **named)

    Lowered.compile = noted  # type: ignore[method-assign]  # watched only
    try:
        ends = group(second)
        return len(compiled), ends
    finally:
        Lowered.compile = compile_one  # type: ignore[method-assign]  # as it was


def with_a_choice(cells: Sequence[Cell], fits: bool) -> tuple[list[tuple[str, int]], list[Any]]:
    """Return in which way how many epochs were trained where two ways may be fast and trying costs nothing, and how
    each of `cells` of `two_block_cnn` ended; unless it `fits`, the second way takes more memory than there is."""
    from search.train.fused import convolution, training
    from search.train.fused.program import FusedProgram

    calls = []
    train, ways, worth, told = FusedProgram.train, training.ways_of, convolution._WORTH, training.free_bytes

    def noted(self: Any, states: Any, numbers: Any, first: int, count: int, *given: Any) -> Any:
        calls.append((self._way, count))
        return train(self, states, numbers, first, count, *given)

    FusedProgram.train = noted  # type: ignore[method-assign]  # watched only
    training.ways_of = lambda model: ("patches", "grouped")
    convolution._WORTH = 0
    training.free_bytes = lambda: 1 << 40 if fits or not calls else 1
    try:
        return calls, group(cells)
    finally:
        FusedProgram.train = train  # type: ignore[method-assign]  # as it was
        training.ways_of, convolution._WORTH, training.free_bytes = ways, worth, told


def dtypes(precision: str) -> dict[str, str]:
    """Return in what the layers of a network of `precision` compute, by name, and what its weights are in."""
    from search.train.fused.program import FusedProgram

    [member] = members("two_block_cnn", 16, [({"placement": "after_pooling"}, 1, {"precision": precision})])
    places = list(member.recipe.skeleton.rates)
    model = FusedProgram(member.recipe, places, parts("two_block_cnn", 16).train).model
    weights = {str(one.dtype) for one in model.weights}
    return {"weights": ", ".join(weights), **{layer.name: layer.compute_dtype for layer in model.layers[1:]}}


def convolved(kernel: tuple[int, int], strides: tuple[int, int], padding: str, **given: Any) -> tuple[Any, Any]:
    """Return what a convolution gives by patches and as Keras has it: outputs, and gradients by images and weights."""
    import jax
    import keras

    from search.train.fused.convolution import convolving

    keras.utils.set_random_seed(1)
    layer = keras.layers.Conv2D(6, kernel, strides, padding, activation="elu", **given)
    model = keras.Sequential([keras.Input((9, 11, 3)), layer])
    images = np.random.default_rng(1).normal(size=(4, 9, 11, 3)).astype(np.float32)
    weights = [one.value for one in model.trainable_variables]

    def outputs(weights: Any, images: Any) -> Any:
        return model.stateless_call(weights, [], images)[0]

    found = []
    for way in ("patches", None):
        with convolving(model, way):
            ends = outputs(weights, images)
            gradients = jax.grad(lambda *given: (outputs(*given) ** 2).sum(), (0, 1))(weights, images)
            found.append([np.asarray(one) for one in (ends, *jax.tree.leaves(gradients))])
    ours, kerass = found
    return ours, kerass


def die_between_cards(tasks: Sequence[Any], cards: int) -> None:
    """Train `tasks`, saved after each epoch, and be killed with -9 as soon as `cards` cards are in their place."""
    from search.fused_trial import train_tasks
    from tracking import atomic

    rename, done = atomic.rename, []

    def mortal(old: Path, new: Path) -> None:
        rename(old, new)
        done.append(new)
        if len(done) == cards:
            os.kill(os.getpid(), signal.SIGKILL)

    atomic.rename = mortal
    train_tasks(tasks, checkpoint_seconds=0.0)


def programs(model: str, side: int, cells: Sequence[Cell]) -> int:
    """Return how many programs `cells` are."""
    return len({member.recipe.signature for member in members(model, side, cells)})
