"""Descriptions and tests against R's published numbers, hand computation and other libraries."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests

from tracking import stats

# Student's sleep data, as in R's `sleep`: extra hours with two drugs, by patient.
FIRST = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SECOND = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def test_a_sample_is_described_as_by_hand():
    found = stats.describe([1.0, 2.0, 3.0, 6.0])
    assert (found.n, found.mean, found.median, found.minimum, found.maximum) == (4, 3.0, 2.5, 1.0, 6.0)
    assert found.sd == pytest.approx(math.sqrt(14 / 3))
    half = 3.182446305 * math.sqrt(14 / 3) / 2  # t(0.975, 3), from a printed table
    assert (found.low, found.high) == pytest.approx((3 - half, 3 + half))
    assert found.flags == ()


def test_one_value_has_a_mean_and_no_spread():
    found = stats.describe([0.9])
    assert (found.mean, found.median, found.minimum, found.maximum) == (0.9, 0.9, 0.9, 0.9)
    assert (found.sd, found.low, found.high) == (None, None, None)
    assert found.flags == (stats.ONE_VALUE,)


def test_no_values_have_no_mean_and_a_reason():
    assert stats.describe([]) == stats.Description(0, flags=(stats.NO_VALUES,))


def test_equal_values_are_flagged_and_get_no_interval():
    found = stats.describe([0.1 + 0.2, 0.3, 0.3])  # 0.30000000000000004 is float noise
    assert (found.sd, found.low, found.high) == (0.0, None, None)
    assert found.flags == (stats.CONSTANT,)


@pytest.mark.parametrize("bad", [[float("nan"), 1.0], [float("inf")]])
def test_values_that_are_not_finite_are_refused(bad):
    with pytest.raises(ValueError, match="finite"):
        stats.describe(bad)
    with pytest.raises(ValueError, match="finite"):
        stats.welch(bad, [1.0, 2.0])


def test_welch_gives_what_r_prints_for_the_sleep_data():
    found = stats.welch(FIRST, SECOND)
    assert found.t == pytest.approx(-1.8608, abs=5e-5)
    assert found.df == pytest.approx(17.776, abs=5e-4)
    assert found.p == pytest.approx(0.07939, abs=5e-6)
    assert (found.low, found.high) == pytest.approx((-3.3654832, 0.2054832), abs=5e-8)
    assert found.difference == pytest.approx(0.75 - 2.33)


def test_the_paired_test_gives_what_r_prints_for_the_sleep_data():
    found = stats.paired(FIRST, SECOND)
    assert (found.t, found.df) == pytest.approx((-4.0621, 9), abs=5e-5)
    assert found.p == pytest.approx(0.002833, abs=5e-7)
    assert (found.low, found.high) == pytest.approx((-2.4598858, -0.7001142), abs=5e-8)
    assert (found.n_treatment, found.n_control) == (10, 10)


def test_a_higher_confidence_gives_a_wider_interval():
    narrow, wide = stats.welch(FIRST, SECOND, 0.90), stats.welch(FIRST, SECOND, 0.99)
    assert wide.low < narrow.low < narrow.high < wide.high
    assert narrow.p == wide.p


def test_no_variance_in_both_arms_gives_no_p_however_different_the_means():
    found = stats.welch([0.9, 0.9, 0.9], [0.1 + 0.2, 0.3, 0.3])
    assert found.difference == pytest.approx(0.6)
    assert (found.p, found.t, found.df, found.low, found.high) == (None,) * 5
    assert found.flags == (stats.BOTH_CONSTANT,)


def test_no_variance_in_one_arm_is_tested_and_flagged():
    found = stats.welch([0.9, 0.9, 0.9], [0.1, 0.2, 0.3])
    assert found.p == pytest.approx(scipy_stats.ttest_1samp([0.1, 0.2, 0.3], 0.9).pvalue)
    assert found.flags == (stats.ONE_CONSTANT,)


def test_one_trial_in_an_arm_gives_the_difference_and_no_test():
    found = stats.welch([0.9], [0.1, 0.2, 0.3])
    assert found.difference == pytest.approx(0.7)
    assert (found.p, found.flags) == (None, (stats.ONE_VALUE,))
    assert stats.welch([], [0.1, 0.2]).flags == (stats.NO_VALUES,)


def test_two_trials_in_an_arm_are_tested_with_a_warning():
    found = stats.welch([0.9, 0.8], [0.1, 0.2, 0.3])
    assert found.p is not None
    assert stats.TOO_FEW in found.flags


def test_constant_paired_differences_give_no_p():
    found = stats.paired([0.2, 0.3, 0.4], [0.1, 0.2, 0.3])
    assert found.difference == pytest.approx(0.1)
    assert (found.p, found.flags) == (None, (stats.CONSTANT_DIFFERENCES,))
    assert stats.paired([0.2], [0.1]).flags == (stats.ONE_PAIR,)
    assert stats.paired([], []).flags == (stats.NO_PAIRS,)


def test_pairs_need_equal_lengths():
    with pytest.raises(ValueError, match="equal lengths"):
        stats.paired([1.0, 2.0], [1.0])


def test_holm_gives_what_r_prints():
    assert stats.holm([0.01, 0.02, 0.03, 0.04]) == pytest.approx((0.04, 0.06, 0.06, 0.06))


def test_holm_gives_what_statsmodels_gives():
    rng = np.random.default_rng(7)
    for size in range(1, 9):
        p_values = rng.random(size).round(1) / 2  # with ties
        assert stats.holm(p_values.tolist()) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_a_missing_p_is_left_out_of_holms_family():
    assert stats.holm([0.01, None, 0.04]) == (pytest.approx(0.02), None, pytest.approx(0.04))
    assert stats.holm([None, None]) == (None, None)
    assert stats.holm([]) == ()


def test_equivalence_is_the_larger_of_two_one_sided_tests():
    x, y = np.array(FIRST), np.array(SECOND)
    sides = (
        scipy_stats.ttest_ind(x + 2.5, y, equal_var=False, alternative="greater").pvalue,
        scipy_stats.ttest_ind(x - 2.5, y, equal_var=False, alternative="less").pvalue,
    )
    assert stats.equivalence(x, y, 2.5) == pytest.approx(max(sides))
    pairs = (
        scipy_stats.ttest_1samp(x - y, -2.5, alternative="greater").pvalue,
        scipy_stats.ttest_1samp(x - y, 2.5, alternative="less").pvalue,
    )
    assert stats.equivalence(x, y, 2.5, paired=True) == pytest.approx(max(pairs))


def test_equivalence_is_not_claimed_without_variance_or_with_one_trial():
    assert stats.equivalence([0.5, 0.5], [0.5, 0.5], 0.1) is None
    assert stats.equivalence([0.5], [0.4, 0.5], 0.1) is None
    assert stats.equivalence([0.5, 0.6], [0.4, 0.5], 0.1, paired=True) is None


def test_a_margin_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        stats.equivalence(FIRST, SECOND, 0.0)


@pytest.mark.filterwarnings("error")
def test_nothing_is_ever_nan_or_infinite():
    extremes = [
        [1e308, -1e308],
        [1e-300, 2e-300],
        [0.0, 0.0],
        [1.0],
        [],
        [1e-13, 1.0],
        [5e-324, 0.0],
        [1.7e308, 1.6e308],
    ]
    for x in extremes:
        outcomes = [stats.describe(x)]
        for y in extremes:
            outcomes.append(stats.welch(x, y))
            if len(x) == len(y):
                outcomes.append(stats.paired(x, y))
            assert (p := stats.equivalence(x, y, 1e-3)) is None or math.isfinite(p)
        for outcome in outcomes:
            numbers = [value for value in vars(outcome).values() if isinstance(value, float)]
            assert all(math.isfinite(number) for number in numbers), outcome
            assert outcome.flags or None not in vars(outcome).values(), "a gap without a reason"
