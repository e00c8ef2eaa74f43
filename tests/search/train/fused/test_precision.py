"""Less precision changes what products are computed in, and nothing else of a trial."""

import fused_trials
import numpy as np
import pytest
from fused_trials import SEEDS, far

from search.executors import LocalExecutor

BF16: list[fused_trials.Cell] = [(setting, seed, {"precision": "bf16"}) for setting, seed, _ in SEEDS]


def test_in_bf16_the_network_is_in_half_the_bits_and_its_weights_and_scores_are_not(worker: LocalExecutor) -> None:
    found = worker.submit(fused_trials.dtypes, "bf16").result()
    assert found.pop("weights") == found.pop("classes") == "float32"
    assert set(found.values()) == {"bfloat16"}


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_in_the_others_everything_is_float32(worker: LocalExecutor, precision: str) -> None:
    assert set(worker.submit(fused_trials.dtypes, precision).result().values()) == {"float32"}


def test_a_trial_in_bf16_learns_nearly_what_one_in_float32_does(worker: LocalExecutor) -> None:
    ours = worker.submit(fused_trials.group, BF16).result()
    float32 = worker.submit(fused_trials.group, SEEDS).result()
    for one, other in zip(ours, float32, strict=True):
        assert far(one, other) > 0
        np.testing.assert_allclose(one.history["train_loss"], other.history["train_loss"], rtol=0.05)
