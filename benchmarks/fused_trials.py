"""Many trainings at once on one accelerator: `fused_trials.py data=DIR/gtsrb.npz [epochs=10] [members=1,2,4,...]
[precision=float32,tf32,bf16] [convolution=patches,grouped] [epochs_per_call=10] [images=N]`.

The four arms of the traffic-sign ablation on JAX, six seeds each, batch 128, an epoch with its test evaluation:
(a) `fit` of Keras, one trial after another; (b) our engine, one after another; (c) fused. Then how images per second
grow with the members of a group. For each precision and each way to take convolutions: images per second, how many
times (a) in the same precision, the share of the speed of a large matrix product in it, the seconds of compiling, and
the memory of a member. Compiling is left out of the speed, and the first epoch of `fit`. `images=N` takes the first N
training images and the same share of the test images.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

os.environ["KERAS_BACKEND"] = "jax"

import jax
import jax.numpy as jnp
import keras
import numpy as np

from search.models.hypermodel import HyperModel
from search.train.fused.group import Examples, beginning, stacked
from search.train.fused.precision import built_in, computing_in
from search.train.fused.program import EPOCHS_A_CALL, FusedProgram
from search.train.fused.recipe import Recipe, numbers_of
from search.train.fused.skeleton import skeleton_of
from studies.compose import compose
from studies.spec import StudySpec
from studies.training import Precision
from tracking.record import Convolution


@dataclass(frozen=True)
class Case:
    """What is trained, and on what."""

    study: StudySpec
    shape: tuple[int, ...]
    classes: int
    train: Examples
    test: Examples
    epochs: int
    epochs_per_call: int

    @property
    def images(self) -> int:
        """How many are trained on in an epoch."""
        return len(self.train.rows)


def recipes(case: Case, precision: Precision, count: int) -> list[tuple[Recipe, int]]:
    """Return `count` members with their seeds, arm by arm for each seed, as a study would have them."""
    arms = list(case.study.arms)
    return [
        (recipe(case, precision, arms[n % len(arms)], 1 + n // len(arms)), 1 + n // len(arms)) for n in range(count)
    ]


def recipe(case: Case, precision: Precision, arm: str, seed: int) -> Recipe:
    """Return what the trial of `arm` with `seed` is made by."""
    hypermodel = HyperModel(case.study.model_of(arm), case.shape, case.classes)
    training = case.study.training_of(arm).model_copy(update={"precision": precision})
    model = built_in(precision, lambda: hypermodel.build(case.study.setting(arm), seed))
    return Recipe(skeleton_of(model), training, case.study.data.range, case.study.setting(arm))


def fused(case: Case, precision: Precision, way: Convolution, size: int) -> tuple[float, float, int]:
    """Return the seconds of compiling, those of an epoch, and the bytes that training takes beside the dataset."""
    members = recipes(case, precision, size)
    places = sorted({place for recipe, _ in members for place in recipe.skeleton.rates})
    program = FusedProgram(members[0][0], places, case.train, way)
    states = stacked([beginning(recipe.skeleton) for recipe, _ in members])
    numbers = stacked([numbers_of(recipe, seed, places) for recipe, seed in members])
    others = {"test": case.test}
    clock = time.perf_counter()
    program.compiled(states, numbers, case.train, others)
    compiling = time.perf_counter() - clock
    states, _ = jax.block_until_ready(program.train(states, numbers, 0, 1, case.train, others))
    clock = time.perf_counter()
    for first in range(1, 1 + case.epochs, case.epochs_per_call):
        count = min(case.epochs_per_call, 1 + case.epochs - first)
        states, history = program.train(states, numbers, first, count, case.train, others)
        np.asarray(history["train_loss"])  # As a study would look at it.
    seconds = (time.perf_counter() - clock) / case.epochs
    own = sum(leaf.nbytes for leaf in jax.tree.leaves(states))
    return compiling, seconds, own + program.bytes_taken(states, numbers, case.train, others)


def fit(case: Case, precision: Precision) -> float:
    """Return the seconds of an epoch of Keras's `fit`, the first one left out, on average over the arms.

    Crops are left out of it: it is given the centres.
    """

    def centres(part: Examples) -> np.ndarray:
        images = np.asarray(part.images)
        top, left = ((stored - seen) // 2 for stored, seen in zip(images.shape[1:3], case.shape[:2], strict=True))
        return images[:, top : top + case.shape[0], left : left + case.shape[1]].astype(np.float32) / 255

    seconds = []
    x, held = centres(case.train), (centres(case.test), np.asarray(case.test.labels))
    for recipe, _ in recipes(case, precision, len(case.study.arms)):
        ticks: list[float] = []
        tick = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_, ticks=ticks: ticks.append(time.perf_counter()))
        with computing_in(precision):
            recipe.skeleton.model.fit(
                x,
                np.asarray(case.train.labels),
                batch_size=case.study.training.batch_size,
                epochs=case.epochs + 1,
                validation_data=held,
                verbose=0,
                callbacks=[tick],
            )
        seconds.append((ticks[-1] - ticks[0]) / case.epochs)
    return float(np.mean(seconds))


def operations(case: Case) -> float:
    """Return the floating-point operations of an epoch of one member: products of convolutions and dense layers alone.

    Backwards each costs twice what it does forwards, but the first, whose images nobody differentiates by.
    """
    [(recipe, _)] = recipes(case, "float32", 1)
    products = [
        2.0 * np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:-1], dtype=np.float64)
        for layer in recipe.skeleton.model.layers
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense))
    ]
    forwards = sum(products)
    return case.images * (3 * forwards - products[0]) + len(case.test.rows) * forwards


def peak(precision: Precision) -> float:
    """Return the operations per second of the product of two large square matrices, the best of five."""
    side = 2048 if jax.devices()[0].platform == "cpu" else 8192
    square = jnp.ones((side, side), jnp.bfloat16 if precision == "bf16" else jnp.float32)
    with computing_in(precision):
        product = jax.jit(jnp.matmul).lower(square, square).compile()
    return 2 * side**3 / min(_seconds(lambda: product(square, square)) for _ in range(5))


def _seconds(call: Callable[[], Any]) -> float:
    clock = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - clock


def chosen(given: dict[str, str], name: str, valid: Sequence[str]) -> list[Any]:
    """Return the values of `name` on the command line, all of `valid` if it is not there."""
    values = given.get(name, ",".join(valid)).split(",")
    wrong = next((value for value in values if value not in valid), None)
    if wrong is not None:
        sys.exit(f"`{name}` must be one or more of {', '.join(valid)}. Received: {wrong!r}.")
    return values


def case_of(given: dict[str, str]) -> Case:
    """Return what the command line asks for."""
    if not Path(given.get("data", "")).is_file():
        sys.exit("`data=DIR/gtsrb.npz` must name a file; a study with dataset=gtsrb dataset.dir=DIR makes it.")
    study = compose(["study=dropout_ablation", "dataset=gtsrb", f"dataset.dir={Path(given['data']).parent}"]).study
    with np.load(given["data"]) as arrays:
        share = int(given.get("images", len(arrays["x_train"]))) / len(arrays["x_train"])
        parts = {}
        for part in ("train", "test"):
            count = int(len(arrays[f"x_{part}"]) * share)
            x, y = arrays[f"x_{part}"][:count], arrays[f"y_{part}"][:count]
            parts[part] = Examples(jnp.asarray(x), jnp.asarray(y, jnp.int32), jnp.arange(count, dtype=jnp.int32))
    crop = study.training.augmentation.crop or parts["train"].images.shape[1]
    shape = (crop, crop, parts["train"].images.shape[-1])
    calls = int(given.get("epochs_per_call", EPOCHS_A_CALL))
    if not 1 <= calls <= EPOCHS_A_CALL:
        sys.exit(f"`epochs_per_call` must be from 1 to {EPOCHS_A_CALL}. Received: {calls}.")
    classes = int(parts["train"].labels.max()) + 1
    return Case(study, shape, classes, parts["train"], parts["test"], int(given.get("epochs", 10)), calls)


def main() -> None:
    given = dict(text.split("=", 1) for text in sys.argv[1:])
    precisions = chosen(given, "precision", get_args(Precision))
    ways = chosen(given, "convolution", ("patches", "grouped"))
    sizes = [int(size) for size in given.get("members", "1,2,4,8,16,24,32,64").split(",")]
    case = case_of(given)
    print(
        f"{jax.devices()[0].device_kind}; {case.images} training and {len(case.test.rows)} test images, "
        f"{case.epochs} epochs, {case.epochs_per_call} a call",
        flush=True,
    )
    for precision in precisions:
        fastest, alone = peak(precision), fit(case, precision)
        print(f"{precision}: a large matrix product {fastest / 1e12:,.2f} TFLOP/s", flush=True)
        print(f"  (a) fit, one after another: {case.images / alone:,.0f} images/s", flush=True)
        for way in ways:
            for size in sizes:
                compiling, seconds, size_bytes = fused(case, precision, way, size)
                name = "(b) one after another" if size == 1 else f"(c) {size} fused"
                print(
                    f"  {name}, {way}: {size * case.images / seconds:,.0f} images/s, "
                    f"{size * alone / seconds:.1f} times (a), {size * operations(case) / seconds / fastest:.0%} of the "
                    f"product's speed; compiled in {compiling:.0f} s; {size_bytes / size / 2**20:,.0f} MiB a member",
                    flush=True,
                )


if __name__ == "__main__":
    main()
