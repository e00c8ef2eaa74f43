"""In which precision a network is computed; weights, losses and updates are float32 in all of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import jax
import keras

from studies.training import Precision

_PRODUCTS = {"float32": "highest", "tf32": "tensorfloat32", "bf16": "default"}
"""By precision, what JAX may do to products of float32. Unless told, it takes them in tf32 on a GPU that can."""


@contextmanager
def computing_in(precision: Precision) -> Iterator[None]:
    """While models are built or traced, let them compute in `precision`."""
    before = keras.config.dtype_policy()
    if precision == "bf16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        with jax.default_matmul_precision(_PRODUCTS[precision]):
            yield
    finally:
        keras.config.set_dtype_policy(before)


def built_in(precision: Precision, build: Callable[[], keras.Model]) -> keras.Model:
    """Return what `build` builds, computing in `precision` but for the last layers, if the model has a graph.

    Those compute in float32: bfloat16 has too few digits for the logarithm in a loss.
    """
    with computing_in(precision):
        model = build()
    if precision == "bf16":
        for output in getattr(model, "outputs", None) or ():
            output._keras_history.operation.dtype_policy = "float32"
    return model
