"""A product of patches is the convolution that Keras would take, and what is fast is found by what was trained."""

import math

import fused_trials
import numpy as np
import pytest

from search.executors import LocalExecutor
from search.train.fused.convolution import Choice, Way

BOTH: tuple[Way, ...] = ("patches", "grouped")


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (1, 3)])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (2, 4), (5, 5)])
def test_patches_give_what_keras_gives(
    worker: LocalExecutor, kernel: tuple[int, int], strides: tuple[int, int], padding: str
) -> None:
    ours, kerass = worker.submit(fused_trials.convolved, kernel, strides, padding).result()
    for one, other in zip(ours, kerass, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_convolutions_that_are_dilated_or_grouped_are_left_to_keras(worker: LocalExecutor) -> None:
    for given in ({"dilation_rate": 2}, {"groups": 3}):
        ours, kerass = worker.submit(fused_trials.convolved, (3, 3), (1, 1), "same", **given).result()
        for one, other in zip(ours, kerass, strict=True):
            np.testing.assert_array_equal(one, other)


def test_nothing_is_tried_while_compiling_it_would_cost_more_than_it_could_gain() -> None:
    choice = Choice(BOTH)
    assert choice.fastest == "patches"
    choice.note("patches", epoch_seconds=2.0, compile_seconds=10.0)
    assert choice.trial(epochs=50) is None
    assert choice.trial(epochs=51) == "grouped"


@pytest.mark.parametrize(("seconds", "fastest"), [(1.0, "grouped"), (3.0, "patches"), (math.inf, "patches")])
def test_the_fastest_stays(seconds: float, fastest: str) -> None:
    choice = Choice(BOTH)
    choice.note("patches", epoch_seconds=2.0, compile_seconds=1.0)
    choice.note("grouped", epoch_seconds=seconds, compile_seconds=1.0)
    assert choice.fastest == fastest
    assert choice.trial(epochs=1000) is None


def test_what_became_slow_gives_way() -> None:
    choice = Choice(BOTH)
    choice.note("patches", epoch_seconds=2.0, compile_seconds=1.0)
    choice.note("grouped", epoch_seconds=3.0, compile_seconds=1.0)
    choice.note("patches", epoch_seconds=4.0, compile_seconds=0.0)
    assert choice.fastest == "grouped"
