"""One setting as a traced program: an epoch is one call, and any seed can be trained with it.

Tracing a model costs about as much as training it for two epochs, so the graph is kept and only its state changes:
`reset` puts in the weights that a freshly built model with that seed has.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from search.train.augmentation import Augmentation
from search.train.batches import Split, as_float, crop_for, in_range
from studies.spec import TrainingSpec

_EVALUATION_BATCH = 128
"""Images per step of an evaluation: no result depends on it, beyond the last bit of a sum."""


@dataclass(frozen=True)
class Scores:
    """Metrics of a model on a whole split."""

    loss: float
    accuracy: float | None
    """None where the labels are targets."""

    def named(self, part: str) -> dict[str, float]:
        """Return the metrics by name, such as `test_loss` for the part `test`."""
        both = {f"{part}_accuracy": self.accuracy, f"{part}_loss": self.loss}
        return {name: value for name, value in both.items() if value is not None}


@dataclass(frozen=True)
class Evaluation(Scores):
    """Metrics of a model in inference mode on a whole split."""

    predicted: np.ndarray
    """(N,) int32, the class given to each example; float32, the number, where labels are targets."""


class Program:
    """A model, its optimizer, and the two graphs made of them, which take any data of one shape and type.

    Args:
        build: returns the compiled model with the weights that a seed gives.
        training: batch size and augmentation; its epochs are the caller's business.
        like: data of the shape and type that the program is for, of any size.
        pixels: the range in which the model sees images.

    Raises:
        ValueError: the labels are targets, and the model has not one output.
    """

    def __init__(
        self,
        build: Callable[[int], Any],
        training: TrainingSpec,
        like: Split,
        pixels: Literal["unit", "centred"] = "unit",
    ) -> None:
        self._build = build
        self._batch_size = training.batch_size
        self._crop = crop_for(like, training.augmentation)
        self._augmentation = Augmentation(training.augmentation, self._crop)
        self._pixels = pixels
        self._classifies = like.labels.dtype.is_integer
        self.model = build(0)
        if not self._classifies and tuple(self.model.output_shape[1:]) != (1,):
            raise ValueError(
                f"A model for targets must have one output for each example. Received: {self.model.output_shape}."
            )
        self.model.optimizer.build(self.model.trainable_variables)
        self._optimizer_start = [variable.numpy() for variable in self.model.optimizer.variables]
        self._one_hot = "categorical_crossentropy" in _loss_name(self.model) and "sparse" not in _loss_name(self.model)
        # Sizes are left open: folds and parts of a dataset share one graph.
        data = (
            tf.TensorSpec([None, *like.images.shape[1:]], like.images.dtype),
            tf.TensorSpec([None], like.labels.dtype),
            tf.TensorSpec([None], tf.int32),
        )
        self._epoch = tf.function(
            self._epoch_graph, autograph=False, input_signature=[tf.TensorSpec([2], tf.int32), *data]
        )
        self._evaluate = tf.function(self._evaluate_graph, autograph=False, input_signature=data)

    def reset(self, seed: int) -> None:
        """Put the model and its optimizer into the state in which training with `seed` starts."""
        fresh = self._build(seed)
        for variable, start in zip(self.model.variables, fresh.variables, strict=True):
            variable.assign(start)
        for variable, value in zip(self.model.optimizer.variables, self._optimizer_start, strict=True):
            variable.assign(value)

    @property
    def state(self) -> list[Any]:
        """The variables that training changes: weights, the states of random layers, and the optimizer's."""
        return [*self.model.variables, *self.model.optimizer.variables]

    def go_on(self, state: Sequence[Any]) -> None:
        """Put the values of `state`, taken from a program like this one, into the variables."""
        for variable, value in zip(self.state, state, strict=True):
            variable.assign(value)

    def train_epoch(self, split: Split, seed: int, epoch: int) -> Scores:
        """Train once over `split` in an order drawn from (seed, epoch); return running accuracy and loss.

        As in Keras's `fit`, both are means over the epoch's examples while the weights move.
        """
        accuracy, loss = self._epoch(tf.constant([seed, epoch], tf.int32), split.images, split.labels, split.rows)
        return Scores(float(loss), float(accuracy) if self._classifies else None)

    def evaluate(self, split: Split) -> Evaluation:
        """Return the metrics of the model as it is now on `split`, in inference mode."""
        accuracy, loss, predicted = self._evaluate(split.images, split.labels, split.rows)
        return Evaluation(float(loss), float(accuracy) if self._classifies else None, predicted.numpy())

    def _targets(self, labels: Any, outputs: Any) -> Any:
        if self._one_hot:
            return tf.one_hot(labels, outputs.shape[-1])
        return labels[:, None] if outputs.shape[-1] == 1 else labels

    def _predicted(self, outputs: Any) -> Any:
        return _classes(outputs) if self._classifies else outputs[:, 0]

    def _epoch_graph(self, seed: Any, images: Any, labels: Any, rows: Any) -> tuple[Any, Any]:
        size = tf.size(rows)
        # Epochs differ in the second word of the seed; the stride keeps the streams of one epoch apart.
        stream = seed * tf.constant([1, 8], tf.int32)
        order = tf.random.experimental.stateless_shuffle(tf.range(size), stream + tf.constant([0, 7], tf.int32))
        order = tf.gather(rows, order)
        draws = self._augmentation.draw(size, stream)

        def step(start: Any, correct: Any, loss_sum: Any) -> tuple[Any, Any, Any]:
            stop = tf.minimum(start + self._batch_size, size)
            chosen = order[start:stop]
            truth = tf.gather(labels, chosen)
            seen = self._augmentation.apply(images, chosen, truth, draws.part(start, stop))
            batch = in_range(seen, self._pixels)
            with tf.GradientTape() as tape:
                outputs = self.model(batch, training=True)
                targets = self._targets(truth, outputs)
                loss = self.model.compute_loss(batch, targets, outputs, training=True)
                scaled = self.model.optimizer.scale_loss(loss)
            gradients = tape.gradient(scaled, self.model.trainable_variables)
            self.model.optimizer.apply(gradients, self.model.trainable_variables)
            right = tf.reduce_sum(tf.cast(self._predicted(outputs) == truth, tf.float32))
            return (
                stop,
                correct + right,
                loss_sum + tf.cast(loss, tf.float32) * tf.cast(stop - start, tf.float32),
            )

        _, correct, loss_sum = tf.while_loop(lambda start, *_: start < size, step, [0, 0.0, 0.0], parallel_iterations=1)
        share = _reciprocal(size)
        return correct * share, loss_sum * share

    def _evaluate_graph(self, images: Any, labels: Any, rows: Any) -> tuple[Any, Any, Any]:
        size = tf.size(rows)

        def step(start: Any, loss_sum: Any, predicted: Any) -> tuple[Any, Any, Any]:
            stop = tf.minimum(start + _EVALUATION_BATCH, size)
            chosen = rows[start:stop]
            seen = as_float(self._crop.take(images, chosen, self._crop.centre(stop - start)))
            batch = in_range(seen, self._pixels)
            outputs = self.model(batch, training=False)
            targets = self._targets(tf.gather(labels, chosen), outputs)
            loss = self.model.compute_loss(batch, targets, outputs, training=False)
            weight = tf.cast(stop - start, tf.float32)
            return (
                stop,
                loss_sum + tf.cast(loss, tf.float32) * weight,
                tf.concat([predicted, self._predicted(outputs)], 0),
            )

        _, loss_sum, predicted = tf.while_loop(
            lambda start, *_: start < size,
            step,
            [0, 0.0, tf.zeros([0], tf.int32 if self._classifies else tf.float32)],
            shape_invariants=[tf.TensorShape([]), tf.TensorShape([]), tf.TensorShape([None])],
            parallel_iterations=1,
        )
        right = tf.cast(predicted == tf.gather(labels, rows), tf.float32)
        return tf.reduce_mean(right), loss_sum * _reciprocal(size), predicted


def _reciprocal(size: Any) -> Any:
    # A product with it has the bits of a division by a size that the graph knows, which TensorFlow rewrites to this.
    return tf.math.reciprocal(tf.cast(size, tf.float32))


def _classes(outputs: Any) -> Any:
    """Return the (B,) classes that (B, classes) scores, or (B, 1) probabilities, name."""
    if outputs.shape[-1] == 1:
        return tf.cast(outputs[:, 0] > 0.5, tf.int32)
    return tf.argmax(outputs, axis=-1, output_type=tf.int32)


def _loss_name(model: Any) -> str:
    loss = model.loss
    return loss if isinstance(loss, str) else str(getattr(loss, "name", ""))
