"""One setting as a traced program: an epoch is one call, and any seed can be trained with it.

Tracing a model costs about as much as training it for two epochs, so the graph is kept and only its state changes:
`reset` puts in the weights that a freshly built model with that seed has.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from search.train.batches import Split, as_float, crop_for
from studies.spec import TrainingSpec

_EVALUATION_BATCH = 128
"""Images per step of an evaluation: no result depends on it, beyond the last bit of a sum."""


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a model in inference mode on a whole split."""

    accuracy: float
    loss: float
    predicted: np.ndarray
    """(N,) int32, the class given to each example."""


class Program:
    """A model, its optimizer, and the two graphs made of them.

    Args:
        build: returns the compiled model with the weights that a seed gives.
        training: batch size and augmentation; its epochs are the caller's business.
        train: the training set.
    """

    def __init__(self, build: Callable[[int], Any], training: TrainingSpec, train: Split) -> None:
        self._build = build
        self._train = train
        self._batch_size = min(training.batch_size, train.size)
        self._crop = crop_for(train, training.augmentation)
        self.model = build(0)
        self.model.optimizer.build(self.model.trainable_variables)
        self._optimizer_start = [variable.numpy() for variable in self.model.optimizer.variables]
        self._one_hot = "categorical_crossentropy" in _loss_name(self.model) and "sparse" not in _loss_name(self.model)
        self._epoch = tf.function(self._epoch_graph, autograph=False)
        self._evaluate = tf.function(self._evaluate_graph, autograph=False)

    def reset(self, seed: int) -> None:
        """Put the model and its optimizer into the state in which training with `seed` starts."""
        fresh = self._build(seed)
        for variable, start in zip(self.model.variables, fresh.variables, strict=True):
            variable.assign(start)
        for variable, value in zip(self.model.optimizer.variables, self._optimizer_start, strict=True):
            variable.assign(value)

    def train_epoch(self, seed: int, epoch: int) -> tuple[float, float]:
        """Train once over the training set in an order drawn from (seed, epoch); return running accuracy and loss.

        As in Keras's `fit`, both are means over the epoch's examples while the weights move.
        """
        accuracy, loss = self._epoch(tf.constant([seed, epoch], tf.int32))
        return float(accuracy), float(loss)

    def evaluate(self, split: Split) -> Evaluation:
        """Return the metrics of the model as it is now on `split`, in inference mode."""
        accuracy, loss, predicted = self._evaluate(split.images, split.labels)
        return Evaluation(float(accuracy), float(loss), predicted.numpy())

    def _targets(self, labels: Any, outputs: Any) -> Any:
        if self._one_hot:
            return tf.one_hot(labels, outputs.shape[-1])
        return labels[:, None] if outputs.shape[-1] == 1 else labels

    def _epoch_graph(self, seed: Any) -> tuple[Any, Any]:
        size, batch = self._train.size, self._batch_size
        # Epochs differ in the second word of the seed; the stride keeps the streams of one epoch apart.
        stream = seed * tf.constant([1, 8], tf.int32)
        order = tf.random.experimental.stateless_shuffle(tf.range(size), stream + tf.constant([0, 7], tf.int32))
        offsets = self._crop.random(size, stream)

        def step(start: Any, correct: Any, loss_sum: Any) -> tuple[Any, Any, Any]:
            stop = tf.minimum(start + batch, size)
            rows = order[start:stop]
            images = as_float(self._crop.take(self._train.images, rows, offsets[start:stop]))
            labels = tf.gather(self._train.labels, rows)
            with tf.GradientTape() as tape:
                outputs = self.model(images, training=True)
                targets = self._targets(labels, outputs)
                loss = self.model.compute_loss(images, targets, outputs, training=True)
                scaled = self.model.optimizer.scale_loss(loss)
            gradients = tape.gradient(scaled, self.model.trainable_variables)
            self.model.optimizer.apply(gradients, self.model.trainable_variables)
            right = tf.reduce_sum(tf.cast(_classes(outputs) == labels, tf.float32))
            return (
                stop,
                correct + right,
                loss_sum + tf.cast(loss, tf.float32) * tf.cast(stop - start, tf.float32),
            )

        _, correct, loss_sum = tf.while_loop(lambda start, *_: start < size, step, [0, 0.0, 0.0], parallel_iterations=1)
        return correct / size, loss_sum / size

    def _evaluate_graph(self, images: Any, labels: Any) -> tuple[Any, Any, Any]:
        size = labels.shape[0]

        def step(start: Any, loss_sum: Any, predicted: Any) -> tuple[Any, Any, Any]:
            stop = tf.minimum(start + _EVALUATION_BATCH, size)
            rows = tf.range(start, stop)
            batch = as_float(self._crop.take(images, rows, self._crop.centre(stop - start)))
            outputs = self.model(batch, training=False)
            targets = self._targets(labels[start:stop], outputs)
            loss = self.model.compute_loss(batch, targets, outputs, training=False)
            weight = tf.cast(stop - start, tf.float32)
            return (
                stop,
                loss_sum + tf.cast(loss, tf.float32) * weight,
                tf.concat([predicted, _classes(outputs)], 0),
            )

        _, loss_sum, predicted = tf.while_loop(
            lambda start, *_: start < size,
            step,
            [0, 0.0, tf.zeros([0], tf.int32)],
            shape_invariants=[tf.TensorShape([]), tf.TensorShape([]), tf.TensorShape([None])],
            parallel_iterations=1,
        )
        return tf.reduce_mean(tf.cast(predicted == labels, tf.float32)), loss_sum / size, predicted


def _classes(outputs: Any) -> Any:
    """Return the (B,) classes that (B, classes) scores, or (B, 1) probabilities, name."""
    if outputs.shape[-1] == 1:
        return tf.cast(outputs[:, 0] > 0.5, tf.int32)
    return tf.argmax(outputs, axis=-1, output_type=tf.int32)


def _loss_name(model: Any) -> str:
    loss = model.loss
    return loss if isinstance(loss, str) else str(getattr(loss, "name", ""))
