"""One network and its training as a JAX program that a whole group of trials runs through at once.

Written for one member and mapped over the group with `jax.vmap`: shapes below are of one member, and the group's have
an axis G before them.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from search.train.fused.biases import cancelled_biases
from search.train.fused.chance import Chance, decided_by
from search.train.fused.convolution import Way, convolving
from search.train.fused.group import Examples, Measured, Numbers, State
from search.train.fused.images import Cutter, Draws
from search.train.fused.precision import computing_in
from search.train.fused.recipe import Recipe, smooths, unsmoothed

_EVALUATION_BATCH = 128
"""Images of one member per step of an evaluation."""
EPOCHS_A_CALL = 10
"""Epochs at most between two looks at the group from outside."""


class FusedProgram:
    """A network with a dropout at each of some places, its optimizer, and the calls that train and measure a group.

    Args:
        recipe: of any of the members.
        places: of all members.
        like: examples of the shape and type that the program is for.
        way: how convolutions are taken.
        mapped: whether the calls are mapped over the group; if not, they take a group of one, with the optimizer's
            numbers as they are written, which asks nothing of a model but that JAX can trace it.
    """

    def __init__(
        self,
        recipe: Recipe,
        places: Sequence[str],
        like: Examples,
        way: Way = None,
        *,
        mapped: bool = True,
    ) -> None:
        source = recipe.skeleton.model
        with computing_in(recipe.training.precision):
            self.model = recipe.skeleton.with_dropouts(places)
        self._smooths = mapped and smooths(recipe.skeleton)
        if self.model is not source:
            optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(source.optimizer))
            loss = unsmoothed(source.loss) if self._smooths else source.loss
            self.model.compile(optimizer=optimizer, loss=loss, jit_compile=False)
        self.model.optimizer.build(self.model.trainable_variables)
        self._cancelled = cancelled_biases(self.model)
        self._training, self._pixels, self._way = recipe.training, recipe.pixels, way
        self._classifies = jnp.issubdtype(like.labels.dtype, jnp.integer)
        self._one_hot = _wants_one_hot(source.loss)
        self._decays = mapped and self.model.optimizer.weight_decay is not None
        stored = tuple(like.images.shape[1:3]) if like.images.ndim == 4 else tuple(like.images.shape[1:])
        crop = recipe.training.augmentation.crop
        self._cutter = Cutter(stored, (crop, crop) if crop else stored, recipe.training.augmentation)
        seen = (*self._cutter.seen, like.images.shape[-1]) if self._cutter.is_for_images else stored
        [outputs] = keras.tree.flatten(self.model.compute_output_spec(keras.KerasTensor((None, *seen))))
        self._outputs = int(outputs.shape[-1])
        over = jax.vmap if mapped else _over_one
        epochs, measure = self._planned(self._epochs), self._planned(self._measure)
        self._train = jax.jit(over(epochs, in_axes=(0, 0, None, None, None, None)), donate_argnums=0)
        self._compiled: dict[str, Any] = {}
        self.measure = jax.jit(over(measure, in_axes=(0, 0, None)))
        """(states, numbers, part) -> `Measured` with an axis G."""

    def train(
        self, states: State, numbers: Numbers, first: int, count: int, train: Examples, others: Mapping[str, Examples]
    ) -> tuple[State, dict[str, Any]]:
        """Train a group for `count` epochs, of which `first` (from 0) is the first; its old `states` are gone then.

        Args:
            states: with an axis G.
            numbers: with an axis G.
            first: decides the order, crops and masks, with the seed.
            count: at most `EPOCHS_A_CALL`.
            train: the training part.
            others: what is measured after each epoch, by name.

        Returns:
            The states, and by metric (G, `EPOCHS_A_CALL`), NaN where there was no epoch.
        """
        program = self.compiled(states, numbers, train, others)
        after: tuple[State, dict[str, Any]] = program(states, numbers, np.int32(first), np.int32(count), train, others)
        return after

    def compiled(self, states: State, numbers: Numbers, train: Examples, others: Mapping[str, Examples]) -> Any:
        """Return the program that trains a group of this size, compiled the first time that it is asked for."""
        kind = repr([len(numbers.seed), _shapes(train), {name: _shapes(part) for name, part in others.items()}])
        if kind not in self._compiled:
            lowered = self._train.lower(states, numbers, np.int32(0), np.int32(1), train, others)
            self._compiled[kind] = lowered.compile()
        return self._compiled[kind]

    def bytes_taken(self, states: State, numbers: Numbers, train: Examples, others: Mapping[str, Examples]) -> int:
        """Return what training a group of this size takes of the device's memory beside its states and the dataset."""
        memory = self.compiled(states, numbers, train, others).memory_analysis()
        return int(memory.temp_size_in_bytes + memory.output_size_in_bytes - memory.alias_size_in_bytes)

    def _planned(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` as it is to be traced."""

        def traced(*given: Any) -> Any:
            with convolving(self.model, self._way), computing_in(self._training.precision):
                return function(*given)

        return traced

    def _epochs(
        self, state: State, own: Numbers, first: Any, count: Any, train: Examples, others: Mapping[str, Examples]
    ) -> tuple[State, dict[str, Any]]:
        """Train `count` epochs, at most `EPOCHS_A_CALL`; return the metrics of each, NaN where there was none."""

        def one(number: Any, carried: tuple[State, dict[str, Any]]) -> tuple[State, dict[str, Any]]:
            state, history = carried
            state, correct, loss = self._epoch(state, own, first + number, train)
            values = {"train_accuracy": correct, "train_loss": loss}
            for name, part in others.items():
                measured = self._measure(state, own, part)
                values |= {f"{name}_accuracy": measured.accuracy, f"{name}_loss": measured.loss}
            return state, {name: history[name].at[number].set(value) for name, value in values.items()}

        names = [f"{part}_{metric}" for part in ("train", *others) for metric in ("accuracy", "loss")]
        nothing = {name: jnp.full(EPOCHS_A_CALL, jnp.nan, jnp.float32) for name in names}
        after: tuple[State, dict[str, Any]] = jax.lax.fori_loop(0, count, one, (state, nothing))
        return after

    def _epoch(self, state: State, own: Numbers, number: Any, train: Examples) -> tuple[State, Any, Any]:
        """Train once over `train`, in an order drawn from (seed, epoch); return running accuracy and loss too."""
        size, batch = len(train.rows), self._training.batch_size
        key = jax.random.fold_in(jax.random.key(own.seed), number)
        shuffling, drawing, dropping = jax.random.split(key, 3)
        order = jax.random.permutation(shuffling, train.rows)
        draws = self._cutter.draw(drawing, size)
        step = partial(self._step, own, train, dropping)
        carried = (state, jnp.float32(0), jnp.float32(0))
        whole, rest = divmod(size, batch)

        def cut(values: Any) -> Any:
            return values[: whole * batch].reshape(whole, batch, *values.shape[1:])

        if whole:
            cuts = (jnp.arange(whole), cut(order), jax.tree.map(cut, draws))
            carried, _ = jax.lax.scan(lambda carried, given: (step(carried, *given), None), carried, cuts)
        if rest:
            last = jax.tree.map(lambda values: values[whole * batch :], draws)
            carried = step(carried, jnp.array(whole), order[whole * batch :], last)
        state, correct, loss = carried
        return state, correct / size, loss / size

    def _step(
        self,
        own: Numbers,
        train: Examples,
        key: Any,
        carried: tuple[State, Any, Any],
        number: Any,
        rows: Any,
        draws: Draws,
    ) -> tuple[State, Any, Any]:
        state, correct, loss_sum = carried
        truth = train.labels[rows]
        batch = self._in_range(self._cutter.changed(train.images, rows, truth, draws, own.strengths))
        metrics = [one.value for one in self.model.metrics_variables]

        def loss_of(trainable: list[Any]) -> Any:
            with decided_by(Chance(own.rates, jax.random.fold_in(key, number))):
                return self.model.compute_loss_and_updates(
                    trainable, state.other, metrics, batch, self._targets(truth, own), None, True, state.optimizer
                )

        (_, (loss, outputs, other, _)), gradients = jax.value_and_grad(loss_of, has_aux=True)(state.trainable)
        gradients = [jnp.zeros_like(one) if n in self._cancelled else one for n, one in enumerate(gradients)]
        with self._decaying_by(own.weight_decay):
            trainable, optimizer = self.model.optimizer.stateless_apply(state.optimizer, gradients, state.trainable)
        right = jnp.sum(self._predicted(outputs) == truth, dtype=jnp.float32)
        return State(trainable, other, optimizer), correct + right, loss_sum + loss * len(rows)

    def _measure(self, state: State, own: Numbers, part: Examples) -> Measured:
        size = len(part.rows)
        whole, rest = divmod(size, _EVALUATION_BATCH)
        metrics = [one.value for one in self.model.metrics_variables]

        def measured(rows: Any) -> tuple[Any, Any]:
            batch = self._in_range(self._cutter.centred(part.images, rows))
            targets = self._targets(part.labels[rows], own)
            loss, (_, outputs, _, _) = self.model.compute_loss_and_updates(
                state.trainable, state.other, metrics, batch, targets, None, False
            )
            return loss * len(rows), self._predicted(outputs)

        losses, predicted = [], []
        if whole:
            loss, found = jax.lax.map(measured, part.rows[: whole * _EVALUATION_BATCH].reshape(whole, -1))
            losses, predicted = [loss.sum()], [found.reshape(-1)]
        if rest:
            loss, found = measured(part.rows[whole * _EVALUATION_BATCH :])
            losses, predicted = [*losses, loss], [*predicted, found]
        classes = jnp.concatenate(predicted)
        right = jnp.mean(classes == part.labels[part.rows], dtype=jnp.float32) if self._classifies else jnp.float32(0)
        return Measured(sum(losses) / size, right, classes)

    @contextmanager
    def _decaying_by(self, weight_decay: Any) -> Iterator[None]:
        """While the update is traced, let the optimizer's weight decay, an attribute in Keras, be the member's."""
        written = self.model.optimizer.weight_decay
        if self._decays:
            self.model.optimizer.weight_decay = weight_decay
        try:
            yield
        finally:
            self.model.optimizer.weight_decay = written

    def _in_range(self, images: Any) -> Any:
        return images - 0.5 if self._pixels == "centred" and images.ndim == 4 else images

    def _targets(self, labels: Any, own: Numbers) -> Any:
        outputs = self._outputs
        if self._one_hot:
            share = own.smoothing if self._smooths else 0.0
            return jax.nn.one_hot(labels, outputs) * (1.0 - share) + share / outputs  # As Keras's loss would.
        return labels[:, None] if outputs == 1 else labels

    def _predicted(self, outputs: Any) -> Any:
        if not self._classifies:
            return outputs[:, 0]
        if outputs.shape[-1] == 1:
            return (outputs[:, 0] > 0.5).astype(jnp.int32)
        return jnp.argmax(outputs, -1).astype(jnp.int32)


_KEPT = 4
"""Programs that a process keeps: those of the ways of two networks, say."""
_PROGRAMS: OrderedDict[str, FusedProgram] = OrderedDict()


def program_for(
    recipe: Recipe, places: Sequence[str], like: Examples, way: Way, *, mapped: bool = True
) -> FusedProgram:
    """Return the program of these arguments, with what it has compiled if there was one like it a short while ago.

    Another seed, or in a search another setting that differs in numbers, is another state of the same program.
    """
    # What is not mapped has the numbers of its setting in its program.
    key = repr([recipe.signature, places, _shapes(like), way, mapped, None if mapped else recipe.setting])
    program = _PROGRAMS.pop(key, None) or FusedProgram(recipe, places, like, way, mapped=mapped)
    _PROGRAMS[key] = program
    while len(_PROGRAMS) > _KEPT:
        _PROGRAMS.popitem(last=False)
    return program


def _shapes(part: Examples) -> list[tuple[tuple[int, ...], str]]:
    return [(tuple(one.shape), str(one.dtype)) for one in part]


def _over_one(function: Callable[..., Any], in_axes: Sequence[int | None]) -> Callable[..., Any]:
    """Return what `jax.vmap` would for a group of one, without its rules for mapping."""

    def called(*given: Any) -> Any:
        own = [
            one if axis is None else jax.tree.map(lambda leaf: leaf[0], one)
            for axis, one in zip(in_axes, given, strict=True)
        ]
        return jax.tree.map(lambda leaf: leaf[None], function(*own))

    return called


def _wants_one_hot(loss: Any) -> bool:
    name = loss if isinstance(loss, str) else str(getattr(loss, "name", ""))
    return "categorical_crossentropy" in name and "sparse" not in name
