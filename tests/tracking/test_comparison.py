"""The declared procedure: families, pairing, verdicts and their reasons."""

import pytest

from tracking import stats
from tracking.comparison import RANKS_DISAGREE, SMALLER_THAN_MARGIN, UNREACHABLE, Design, compare
from tracking.stats import holm, welch

CONTROL = [0.940, 0.938, 0.943, 0.939, 0.942, 0.937]
ACCURACY = Design(control="plain", greater_is_better=True)


def by_seed(values, first=1):
    return dict(enumerate(values, start=first))


def shifted(amount):
    return [value + amount for value in CONTROL]


def one(treatment, design=ACCURACY, control=CONTROL):
    [found] = compare({"plain": by_seed(control), "other": by_seed(treatment)}, design)
    return found


def test_every_treatment_is_compared_with_the_control_and_corrected_for_their_number():
    samples = {"a": by_seed(shifted(0.003)), "plain": by_seed(CONTROL), "b": by_seed(shifted(0.001))}
    found = compare(samples, ACCURACY)
    assert [(row.arm, row.control) for row in found] == [("a", "plain"), ("b", "plain")]
    p_values = [welch(shifted(amount), CONTROL).p for amount in (0.003, 0.001)]
    assert tuple(row.p_holm for row in found) == holm(p_values)


@pytest.mark.parametrize(
    ("amount", "greater_is_better", "verdict"),
    [(0.05, True, "better"), (-0.05, True, "worse"), (0.05, False, "worse"), (-0.05, False, "better")],
)
def test_better_means_more_accuracy_and_less_loss(amount, greater_is_better, verdict):
    found = one(shifted(amount), Design(control="plain", greater_is_better=greater_is_better))
    assert found.verdict == verdict
    assert found.share_better == (1.0 if verdict == "better" else 0.0)
    assert found.a12 == (1.0 if amount > 0 else 0.0)


def test_no_difference_shown_is_inconclusive_and_never_equal():
    assert one(shifted(0.0005)).verdict == "inconclusive"


def test_equivalence_needs_a_margin_and_a_test_that_shows_it():
    wide = Design(control="plain", greater_is_better=True, margin=0.02)
    narrow = Design(control="plain", greater_is_better=True, margin=0.0006)
    assert one(shifted(0.0005), wide).verdict == "equivalent within the margin"
    assert one(shifted(0.0005), narrow).verdict == "inconclusive"


def test_a_difference_smaller_than_the_margin_is_still_a_difference():
    found = one(shifted(0.008), Design(control="plain", greater_is_better=True, margin=0.05))
    assert found.verdict == "better"
    assert SMALLER_THAN_MARGIN in found.flags


def test_pairs_are_matched_by_seed_and_not_by_position():
    paired = Design(control="plain", greater_is_better=True, paired=True)
    noisy = [0.90, 0.95, 0.92, 0.97, 0.91, 0.96]
    treatment = {seed: value + 0.01 + 0.0001 * seed for seed, value in by_seed(noisy).items()}
    del treatment[2]
    backwards = dict(reversed(treatment.items()))
    [found] = compare({"plain": by_seed(noisy), "other": backwards}, paired)
    assert (found.test.n_treatment, found.test.n_control) == (5, 5)
    assert found.test.difference == pytest.approx(0.01 + 0.0001 * (1 + 3 + 4 + 5 + 6) / 5)
    assert found.verdict == "better"
    assert one(list(treatment.values()), control=noisy).verdict == "inconclusive"


def test_a_rank_test_that_cannot_reach_significance_says_so():
    found = one([0.97, 0.98, 0.99], control=[0.90, 0.91, 0.92])
    assert found.verdict == "better"
    assert found.rank.p == pytest.approx(0.1)
    assert UNREACHABLE in found.flags


def test_a_rank_test_that_disagrees_says_so():
    found = one([5.0, 5.01, 5.1, 4.0], control=[4.05, 3.0, 3.1, 3.01])
    assert found.p_holm < 0.05 < found.rank_p_holm
    assert found.verdict == "better"
    assert RANKS_DISAGREE in found.flags


def test_identical_trials_in_both_arms_are_not_tested():
    found = one([0.9, 0.9, 0.9], control=[0.8, 0.8, 0.8])
    assert (found.verdict, found.p_holm) == ("inconclusive", None)
    assert found.flags[0] == stats.BOTH_CONSTANT


@pytest.mark.parametrize("treatment", [[], [0.9]])
def test_an_arm_with_too_few_trials_leaves_the_others_their_test(treatment):
    samples = {"plain": by_seed(CONTROL), "short": by_seed(treatment), "full": by_seed(shifted(0.05))}
    short, full = compare(samples, ACCURACY)
    assert (short.verdict, short.p_holm) == ("inconclusive", None)
    assert short.flags
    assert full.p_holm == full.test.p


def test_a_control_that_is_not_an_arm_is_refused():
    with pytest.raises(ValueError, match="`control` must be one of"):
        compare({"a": {}, "b": {}}, ACCURACY)
