"""Power against R's published numbers and statsmodels."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.power import TTestIndPower, TTestPower

from tracking.power import detectable_difference, detectable_paired_difference, sampling_sd


def test_the_detectable_difference_is_the_one_that_r_prints():
    # R's ?power.t.test: n = 20, delta = 1, sd = 1 has power 0.8689528
    assert detectable_difference((1.0, 1.0), (20, 20), 0.05, power=0.8689528) == pytest.approx(1.0, abs=1e-6)
    # and power 0.90 with delta = 1, sd = 1 needs n = 22.02110
    assert detectable_difference((1.0, 1.0), (22, 22), 0.05, power=0.90) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("n", [3, 6, 10, 20])
def test_statsmodels_finds_the_detectable_difference_with_the_same_power(n):
    alpha = 0.05 / 3
    unpaired = detectable_difference((0.4, 0.4), (n, n), alpha)
    assert TTestIndPower().power(unpaired / 0.4, n, alpha) == pytest.approx(0.8, abs=1e-4)
    if n > 3:  # with two degrees of freedom statsmodels' answer misses its own power
        assert TTestPower().power(detectable_paired_difference(0.4, n, alpha) / 0.4, n, alpha) == pytest.approx(
            0.8, abs=1e-4
        )


def test_two_seeds_per_arm_find_the_detectable_difference_four_times_out_of_five():
    n, alpha, studies = 2, 0.05 / 3, 100_000
    rng = np.random.default_rng(1)
    difference = detectable_difference((1.0, 1.0), (n, n), alpha)
    x, y = rng.normal(difference, 1, (studies, n)), rng.normal(0, 1, (studies, n))
    found = scipy_stats.ttest_ind(x, y, axis=1).pvalue < alpha
    assert found.mean() == pytest.approx(0.8, abs=0.01)


def test_more_seeds_and_less_spread_detect_smaller_differences():
    base = detectable_difference((0.2, 0.2), (6, 6), 0.05)
    assert detectable_difference((0.2, 0.2), (12, 12), 0.05) < base
    assert detectable_difference((0.1, 0.2), (6, 6), 0.05) < base
    assert detectable_difference((0.2, 0.2), (6, 6), 0.01) > base


def test_there_is_no_detectable_difference_without_a_test():
    assert detectable_difference((0.2, 0.2), (1, 6), 0.05) is None
    assert detectable_difference((0.0, 0.0), (6, 6), 0.05) is None
    assert detectable_paired_difference(0.2, 1, 0.05) is None
    assert detectable_paired_difference(0.0, 6, 0.05) is None


def test_the_unit_of_the_metric_does_not_matter():
    for unit in (1e-200, 1e200):
        found = detectable_difference((0.2 * unit, 0.4 * unit), (6, 5), 0.05)
        assert found / unit == pytest.approx(detectable_difference((0.2, 0.4), (6, 5), 0.05))
    assert detectable_difference((math.inf, 1.0), (6, 6), 0.05) is None


def test_the_sampling_sd_is_the_binomial_one():
    assert sampling_sd(0.06, 797) == pytest.approx(math.sqrt(scipy_stats.binom.var(797, 0.06)) / 797)
    assert sampling_sd(0.0, 10) == 0.0
    with pytest.raises(ValueError, match="error rate"):
        sampling_sd(1.2, 10)
