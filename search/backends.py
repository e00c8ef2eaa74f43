"""What makes a process a worker: Keras on its backend, imported once, before the first trial."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from studies.errors import InputError
from studies.executors import Device
from studies.spec import Backend

_PROBED = ("matplotlib", "pandas", "sklearn")
"""What Keras and Keras Tuner import where it is installed, for parts that a trial does not use. With what TensorFlow
looks for, it is nearly half of the time that a worker takes to start."""


def start_worker(backend: Backend = "tensorflow", device: Device | None = None) -> None:
    """Make this process a worker: one thread, a quiet `backend`, and everything heavy imported.

    Args:
        backend: what Keras runs on.
        device: `cpu`: no GPU is used, though there may be one.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = backend
    if backend == "jax":
        _import_on_jax(device)
    else:
        _import_on_tensorflow(device)


def _import_on_tensorflow(device: Device | None) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    with _looking_uninstalled((*_PROBED, "jax", "scipy")):
        import tensorflow as tf

        # Two workers of one thread each train more per second than one worker of two; and with one thread every sum
        # is taken in one order, so that the same key gives the same bits.
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        if device == "cpu":
            tf.config.set_visible_devices([], "GPU")
        from search.models import hypermodel
        from search.train import engine

    assert hypermodel and engine  # imported here so that the first trial does not wait for them


def _import_on_jax(device: Device | None) -> None:
    if device == "cpu":
        os.environ["JAX_PLATFORMS"] = "cpu"
    with _looking_uninstalled(_PROBED):
        from search import fused_trial
        from search.models import hypermodel
        from search.train.fused import engine

    assert hypermodel and engine and fused_trial


def device_of(backend: Backend) -> str:
    """Return what `backend` computes on in this process: cpu, gpu or tpu.

    Raises:
        InputError: JAX was told by JAX_PLATFORMS to use what is not there.
    """
    if backend == "tensorflow":
        import tensorflow as tf

        return "gpu" if tf.config.get_visible_devices("GPU") else "cpu"
    import jax

    try:
        return str(jax.default_backend())
    except RuntimeError as error:
        wanted = os.environ.get("JAX_PLATFORMS", "")
        raise InputError(
            f"JAX_PLATFORMS must name what is here. Received: {wanted!r}; {str(error).splitlines()[0]}"
        ) from None


@contextmanager
def _looking_uninstalled(names: Sequence[str]) -> Iterator[None]:
    """Let those of `names` that are not imported yet look as if they were not installed; afterwards they can be."""
    hidden = [name for name in names if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's own sign for: not to be found
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
