"""Effect sizes and rank tests against published numbers and complete enumeration."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tracking import effects

HIGHER = [3.1, 2.9, 3.4, 3.0, 3.3, 2.8]
LOWER = [2.0, 2.4, 2.2, 2.9, 1.9, 2.1]


def test_hedges_g_is_as_by_hand():
    found = effects.hedges_g([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    pooled = math.sqrt((2 * 4 + 2 * 1) / 4)
    unbias = math.gamma(2) / (math.sqrt(2) * math.gamma(1.5))
    assert found.value == pytest.approx(unbias * 2 / pooled)


def test_the_interval_of_noncentrality_is_the_published_one():
    # Kelley (2007), Journal of Statistical Software 20(8): conf.limits.nct(2.83, df = 126)
    assert effects.noncentrality(2.83, 126) == pytest.approx((0.8337502, 4.8153591), abs=2e-7)


def test_the_interval_of_g_holds_the_noncentralities_that_do_not_reject():
    found = effects.hedges_g(HIGHER, LOWER)
    t, root = scipy_stats.ttest_ind(HIGHER, LOWER).statistic, math.sqrt(3)
    unbias = math.gamma(5) / (math.sqrt(5) * math.gamma(4.5))
    for end, probability in ((found.low, 0.975), (found.high, 0.025)):
        assert scipy_stats.nct.cdf(t, 10, end / unbias * root) == pytest.approx(probability, abs=1e-6)
    assert found.low < found.value < found.high


def test_g_changes_its_sign_with_the_arms():
    there, back = effects.hedges_g(HIGHER, LOWER), effects.hedges_g(LOWER, HIGHER)
    assert (back.value, back.low, back.high) == pytest.approx((-there.value, -there.high, -there.low))


@pytest.mark.parametrize("sample", [[1.0], [], [2.0, 2.0, 2.0]])
def test_g_needs_a_spread(sample):
    found = effects.hedges_g(sample, [1.0, 1.0, 1.0])
    assert (found.value, found.low, found.high) == (None, None, None)
    assert found.flags == (effects.NO_EFFECT_SIZE,)


@pytest.mark.parametrize("unit", [1e300, 1e-300])
def test_g_has_no_unit_however_large_or_small_the_values_are(unit):
    found = effects.hedges_g([value * unit for value in HIGHER], [value * unit for value in LOWER])
    plain = effects.hedges_g(HIGHER, LOWER)
    assert (found.value, found.low, found.high) == pytest.approx((plain.value, plain.low, plain.high))


def test_an_effect_too_large_for_scipy_keeps_its_size_and_loses_its_interval():
    found = effects.hedges_g([1.0, 1.0 + 1e-9, 1.0], [0.0, 1e-9, 0.0])
    assert found.value > 1e6
    assert (found.low, found.high, found.flags) == (None, None, (effects.NO_EFFECT_INTERVAL,))


def test_a12_counts_pairs_and_halves_ties():
    assert effects.a12([1, 2, 3], [2, 2, 0]) == pytest.approx((1 + (1 + 0.5 + 0.5) + 3) / 9)
    assert effects.a12([5, 6], [1, 2]) == 1.0
    assert effects.a12([1, 1], [1, 1]) == 0.5
    assert effects.a12([], [1]) is None


def test_mann_whitney_gives_what_r_prints():
    # The example of R's ?wilcox.test (Hollander & Wolfe 1973, 69f): W = 35, one-sided exact p = 0.1272
    x = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    y = [1.15, 0.88, 0.90, 0.74, 1.21]
    assert effects.mann_whitney(x, y).p == pytest.approx(2 * 0.1272, abs=1e-4)


def test_mann_whitney_with_ties_is_the_share_of_arrangements_at_least_as_extreme():
    x, y = [1.0, 2.0, 2.0, 5.0], [2.0, 5.0, 5.0, 6.0]
    ranks = scipy_stats.rankdata(x + y)
    observed = sum(ranks[:4])
    sums = [sum(chosen) for chosen in itertools.combinations(ranks, 4)]
    below, above = sum(s <= observed for s in sums), sum(s >= observed for s in sums)
    found = effects.mann_whitney(x, y)
    assert found.p == pytest.approx(min(1.0, 2 * min(below, above) / len(sums)))
    assert found.flags == ()


def test_ties_of_unequal_samples_are_counted_as_scipy_lists_them():
    rng = np.random.default_rng(4)
    x, y = rng.integers(0, 5, 3), rng.integers(1, 6, 7)
    ranks = scipy_stats.rankdata([*x, *y])
    listed = scipy_stats.permutation_test(
        (ranks[:3], ranks[3:]), lambda a, b, axis: a.sum(axis=axis), vectorized=True, n_resamples=np.inf
    )
    assert effects.mann_whitney(x, y).p == pytest.approx(listed.pvalue)
    assert effects.mann_whitney(y, x).p == pytest.approx(listed.pvalue)


def test_a_single_value_is_ranked_among_the_others():
    assert effects.mann_whitney([1.0], [2.0, 2.0, 3.0, 4.0]).p == pytest.approx(2 / 5)
    # Three of the five values are at least 3, so are four of them at most 3.
    assert effects.mann_whitney([2.0, 2.0, 3.0, 4.0], [3.0]).p == 1.0
    assert effects.mann_whitney([2.0, 2.0, 3.0, 3.0, 5.0, 6.0, 7.0, 8.0], [7.0]).p == pytest.approx(2 * 3 / 9)
    assert effects.mann_whitney([2.0], [2.0, 3.0]).p == 1.0


@pytest.mark.parametrize(("n", "smallest"), [(3, 0.1), (6, 2 / 924)])
def test_separate_samples_give_the_smallest_p_that_their_size_can_give(n, smallest):
    found = effects.mann_whitney(np.arange(n) + 100.0, np.arange(n))
    assert found.p == pytest.approx(smallest)
    assert found.smallest_p == pytest.approx(smallest)


def test_large_samples_with_ties_are_approximated_and_say_so():
    rng = np.random.default_rng(3)
    found = effects.mann_whitney(rng.integers(0, 9, 30), rng.integers(0, 9, 30))
    assert 0 < found.p <= 1
    assert found.flags == (effects.APPROXIMATE,)


def test_equal_values_have_no_rank_test():
    assert effects.mann_whitney([1, 1, 1], [1, 1]).flags == (effects.NO_RANKS,)
    assert effects.mann_whitney([], [1]).p is None


def test_large_samples_without_ties_are_approximated_and_say_so():
    rng = np.random.default_rng(6)
    x, y = rng.normal(0.3, 1, 5000), rng.normal(0, 1, 5000)
    found = effects.mann_whitney(x, y)
    assert found.p == pytest.approx(scipy_stats.mannwhitneyu(x, y, method="asymptotic").pvalue)
    assert found.flags == (effects.APPROXIMATE,)
    assert effects.mann_whitney(x[:50], y[:50]).flags == ()
