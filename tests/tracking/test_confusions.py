"""Confusions of two arms, on matrices that one can check by hand."""

import numpy as np
import pytest

from tracking.confusions import class_accuracy, class_order, majorities, told_apart, worst_pairs
from tracking.predictions import ArmPredictions, Predictions

LABELS = np.array([0, 0, 1, 1, 2, 2])


def arm(name, *predicted, labels=LABELS, classes=3):
    stack = np.array(predicted, dtype=np.uint16)
    confusion = np.zeros((classes, classes), np.int64)
    for trial in stack:
        np.add.at(confusion, (labels, trial), 1)
    return ArmPredictions(name, stack, (stack == labels).sum(axis=0), confusion)


CONTROL = arm("control", [0, 0, 2, 2, 2, 2], [0, 0, 2, 1, 2, 2], [0, 1, 2, 2, 2, 2])
BETTER = arm("better", [0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2], [0, 0, 2, 1, 2, 1])
BOTH = Predictions(LABELS, ("a", "b", "c"), {"control": CONTROL, "better": BETTER}, None)


def test_class_accuracy_is_over_all_trials():
    assert class_accuracy(CONTROL) == pytest.approx([5 / 6, 1 / 6, 1.0])
    lonely = arm("lonely", [0], labels=np.array([0]))
    assert np.isnan(class_accuracy(lonely)).tolist() == [False, True, True]


def test_the_worst_pair_is_the_one_that_both_confuse_most():
    pairs = worst_pairs(BETTER, CONTROL, 2)
    assert (pairs[0].true, pairs[0].predicted) == (1, 2)
    assert (pairs[0].control, pairs[0].arm) == pytest.approx((5 / 6, 1 / 6))
    assert len(pairs) == 2


def test_pairs_that_nobody_confuses_are_not_listed():
    assert len(worst_pairs(BETTER, CONTROL, 10)) == 3


def test_images_that_one_arm_gets_right_and_the_other_wrong_come_by_how_clearly():
    found = told_apart(BOTH, "better", "control", 5)
    assert [one.example for one in found] == [2, 3]
    assert (found[0].right_in_arm, found[0].right_in_control, found[0].true, found[0].taken_for) == (2, 0, 1, 2)
    assert told_apart(BOTH, "control", "better", 5) == []
    assert majorities(BOTH, "better", "control") == (2, 0)


def test_classes_that_are_confused_stand_next_to_each_other():
    labels = np.arange(4).repeat(10)
    given = labels.copy()
    given[[0, 1, 2]] = 3
    given[[10, 11]] = 2
    one = arm("one", given, labels=labels, classes=4)
    order = class_order(Predictions(labels, tuple("abcd"), {"one": one}, None))
    assert sorted(order) == [0, 1, 2, 3]
    assert abs(order.index(0) - order.index(3)) == 1
    assert abs(order.index(1) - order.index(2)) == 1
