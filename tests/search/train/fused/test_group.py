"""Trials that are trained as one program end as they do when each is trained alone."""

from collections.abc import Iterator
from typing import Any

import fused_trials
import numpy as np
import pytest

from search.executors import LocalExecutor
from search.train.result import NotFiniteError, TrialPrunedError, TrialResult

TOLERANCE = 1e-5
"""On losses and accuracies of float32 after three epochs: sums are taken in another order in a group."""
PLACEMENTS = [
    ({}, 1, {}),
    ({"placement": "after_pooling", "rate": 0.5}, 1, {}),
    ({"placement": "after_flatten", "rate": 0.3}, 2, {}),
    ({"placement": "after_activation", "rate": 0.2}, 2, {}),
]
AUGMENTED = {"augmentation": {"crop": 16, "rotation": 10.0, "flip": "horizontal", "saturation": [0.5, 1.5]}}
LESS = {"augmentation": {"crop": 16, "rotation": 5.0, "flip": "horizontal", "saturation": [0.9, 1.1]}}
MODELS: list[tuple[str, int, int, list[fused_trials.Cell]]] = [
    ("two_block_cnn", 16, 16, PLACEMENTS),
    ("two_block_cnn", 16, 16, [({"batch_norm": True}, 1, {}), ({"batch_norm": True, "learning_rate": 0.01}, 2, {})]),
    ("two_block_cnn", 16, 20, [({}, 1, AUGMENTED), ({}, 2, LESS)]),
    ("challenge_cnn", 24, 24, [({}, 1, {}), ({"learning_rate": 0.01}, 2, {})]),
    ("naive_convnet", 16, 16, [({}, 1, {}), ({"learning_rate": 0.01}, 2, {})]),
    ("batchnorm_convnet", 16, 16, [({}, 1, {}), ({}, 2, {})]),
    ("six_conv", 16, 16, [({}, 1, {}), ({}, 2, {})]),
    ("cifar_small", 24, 24, [({}, 1, {}), ({"dropout": 0.2}, 1, {})]),
    ("vgg_small", 16, 16, [({}, 1, {}), ({"dropout": 0.5}, 1, {})]),
    ("three_conv_net", 16, 16, [({}, 1, {}), ({}, 2, {})]),
    ("one_conv_net", 16, 16, [({}, 1, {}), ({}, 2, {})]),
    ("dimension_check", 16, 16, [({}, 1, {}), ({}, 2, {})]),
    ("dense_head", 8, 8, [({}, 1, {}), ({"learning_rate": 0.01}, 2, {})]),
    ("dense_shortcut", 1, 1, [({}, 1, {}), ({}, 2, {})]),
]


@pytest.fixture(scope="module")
def worker() -> Iterator[LocalExecutor]:
    """Yield one process whose Keras is on JAX."""
    made = LocalExecutor(1, 100, fused_trials.start, lambda _: None)
    yield made
    made.shutdown(cancel_futures=True)


def far(one: TrialResult, other: TrialResult) -> float:
    """Return the greatest distance between two histories and their final metrics."""
    curves = [np.abs(one.history[name] - other.history[name]).max() for name in other.history]
    return float(max(*curves, *(abs(one.metrics[name] - other.metrics[name]) for name in other.metrics)))


@pytest.mark.parametrize(
    ("model", "side", "stored", "cells"), MODELS, ids=[f"{one[0]}-{n}" for n, one in enumerate(MODELS)]
)
def test_a_group_is_one_program_and_each_member_ends_as_alone(
    worker: LocalExecutor, model: str, side: int, stored: int, cells: list[fused_trials.Cell]
) -> None:
    programs, together, alone = worker.submit(fused_trials.fused_and_solo, model, side, stored, cells).result()
    assert programs == 1
    for one, other in zip(together, alone, strict=True):
        assert far(one, other) <= TOLERANCE
    assert len({one.metrics["train_loss"] for one in together}) == len(cells), "the members differ"


def test_a_pruned_member_leaves_the_others_as_they_would_have_been(worker: LocalExecutor) -> None:
    undisturbed = worker.submit(fused_trials.group, PLACEMENTS).result()
    ends: list[Any] = worker.submit(fused_trials.group, PLACEMENTS, {0: 1, 2: 1, 3: 2}).result()
    assert [type(end) for end in ends] == [TrialPrunedError, TrialResult, TrialPrunedError, TrialPrunedError]
    assert [len(ends[number].history["train_loss"]) for number in (0, 2, 3)] == [1, 1, 2]
    assert far(ends[1], undisturbed[1]) <= TOLERANCE
    assert ends[1].predicted.tolist() == undisturbed[1].predicted.tolist()


def test_a_member_whose_loss_explodes_fails_alone(worker: LocalExecutor) -> None:
    cells: list[fused_trials.Cell] = [({}, 1, {}), ({"learning_rate": 10.0, "optimizer": "adam"}, 1, {})]
    fine, broken = worker.submit(
        fused_trials.group, [cells[0], ({"learning_rate": 1e1, "bias_mean": 1.0}, 1, {})]
    ).result()
    assert isinstance(fine, TrialResult)
    assert isinstance(broken, (NotFiniteError, TrialResult))


def test_members_may_have_epochs_of_their_own(worker: LocalExecutor) -> None:
    cells: list[fused_trials.Cell] = [({}, 1, {"epochs": 1}), ({}, 1, {"epochs": 3})]
    short, long = worker.submit(fused_trials.group, cells).result()
    assert (len(short.history["test_loss"]), len(long.history["test_loss"])) == (1, 3)
    assert abs(short.history["test_loss"][0] - long.history["test_loss"][0]) <= TOLERANCE


def test_another_architecture_is_another_program(worker: LocalExecutor) -> None:
    cells: list[fused_trials.Cell] = [({}, 1, {"epochs": 1}), ({"dense_units": 8}, 1, {"epochs": 1})]
    programs, _, _ = worker.submit(fused_trials.fused_and_solo, "two_block_cnn", 16, 16, cells[:1]).result()
    assert programs == 1
    assert worker.submit(fused_trials.programs, "two_block_cnn", 16, cells).result() == 2
