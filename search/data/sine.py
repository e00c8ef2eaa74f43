"""A wave to fit, for regression: no file, the same numbers on every machine."""

import numpy as np

from search.data.images import Images

N_TRAIN, N_TEST = 400, 200
NOISE = 0.1
"""Standard deviation of the noise; its square, 0.01, is the least mean squared error that a model can expect."""
SEED = 0
RECIPE = 1
"""To be raised with any change of what `make_sine` returns."""


def source_stamp() -> str:
    """Return what the arrays depend on."""
    return f"recipe {RECIPE}"


def make_sine() -> Images:
    """Return y = sin(2 pi x) + noise, x spread evenly over [-1, 1): (n, 1) and (n,) float32, 400 and 200 for test."""
    # NumPy keeps the numbers of RandomState as they are for ever, unlike those of default_rng.
    random = np.random.RandomState(SEED)
    x = random.uniform(-1, 1, N_TRAIN + N_TEST)
    y = np.sin(2 * np.pi * x) + random.normal(0, NOISE, len(x))
    inputs, targets = x[:, np.newaxis].astype(np.float32), y.astype(np.float32)
    return Images(inputs[:N_TRAIN], targets[:N_TRAIN], inputs[N_TRAIN:], targets[N_TRAIN:], class_names=())
