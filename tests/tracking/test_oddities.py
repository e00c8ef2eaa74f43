"""Skew and outliers, against scipy and by hand."""

import numpy as np
import pytest
from scipy import stats

from tracking.oddities import far_values, skewness


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_skewness_is_the_adjusted_one_of_scipy_at_any_scale(scale):
    sample = np.array([1.0, 2.0, 2.5, 3.0, 9.0])
    found, error = skewness(sample * scale)
    assert found == pytest.approx(stats.skew(sample, bias=False))
    assert error == pytest.approx(0.912871, abs=1e-6)  # sqrt(6 * 5 * 4 / (3 * 6 * 8))


@pytest.mark.parametrize("sample", [[], [1.0], [1.0, 2.0], [3.0, 3.0, 3.0]])
def test_without_three_different_values_there_is_no_skewness(sample):
    assert skewness(sample) is None


def test_a_value_far_from_the_rest_is_found_by_its_position():
    assert far_values([0.93, 0.94, 0.50, 0.935, 0.945]) == [2]
    assert far_values([0.93, 0.94, 0.92, 0.935, 0.945]) == []


@pytest.mark.parametrize("sample", [[], [1.0, 2.0, 3.0, 300.0], [1.0, 1.0, 1.0, 5.0, 6.0]])
def test_too_few_or_mostly_equal_values_have_no_outliers(sample):
    assert far_values(sample) == []


@pytest.mark.parametrize(("n", "most"), [(5, 0.08), (6, 0.04), (10, 0.02)])
def test_few_normal_samples_are_said_to_have_an_outlier(n, most):
    rng = np.random.default_rng(n)
    assert np.mean([bool(far_values(rng.normal(size=n))) for _ in range(2000)]) < most
