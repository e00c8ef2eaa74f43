"""Trials that are trained as one program end as they do when each is trained alone."""

from typing import Any

import fused_trials
import pytest
from fused_trials import SEEDS, far

from search.executors import LocalExecutor
from search.train.result import NotFiniteError, TrialPrunedError, TrialResult
from tracking.record import ExecutionPlan

TOLERANCE = 1e-5
"""On losses of float32 after three epochs: sums are taken in another order in a group."""
HALF_A_BATCH_LEFT = {"batch_size": 16}
PLACEMENTS: list[fused_trials.Cell] = [
    ({}, 1, HALF_A_BATCH_LEFT),
    ({"placement": "after_pooling", "rate": 0.5}, 1, HALF_A_BATCH_LEFT),
    ({"placement": "after_flatten", "rate": 0.3}, 2, HALF_A_BATCH_LEFT),
    ({"placement": "after_activation", "rate": 0.2}, 2, HALF_A_BATCH_LEFT),
]
STRONG = {"augmentation": {"crop": 16, "rotation": 10.0, "flip": "horizontal", "saturation": [0.5, 1.5]}}
WEAK = {"augmentation": {"crop": 16, "rotation": 5.0, "flip": "horizontal", "saturation": [0.9, 1.1]}}
SHARES: list[fused_trials.Cell] = [
    ({"placement": "after_pooling", "rate": rate}, seed, {}) for rate, seed in ((0.5, 1), (0.2, 1), (0.3, 3))
]
"""What many tests train in groups of one, two and three: each size is a program that XLA takes seconds for."""
MODELS: dict[str, tuple[str, int, int, list[fused_trials.Cell], list[int]]] = {
    "four placements of dropout": ("two_block_cnn", 16, 16, PLACEMENTS, [1, 3]),
    "batch norm": ("two_block_cnn", 16, 16, [({"batch_norm": True}, seed, {}) for seed in (1, 2)], [0]),
    "strengths of augmentation": ("two_block_cnn", 16, 20, [({}, 1, STRONG), ({}, 1, WEAK)], [1]),
    "learning rates": ("naive_convnet", 16, 16, [({}, 1, {}), ({"learning_rate": 0.01}, 1, {})], [1]),
    "shares of smoothed labels": (
        "fused_models:smoothed",
        16,
        16,
        [({"label_smoothing": share}, 1, {}) for share in (0.0, 0.1, 0.3)],
        [0, 1, 2],
    ),
    "a model without a graph": ("fused_models:without_a_graph", 16, 16, SEEDS, [0]),
    "challenge_cnn": ("challenge_cnn", 28, 28, SEEDS, [0]),
    "batchnorm_convnet": ("batchnorm_convnet", 16, 16, SEEDS, [0]),
    "six_conv": ("six_conv", 16, 16, SEEDS, [0]),
    "cifar_small": ("cifar_small", 24, 24, [({}, 1, {}), ({"dropout": 0.2}, 1, {})], [1]),
    "vgg_small": ("vgg_small", 16, 16, SEEDS, [0]),
    "three_conv_net": ("three_conv_net", 16, 16, SEEDS, [0]),
    "one_conv_net": ("one_conv_net", 16, 16, SEEDS, [0]),
    "dimension_check": ("dimension_check", 16, 16, SEEDS, [0]),
    "dense_head": ("dense_head", 8, 8, SEEDS, [0]),
    "dense_shortcut": ("dense_shortcut", 1, 1, SEEDS, [0]),
}


@pytest.mark.parametrize("case", MODELS)
def test_a_group_is_one_program_and_each_member_ends_as_alone(worker: LocalExecutor, case: str) -> None:
    model, side, stored, cells, chosen = MODELS[case]
    ask = worker.submit(fused_trials.fused_and_solo, model, side, stored, cells, chosen)
    programs, together, alone = ask.result()
    assert programs == 1
    for number, other in zip(chosen, alone, strict=True):
        assert far(together[number], other) <= TOLERANCE
    assert len({one.metrics["train_loss"] for one in together}) == len(cells), "the members differ"


