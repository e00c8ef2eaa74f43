"""What a frozen base buys: `frozen_base.py [images=240] [epochs=10]`.

The same heads, folds and epochs twice, by one engine in one process of one thread: through the base, whose layers are
not trainable, with images going in; and on its features, whose computation, once, is counted. Times are of the
processor: with one thread they are those of a machine that does nothing else. The heads start with the same weights and
see the same images in the same order, so both sides must end with the same scores: the greatest difference is printed.
The base is `vgg_small` as it is before training, which takes as long as after.
"""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from search.backends import start_worker
from studies.spec import AugmentationSpec, TrainingSpec, ValidationSpec

FOLDS = 3
HEADS: tuple[dict[str, Any], ...] = (
    {"second_dense_units": 512, "activation": "sigmoid"},
    {"second_dense_units": 256, "activation": "linear", "optimizer": "adamax"},
    {"optimizer": "sgd"},
)
GOAL = 10.0


@dataclass(frozen=True)
class Side:
    """One way to train all heads on all folds."""

    seconds: float
    """Of the processor, tracing included."""
    scores: list[float]
    """Validation accuracy of each head on each fold."""


def train_heads(
    images: np.ndarray, labels: np.ndarray, training: TrainingSpec, build: Callable[[Mapping[str, Any], int], Any]
) -> list[float]:
    """Return the validation accuracy of each head on each fold."""
    from search.data.split import split
    from search.train.batches import on_device
    from search.train.engine import train
    from search.train.parts import Parts
    from search.train.program import Program

    whole, scores = on_device(images, labels), []
    for head in HEADS:
        program = Program(lambda seed, head=head: build(head, seed), training, whole)
        for fold in range(FOLDS):
            held = split(labels, ValidationSpec(folds=FOLDS), fold)
            parts = Parts(whole.part(held.train), whole.part(held.validation))
            [result] = train(program, training, parts, [1], lambda *_: False)
            scores.append(result.metrics["validation_accuracy"])
    return scores


def through_the_base(images: np.ndarray, labels: np.ndarray, base: bytes, training: TrainingSpec) -> Side:
    """Train with images going in, through a base that is not trained."""
    from search.train.features import up_to
    from search.train.saving import loaded

    def build(head: Mapping[str, Any], seed: int) -> Any:
        frozen = up_to(loaded(base), None)
        frozen.trainable = False
        return _head(head, seed, frozen.input, frozen.output)

    started = time.process_time()
    scores = train_heads(images, labels, training, build)
    return Side(time.process_time() - started, scores)


def on_features(images: np.ndarray, labels: np.ndarray, base: bytes, training: TrainingSpec) -> Side:
    """Compute the features once, and train on them."""
    import keras

    from search.train.features import Base

    started = time.process_time()
    features = Base(base, None, AugmentationSpec(), "unit").features(images)

    def build(head: Mapping[str, Any], seed: int) -> Any:
        inputs = keras.Input((features.shape[1],))
        return _head(head, seed, inputs, inputs)

    scores = train_heads(features, labels, training, build)
    return Side(time.process_time() - started, scores)


def _head(head: Mapping[str, Any], seed: int, inputs: Any, features: Any) -> Any:
    import keras

    from search.models.dense_head import with_head
    from search.models.hyperparameters import CheckedHyperParameters

    keras.utils.set_random_seed(seed)  # Here, whatever was drawn before: heads begin alike on both sides.
    return with_head(CheckedHyperParameters(dict(head)), inputs=inputs, features=features, classes=10, name="head")


def main() -> None:
    given = dict(text.split("=", 1) for text in sys.argv[1:])
    count, epochs = int(given.get("images", 240)), int(given.get("epochs", 10))
    start_worker()
    from search.data.digits import load_digits
    from search.models.hypermodel import HyperModel
    from search.train.saving import model_bytes

    digits = load_digits()
    images, labels = digits.x_train[:count], digits.y_train[:count]
    training = TrainingSpec(epochs=epochs, batch_size=32)
    base = model_bytes(HyperModel("vgg_small", images.shape[1:], 10).build({}, seed=1))
    quick = on_features(images, labels, base, training)
    slow = through_the_base(images, labels, base, training)
    passes = len(HEADS) * FOLDS * epochs
    print(f"{len(HEADS)} heads x {FOLDS} folds x {epochs} epochs on {count} images: {passes} passes")
    print(f"through the frozen base: {slow.seconds:.1f} s")
    print(f"on its features, computed once: {quick.seconds:.1f} s")
    apart = max(abs(one - other) for one, other in zip(slow.scores, quick.scores, strict=True))
    print(f"greatest difference in validation accuracy: {apart:.4f}")
    print(f"{slow.seconds / quick.seconds:.1f} times as fast (goal {GOAL:g})")


if __name__ == "__main__":
    main()
