"""Many trainings at once on one accelerator: `fused_trials.py data=DIR/gtsrb.npz [epochs=3] [members=1,2,4,...]
[precision=float32]`.

The four arms of the traffic-sign ablation on JAX, six seeds each, batch 128, an epoch with its test evaluation:
(a) `fit` of Keras on JAX, one trial after another; (b) our engine, one after another; (c) fused. Then how images per
second grow with the members of a group. The first call of each, which compiles, is stated and left out of the speed.
`precision=tf32` lets products of float32 be taken on tensor cores, `precision=bf16` computes in bfloat16 on float32
weights (Keras's mixed_bfloat16): all three sides do the same. `images=N` takes the first N training images and the same
share of the test images.
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import jax
import jax.numpy as jnp
import keras
import numpy as np

from search.models.hypermodel import HyperModel
from search.train.fused.group import Examples, beginning, stacked
from search.train.fused.program import FusedProgram
from search.train.fused.recipe import Recipe, numbers_of
from search.train.fused.skeleton import skeleton_of
from studies.compose import compose

PRECISIONS = {"float32": "highest", "tf32": "tensorfloat32", "bf16": None}


def cells(study: Any, count: int) -> list[tuple[str, int]]:
    """Return `count` cells, arm by arm for each seed, as a study would have them."""
    arms = list(study.arms)
    return [(arms[number % len(arms)], 1 + number // len(arms)) for number in range(count)]


def recipes(study: Any, shape: tuple[int, ...], classes: int, count: int) -> list[tuple[Recipe, int]]:
    made = []
    for arm, seed in cells(study, count):
        model = HyperModel(study.model_of(arm), shape, classes).build(study.setting(arm), seed)
        made.append((Recipe(skeleton_of(model), study.training_of(arm), study.data.range), seed))
    return made


def fused(
    members: Sequence[tuple[Recipe, int]], train: Examples, test: Examples, epochs: int
) -> tuple[float, float, int]:
    """Return the seconds of the first call, those of an epoch afterwards, and the bytes that the program takes."""
    places = sorted({place for recipe, _ in members for place in recipe.skeleton.rates})
    program = FusedProgram(members[0][0], places, train)
    states = stacked([beginning(recipe.skeleton) for recipe, _ in members])
    numbers = stacked([numbers_of(recipe, seed, places) for recipe, seed in members])
    clock = time.perf_counter()
    states, _ = jax.block_until_ready(program.train(states, numbers, 0, 1, train, {"test": test}))
    first = time.perf_counter() - clock
    clock = time.perf_counter()
    states, _ = jax.block_until_ready(program.train(states, numbers, 1, epochs, train, {"test": test}))
    seconds = (time.perf_counter() - clock) / epochs
    own = sum(leaf.nbytes for leaf in jax.tree.leaves(states))
    return first, seconds, own + program.bytes_taken(states, numbers, train, {"test": test})


def fit(study: Any, shape: tuple[int, ...], classes: int, train: Examples, test: Examples, epochs: int) -> float:
    """Return the seconds of an epoch of Keras's `fit`, the first one left out, on average over the arms.

    Crops are left out of it: it is given the centres.
    """

    def centres(part: Examples) -> np.ndarray:
        images = np.asarray(part.images)
        top, left = ((stored - seen) // 2 for stored, seen in zip(images.shape[1:3], shape[:2], strict=True))
        return images[:, top : top + shape[0], left : left + shape[1]].astype(np.float32) / 255

    seconds = []
    x, held = centres(train), (centres(test), np.asarray(test.labels))
    for arm in study.arms:
        model = HyperModel(study.model_of(arm), shape, classes).build(study.setting(arm), 1)
        ticks: list[float] = []
        tick = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_, ticks=ticks: ticks.append(time.perf_counter()))
        size = study.training.batch_size
        model.fit(
            x,
            np.asarray(train.labels),
            batch_size=size,
            epochs=epochs + 1,
            validation_data=held,
            verbose=0,
            callbacks=[tick],
        )
        seconds.append((ticks[-1] - ticks[0]) / epochs)
    return float(np.mean(seconds))


def main() -> None:
    given = dict(text.split("=", 1) for text in sys.argv[1:])
    if not Path(given.get("data", "")).is_file():
        sys.exit("`data=DIR/gtsrb.npz` must name a file; a study with dataset=gtsrb dataset.dir=DIR makes it.")
    epochs, precision = int(given.get("epochs", 3)), given.get("precision", "float32")
    if precision not in PRECISIONS:
        sys.exit(f"`precision` must be one of {', '.join(PRECISIONS)}. Received: {precision!r}.")
    jax.config.update("jax_default_matmul_precision", PRECISIONS[precision])
    if precision == "bf16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    sizes = [int(size) for size in given.get("members", "1,2,4,8,16,24,32,64").split(",")]
    study = compose(["study=dropout_ablation", "dataset=gtsrb", f"dataset.dir={Path(given['data']).parent}"]).study
    with np.load(given["data"]) as arrays:
        share = int(given.get("images", len(arrays["x_train"]))) / len(arrays["x_train"])
        parts = {}
        for part in ("train", "test"):
            count = int(len(arrays[f"x_{part}"]) * share)
            x, y = arrays[f"x_{part}"][:count], arrays[f"y_{part}"][:count]
            parts[part] = Examples(jnp.asarray(x), jnp.asarray(y, jnp.int32), jnp.arange(count, dtype=jnp.int32))
    train, test = parts["train"], parts["test"]
    classes, crop = int(train.labels.max()) + 1, study.training.augmentation.crop
    shape = (crop, crop, train.images.shape[-1])
    images = len(train.rows)
    print(
        f"{jax.devices()[0].device_kind}; {images} training and {len(test.rows)} test images, {precision}", flush=True
    )
    alone = fit(study, shape, classes, train, test, epochs)
    print(f"(a) fit, one after another: {images / alone:,.0f} images/s", flush=True)
    for size in sizes:
        first, seconds, size_bytes = fused(recipes(study, shape, classes, size), train, test, epochs)
        name = "(b) one after another" if size == 1 else f"(c) {size} fused"
        print(
            f"{name}: {size * images / seconds:,.0f} images/s, {size * alone / seconds:.1f} times (a); first call "
            f"{first:.0f} s; {size_bytes / size / 2**20:,.0f} MiB a member",
            flush=True,
        )


if __name__ == "__main__":
    main()