def test_a_pruned_member_and_one_with_fewer_epochs_leave_the_others_alone(worker: LocalExecutor) -> None:
    cells: list[fused_trials.Cell] = [*SHARES[:2], (*SHARES[2][:2], {"epochs": 1})]
    undisturbed = worker.submit(fused_trials.group, cells).result()
    ends: list[Any] = worker.submit(fused_trials.group, cells, {0: 2}).result()
    assert [type(end) for end in ends] == [TrialPrunedError, TrialResult, TrialResult]
    assert [len(end.history["train_loss"]) for end in ends] == [2, 3, 1]
    assert far(ends[1], undisturbed[1]) <= TOLERANCE
    assert ends[2].metrics["test_loss"] == pytest.approx(undisturbed[2].metrics["test_loss"], abs=TOLERANCE)


def test_a_member_whose_loss_is_no_number_fails_alone(worker: LocalExecutor) -> None:
    fine, broken = worker.submit(fused_trials.group, SHARES[:2], poisoned=1).result()
    assert isinstance(fine, TrialResult)
    assert isinstance(broken, NotFiniteError)
    assert "became nan in epoch 1" in str(broken)


def test_a_group_that_does_not_fit_into_memory_is_halved_and_loses_nobody(worker: LocalExecutor) -> None:
    tried, ends = worker.submit(fused_trials.in_a_small_memory, SHARES + SHARES[:2], 2).result()
    assert tried[0] == 5 and max(tried[2:]) <= 2
    whole = worker.submit(fused_trials.group, SHARES).result()
    assert max(far(one, other) for one, other in zip(ends, whole + whole[:2], strict=True)) < TOLERANCE


def test_a_group_is_as_large_as_the_memory_that_the_device_says_it_has(worker: LocalExecutor) -> None:
    ask = worker.submit(fused_trials.in_a_measured_memory, SHARES, 2.5)
    trained, ends, whole = ask.result()
    assert max(trained) == 2
    assert max(far(one, other) for one, other in zip(ends, whole, strict=True)) < TOLERANCE


def test_what_may_be_fast_is_tried_for_an_epoch_and_the_fastest_trains_the_rest(worker: LocalExecutor) -> None:
    calls, ends = worker.submit(fused_trials.with_a_choice, SHARES[:2], True).result()
    [first, second, (fastest, rest)] = calls
    assert (first, second, rest) == (("patches", 1), ("grouped", 1), 1)
    assert {end.cost.plan for end in ends} == {ExecutionPlan(convolution=fastest, epochs_per_call=1)}
    whole = worker.submit(fused_trials.group, SHARES[:2]).result()
    assert {end.cost.plan for end in whole} == {ExecutionPlan(convolution="patches", epochs_per_call=3)}
    assert max(far(one, other) for one, other in zip(ends, whole, strict=True)) <= TOLERANCE


def test_what_does_not_fit_is_not_tried(worker: LocalExecutor) -> None:
    calls, _ = worker.submit(fused_trials.with_a_choice, SHARES[:2], False).result()
    assert calls == [("patches", 1), ("patches", 2)]


def test_other_seeds_and_numbers_are_trained_by_the_program_that_there_is(worker: LocalExecutor) -> None:
    others: list[fused_trials.Cell] = [({**SHARES[0][0], "rate": 0.4, "learning_rate": 0.002}, 7, {}), SHARES[1]]
    compiled, ends = worker.submit(fused_trials.compiled_for, SHARES[:2], others).result()
    assert compiled == 0
    before = worker.submit(fused_trials.group, SHARES[:2]).result()
    assert far(ends[0], before[0]) > 0.01
    assert far(ends[1], before[1]) <= TOLERANCE


def test_a_model_that_does_not_say_what_it_computes_is_fused_with_its_own_setting_only(worker: LocalExecutor) -> None:
    settings = ({}, {}, {"activation": "tanh"}, {"factor": 2.0})
    cells: list[fused_trials.Cell] = [(setting, seed, {}) for seed, setting in enumerate(settings)]
    assert worker.submit(fused_trials.programs, "fused_models:without_a_graph", 16, cells).result() == 3


def test_another_architecture_is_another_program(worker: LocalExecutor) -> None:
    cells: list[fused_trials.Cell] = [({}, 1, {}), ({"dense_units": 8}, 1, {}), ({"activation": "relu"}, 1, {})]
    assert worker.submit(fused_trials.programs, "two_block_cnn", 16, cells).result() == 3
