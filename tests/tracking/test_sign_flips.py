"""The sign-flip test against complete enumeration and against scipy."""

import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tracking import sign_flips
from tracking.sign_flips import sign_flip

HIGHER = [3.1, 2.9, 3.4, 3.0, 3.3, 2.8]
LOWER = [2.0, 2.4, 2.2, 2.9, 1.9, 2.1]


def share_of_flips(differences):
    flips = [abs(np.dot(signs, differences)) for signs in itertools.product((-1, 1), repeat=len(differences))]
    return np.mean(np.array(flips) >= abs(sum(differences)) - 1e-12)


def test_all_flips_of_a_few_pairs_are_counted():
    found = sign_flip(HIGHER, LOWER)
    assert found.p == pytest.approx(share_of_flips(np.array(HIGHER) - np.array(LOWER)))
    assert found.smallest_p == 2 / 2**6


@pytest.mark.parametrize("pairs", range(1, 9))
def test_sums_that_are_equal_but_for_rounding_count_as_equal(pairs):
    # Tenths, whose sums a computer rounds in many ways; in whole numbers they are exact.
    tenths = np.random.default_rng(pairs).integers(-3, 4, pairs)
    tenths[0] = 1
    assert sign_flip(tenths / 10, np.zeros(pairs)).p == pytest.approx(share_of_flips(tenths))


def test_twenty_pairs_give_what_scipy_gives_with_all_its_flips():
    rng = np.random.default_rng(5)
    x, y = rng.normal(0.3, 1, 20), rng.normal(0, 1, 20)
    listed = scipy_stats.permutation_test(
        (x - y,), lambda d, axis: d.mean(axis=axis), permutation_type="samples", vectorized=True, n_resamples=2**20
    )
    found = sign_flip(x, y)
    assert found.p == pytest.approx(listed.pvalue)
    assert found.flags == ()


@pytest.mark.parametrize("pairs", [29, 50, 300])
def test_many_pairs_are_flipped_at_random_and_give_the_same_p_again(pairs):
    rng = np.random.default_rng(pairs)
    x, y = rng.normal(2 / np.sqrt(pairs), 1, pairs), rng.normal(0, 1, pairs)
    found = sign_flip(x, y)
    assert found == sign_flip(x, y)
    assert found.flags == (sign_flips.RESAMPLED,)
    flips = rng.choice([-1.0, 1.0], (20_000, pairs)) @ (x - y)
    assert found.p == pytest.approx(np.mean(np.abs(flips) >= abs((x - y).sum())), abs=0.015)


def test_thousands_of_pairs_are_approximated_and_say_so():
    rng = np.random.default_rng(5)
    x, y = rng.normal(0.1, 1, 301), rng.normal(0, 1, 301)
    found = sign_flip(x, y)
    assert found.flags == (sign_flips.APPROXIMATE_FLIPS,)
    flips = rng.choice([-1.0, 1.0], (50_000, 301)) @ (x - y)
    assert found.p == pytest.approx(np.mean(np.abs(flips) >= abs((x - y).sum())), abs=0.01)
    many = sign_flip(rng.normal(0, 1, 10_000), rng.normal(0, 1, 10_000))
    assert 0 < many.p <= 1
    assert many.smallest_p == 0.0  # less than any float


def test_differences_of_nothing_have_no_test():
    assert sign_flip([1, 1, 1], [1, 1, 1]).flags == (sign_flips.NO_FLIPS,)
    assert sign_flip([2.0], [1.0]).p == 1.0
    assert sign_flip([2.0, -1.0], [1.0, 0.0]).p == 1.0


def test_pairs_need_equal_lengths():
    with pytest.raises(ValueError, match="equal lengths"):
        sign_flip([1.0, 2.0], [1.0])
