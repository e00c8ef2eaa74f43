"""Seeds and examples as two samples: by loops over a small matrix, and by simulated studies."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tracking import stats
from tracking.two_level import NO_VARIANCE, ONE_EXAMPLE, SEEDS_CONSTANT, new_data

A = [[1, 1, 0, 1, 1], [1, 0, 0, 1, 1], [1, 1, 1, 1, 0]]
B = [[0, 1, 0, 1, 0], [0, 0, 1, 0, 0]]


def mean(values):
    return sum(values) / len(values)


def variance(values):
    return sum((value - mean(values)) ** 2 for value in values) / (len(values) - 1)


def columns(matrix):
    return [[row[i] for row in matrix] for i in range(len(matrix[0]))]


def test_a_small_matrix_is_compared_as_by_loops():
    found = new_data(A, B)
    n = 5
    v_a, v_b = variance([mean(row) for row in A]) / 3, variance([mean(row) for row in B]) / 2
    gaps = [mean(a) - mean(b) for a, b in zip(columns(A), columns(B), strict=True)]
    example = variance(gaps) / n
    residual = mean([variance(c) for c in columns(A)]) / (n * 3) + mean([variance(c) for c in columns(B)]) / (n * 2)
    assert found.difference == pytest.approx(11 / 15 - 3 / 10)
    assert (found.seed_part, found.example_part, found.residual_part) == pytest.approx((v_a + v_b, example, residual))
    squared = max(v_a + v_b + example - residual, v_a + v_b, example)
    assert found.se == pytest.approx(math.sqrt(squared))
    welch = scipy_stats.ttest_ind([mean(row) for row in A], [mean(row) for row in B], equal_var=False)
    assert found.df == pytest.approx(squared**2 / ((v_a + v_b) ** 2 / welch.df))
    assert found.p == pytest.approx(2 * scipy_stats.t.sf(found.difference / found.se, found.df))
    half = scipy_stats.t.ppf(0.975, found.df) * found.se
    assert (found.low, found.high) == pytest.approx((found.difference - half, found.difference + half))
    assert found.flags == (stats.TOO_FEW,)


def test_the_other_way_round_only_the_sign_changes():
    there, back = new_data(A, B), new_data(B, A)
    assert (back.difference, back.low, back.high) == pytest.approx((-there.difference, -there.high, -there.low))
    assert (back.p, back.se, back.df) == pytest.approx((there.p, there.se, there.df))


def test_it_is_never_surer_than_the_seeds_alone():
    rng = np.random.default_rng(2)
    for _ in range(50):
        a, b = rng.random((4, 30)) < 0.8, rng.random((5, 30)) < 0.7
        found = new_data(a, b)
        seeds = scipy_stats.ttest_ind(a.mean(axis=1), b.mean(axis=1), equal_var=False)
        assert found.se >= abs(found.difference / seeds.statistic) * (1 - 1e-9)
        assert found.se**2 >= found.example_part * (1 - 1e-9)


def test_without_variance_over_seeds_the_examples_give_normal_limits():
    a = np.array([[1, 1, 1, 0, 1, 1, 1, 1]] * 3)
    b = np.array([[1, 0, 1, 0, 1, 0, 1, 1]] * 3)
    found = new_data(a, b)
    assert (found.df, found.flags) == (None, (SEEDS_CONSTANT,))
    se = math.sqrt(variance([0, 1, 0, 0, 0, 1, 0, 0]) / 8)
    assert found.se == pytest.approx(se)
    assert found.p == pytest.approx(2 * scipy_stats.norm.sf(0.25 / se))
    assert found.high - found.low == pytest.approx(2 * scipy_stats.norm.isf(0.025) * se)


@pytest.mark.parametrize(
    ("a", "b", "difference", "flag"),
    [
        ([[1, 0]], [[1, 1], [0, 1]], -0.25, stats.ONE_VALUE),
        ([[1], [0]], [[1], [1]], -0.5, ONE_EXAMPLE),
        ([[1, 1], [1, 1]], [[0, 0], [0, 0]], 1.0, NO_VARIANCE),
        (np.ones((0, 4)), [[0, 0, 1, 1]], None, stats.NO_VALUES),
    ],
)
def test_what_cannot_be_tested_says_why(a, b, difference, flag):
    found = new_data(a, b)
    assert (found.difference, found.p, found.se, found.low, found.flags) == (difference, None, None, None, (flag,))


def test_rounding_is_no_variance():
    # Every trial is right on one example in three, and every example in one trial of three.
    turned = np.eye(3)
    found = new_data(turned, turned[::-1])
    assert (found.seed_part, found.example_part) == (0.0, 0.0)
    assert found.flags == (NO_VARIANCE,)


def test_arms_need_the_same_examples():
    with pytest.raises(ValueError, match="same test examples"):
        new_data(A, [[1, 0, 1]])
    with pytest.raises(ValueError, match="trials, examples"):
        new_data([1, 0], B)


def studies(count, seeds, examples, seed_sd, example_sd, rng):
    """Correctness of two arms that are equally right on all data, with examples that suit one of them more."""
    for _ in range(count):
        arms = []
        common = rng.normal(0, 0.7, examples)
        for _ in range(2):
            easy = 1.0 + common + rng.normal(0, example_sd, examples) + rng.normal(0, seed_sd, (seeds, 1))
            arms.append(rng.random((seeds, examples)) < scipy_stats.norm.cdf(easy))
        yield arms


@pytest.mark.parametrize(("seed_sd", "example_sd"), [(0.0, 0.0), (0.1, 0.0), (0.0, 0.8), (0.1, 0.8)])
def test_equal_arms_are_called_different_no_more_often_than_allowed(seed_sd, example_sd):
    rng = np.random.default_rng(8)
    count = 500
    p = [new_data(a, b).p for a, b in studies(count, 5, 200, seed_sd, example_sd, rng)]
    wrong = np.mean([one is not None and one <= 0.05 for one in p])
    assert wrong <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / count)


def test_the_standard_error_is_that_of_studies_with_new_seeds_and_new_examples():
    rng = np.random.default_rng(9)
    found = [new_data(a, b) for a, b in studies(1500, 5, 200, 0.1, 0.8, rng)]
    spread = np.var([one.difference for one in found], ddof=1)
    assert np.mean([one.se**2 for one in found]) == pytest.approx(spread, rel=0.12)
    # The seeds alone miss what the examples add.
    assert np.mean([one.seed_part for one in found]) < 0.8 * spread
