"""All arms at once, against what R and SPSS print."""

import math

import pytest
from scipy import stats as scipy_stats

from tracking import stats
from tracking.omnibus import CONSTANT_ARM, ONE_ARM, SHORT_ARM, Omnibus, games_howell, omnibus

# R, onewaytests::ag.test, as quoted in scipy's tests (TestAlexanderGovern.test_compare_scholar2).
YOUNG = [482.43, 484.36, 488.84, 495.15, 495.24, 502.69, 504.62, 518.29, 519.1, 524.1, 524.12, 531.18, 548.42]
YOUNG += [572.1, 584.68, 609.09, 609.53, 666.63, 676.4]
MIDDLE = [335.59, 338.43, 353.54, 404.27, 437.5, 469.01, 485.85, 487.3, 493.08, 494.31, 499.1, 886.41]
OLD = [519.01, 528.5, 530.23, 536.03, 538.56, 538.83, 557.24, 558.61, 558.95, 565.43, 586.39, 594.69, 629.22]
OLD += [645.69, 691.84]

# SPSS, ONEWAY /POSTHOC=GH (intervals), and R, PMCMRplus::gamesHowellTest (p), as quoted in scipy's tests
# (TestGamesHowell): difference, low, high, p of each pair in order.
ARMS = {
    "a": [30.0, 23.0, 51.0],
    "b": [-81.0, 71.0, -27.0, 63.0],
    "c": [42.0, 11.0, 29.0, 19.0, 50.0],
    "d": [23.0, 22.0, 20.0, 18.0, 9.0],
}
PAIRS = {
    ("a", "b"): (28.16666667, -141.985416377670, 198.318749711003, 0.87275427357438),
    ("a", "c"): (4.466666667, -37.2830676783904, 46.2164010117237, 0.97526284087419),
    ("a", "d"): (16.26666667, -35.0933112382470, 67.6266445715803, 0.42625067714691),
    ("b", "c"): (-23.70000000, -195.315617201249, 147.915617201249, 0.91489506061850),
    ("b", "d"): (-11.90000000, -188.105478728519, 164.305478728519, 0.98614322544695),
    ("c", "d"): (11.80000000, -16.2894857524254, 39.8894857524254, 0.47553444364614),
}


def test_the_test_over_all_arms_is_the_one_that_r_prints():
    found = omnibus([YOUNG, MIDDLE, OLD])
    assert found.statistic == pytest.approx(5.324629, rel=2e-6)
    assert found.p == pytest.approx(0.06978651, rel=2e-6)
    assert found.flags == ()


@pytest.mark.parametrize(
    ("samples", "flag"),
    [
        ([YOUNG], ONE_ARM),
        ([], ONE_ARM),
        ([YOUNG, MIDDLE, [1.0]], SHORT_ARM),
        ([YOUNG, []], SHORT_ARM),
        ([YOUNG, [0.3, 0.1 + 0.2, 0.3]], CONSTANT_ARM),
    ],
)
def test_without_spread_in_every_arm_there_is_a_reason_and_no_number(samples, flag):
    assert omnibus(samples) == Omnibus(None, None, (flag,))


def test_two_values_in_an_arm_are_tested_with_a_warning():
    found = omnibus([YOUNG, MIDDLE[:2]])
    assert found.p is not None
    assert found.flags == (stats.TOO_FEW,)


def test_every_pair_is_compared_as_spss_and_r_print_it():
    found = games_howell(ARMS)
    assert [(pair.first, pair.second) for pair in found] == list(PAIRS)
    for pair, (difference, low, high, p) in zip(found, PAIRS.values(), strict=True):
        assert pair.difference == pytest.approx(difference)
        assert (pair.low, pair.high) == pytest.approx((low, high), abs=1e-5)
        assert pair.p == pytest.approx(p, abs=1e-7)
        assert (pair.n_first, pair.n_second) == (len(ARMS[pair.first]), len(ARMS[pair.second]))
        assert pair.flags == ()


def test_two_arms_are_compared_as_by_welch():
    [pair] = games_howell({"young": YOUNG, "old": OLD}, confidence=0.9)
    welch = stats.welch(YOUNG, OLD, 0.9)
    assert (pair.difference, pair.low, pair.high) == pytest.approx((welch.difference, welch.low, welch.high))
    assert pair.p == pytest.approx(welch.p)


@pytest.mark.parametrize(("values", "flag"), [([7.0], stats.ONE_VALUE), ([], stats.NO_VALUES)])
def test_an_arm_that_cannot_be_tested_neither_spoils_nor_burdens_the_others(values, flag):
    found = games_howell({**ARMS, "short": values})
    assert [pair for pair in found if pair.second != "short"] == list(games_howell(ARMS))
    for pair in found:
        if pair.second == "short":
            assert (pair.p, pair.low, pair.high, pair.flags) == (None, None, None, (flag,))
            assert (pair.difference is None) == (values == [])


def test_arms_without_variance_are_compared_with_the_others_and_not_with_each_other():
    found = {(pair.first, pair.second): pair for pair in games_howell({**ARMS, "e": [5.0] * 3, "f": [9.0] * 3})}
    assert (found["e", "f"].difference, found["e", "f"].p) == (-4.0, None)
    assert found["e", "f"].flags == (stats.BOTH_CONSTANT,)
    one_sample = scipy_stats.ttest_1samp(ARMS["d"], 5.0)
    p = scipy_stats.studentized_range.sf(abs(one_sample.statistic) * math.sqrt(2), 6, 4)
    assert found["d", "e"].p == pytest.approx(p)
    assert found["d", "e"].flags == (stats.ONE_CONSTANT,)


def test_arms_that_are_all_constant_have_differences_and_no_test():
    found = games_howell({"a": [1.0, 1.0], "b": [2.0, 2.0], "c": [4.0]})
    assert [pair.difference for pair in found] == [-1.0, -3.0, -2.0]
    assert [pair.p for pair in found] == [None, None, None]
    assert games_howell({"a": [1.0, 2.0]}) == ()


@pytest.mark.filterwarnings("error")
def test_nothing_is_ever_nan_or_infinite():
    extremes = {
        "huge": [1e308, -1e308],
        "large": [1e200, 3e200, -1e200],
        "tiny": [1e-300, 2e-300],
        "least": [5e-324, 0.0],
        "close": [1.7e308, 1.6e308],
        "wide": [1e-13, 1.0],
        "zero": [0.0, 0.0],
        "one": [1.0],
        "none": [],
    }
    for first, x in extremes.items():
        for second, y in extremes.items():
            if first != second:
                for outcome in (*games_howell({first: x, second: y}), omnibus([x, y])):
                    numbers = [value for value in vars(outcome).values() if isinstance(value, float)]
                    assert all(math.isfinite(number) for number in numbers), outcome
                    assert outcome.flags or None not in vars(outcome).values(), "a gap without a reason"
