"""Levels at the looks against published boundaries and the multivariate normal distribution."""

import itertools

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tracking.spending import SMALLEST, nominal_levels, sequential_p

DESIGNS = [(5, 10, 15, 20), (3, 6), (2, 3, 5, 8, 20), (10,), (6, 7, 30)]


def boundaries(alpha, looks):
    return scipy_stats.norm.isf(np.array(nominal_levels(alpha, looks)) / 2)


@pytest.mark.parametrize(
    ("alpha", "levels"),
    # Given in the project's specification of its statistics, to the digits printed there.
    [
        (0.05, ("1.47e-05", "0.003045", "0.018322", "0.044000")),
        (0.05 / 3, ("2.63e-07", "0.000381", "0.004504", "0.015203")),
    ],
)
def test_four_equal_looks_have_the_specified_levels(alpha, levels):
    found = nominal_levels(alpha, (5, 10, 15, 20))
    assert (f"{found[0]:.2e}", *(f"{level:.6f}" for level in found[1:])) == levels


def test_five_equal_looks_have_the_published_boundaries():
    # Reboussin, DeMets, Kim & Lan (2000), Controlled Clinical Trials 21; also R, ldbounds::ldBounds(t = (1:5) / 5).
    published = [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]
    assert boundaries(0.05, (1, 2, 3, 4, 5)) == pytest.approx(published, abs=2e-4)


@pytest.mark.parametrize("looks", [looks for looks in DESIGNS if len(looks) < 5])
@pytest.mark.parametrize("alpha", [0.05, 0.3])
def test_the_chance_of_crossing_by_each_look_is_what_the_spending_function_allows(alpha, looks):
    t = np.array(looks) / looks[-1]
    z = boundaries(alpha, looks)
    correlation = np.sqrt(np.minimum.outer(t, t) / np.maximum.outer(t, t))
    for count in range(1, len(looks) + 1):
        inside = scipy_stats.multivariate_normal(cov=correlation[:count, :count], maxpts=2_000_000, abseps=1e-8, seed=1)
        crossed = 1 - inside.cdf(z[:count], lower_limit=-z[:count])
        spent = 4 * scipy_stats.norm.sf(scipy_stats.norm.isf(alpha / 4) / np.sqrt(t[count - 1]))
        assert crossed == pytest.approx(spent, abs=1e-6)


@pytest.mark.parametrize("looks", DESIGNS)
def test_the_sequential_p_is_the_alpha_whose_boundary_is_just_crossed(looks):
    for alpha in (0.9, 0.2, 0.0501, 0.0123, 1e-4, 1e-8, 1e-11):
        for look, level in enumerate(nominal_levels(alpha, looks)):
            if level > 1e-200:
                so_far = [None] * look + [level]
                assert sequential_p(so_far, looks) == pytest.approx(alpha, rel=1e-6)


def test_with_a_single_look_the_sequential_p_is_the_p_itself():
    for p in (0.8, 0.04, 1e-6):
        assert sequential_p([p], (6,)) == pytest.approx(p, rel=1e-6)


def test_a_smaller_alpha_has_a_smaller_level_at_every_look():
    for looks in DESIGNS:
        found = [nominal_levels(alpha, looks) for alpha in (1e-6, 0.001, 0.05, 0.3, 0.9)]
        for less, more in itertools.pairwise(found):
            assert all(a < b or a == 0 for a, b in zip(less, more, strict=True))


def test_the_sequential_p_never_grows_from_look_to_look():
    looks = (5, 10, 15, 20)
    p_values = [0.03, 0.001, None, 0.9]
    found = [sequential_p(p_values[:count], looks) for count in range(5)]
    assert found[0] == 1.0
    assert found == sorted(found, reverse=True)
    assert found[2] == found[4] < 0.05


def test_it_is_between_zero_and_one_whatever_the_p():
    looks = (5, 10, 15, 20)
    for look in range(4):
        for p in (0.0, 5e-324, 1e-100, 0.5, 1.0):
            assert SMALLEST * 0.99 <= sequential_p([None] * look + [p], looks) <= 1.0


def test_a_look_that_comes_too_early_to_reject_anything_has_level_zero():
    looks = (2, 1000)
    assert nominal_levels(0.05, looks)[0] == 0.0
    assert nominal_levels(0.05, looks)[1] == pytest.approx(0.05)
    assert sequential_p([1e-300], looks) > 0.05


def test_what_is_not_a_design_or_a_p_is_refused():
    for looks in ((), (5, 5), (10, 5), (0, 5)):
        with pytest.raises(ValueError, match="ascend"):
            nominal_levels(0.05, looks)
    with pytest.raises(ValueError, match="`alpha`"):
        nominal_levels(0.0, (5,))
    with pytest.raises(ValueError, match="one p-value per look"):
        sequential_p([0.1, 0.2], (5,))
    with pytest.raises(ValueError, match="p-value must be in"):
        sequential_p([1.5], (5,))
