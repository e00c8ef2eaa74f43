"""The declared procedure: families, pairing, verdicts and their reasons."""

import numpy as np
import pytest

from tracking import stats
from tracking.comparison import (
    GIVEN_UP,
    LAST_LOOK_ONLY,
    RANKS_DISAGREE,
    SMALLER_THAN_MARGIN,
    STOPPED_EARLY,
    THIS_TEST_SET_ONLY,
    UNPAIRED,
    UNREACHABLE,
    Design,
    compare,
    with_decision,
    with_new_data,
)
from tracking.power import detectable_difference
from tracking.sequential import SequentialDesign, decide
from tracking.spending import nominal_levels
from tracking.stats import holm, welch
from tracking.two_level import new_data

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
    assert UNPAIRED in found.flags
    assert one(list(treatment.values()), control=noisy).verdict == "inconclusive"


def test_complete_pairs_are_not_flagged():
    paired = Design(control="plain", greater_is_better=True, paired=True)
    assert UNPAIRED not in one([value + 0.01 * value**2 for value in CONTROL], paired).flags
    assert UNPAIRED not in one([0.9]).flags


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
    assert found.flags == (stats.BOTH_CONSTANT,)
    assert found.detectable is None
    # Ranks would take one trial that was repeated three times for three of them.
    assert (found.rank.p, found.rank_p_holm) == (None, None)


@pytest.mark.parametrize("paired", [False, True])
def test_one_trial_has_a_difference_and_neither_p_nor_effect(paired):
    found = one([0.95], Design(control="plain", greater_is_better=True, paired=paired))
    assert found.test.difference == pytest.approx(0.95 - (CONTROL[0] if paired else np.mean(CONTROL)))
    assert (found.test.p, found.rank.p, found.effect.value, found.a12, found.share_better) == (None,) * 5
    assert found.flags[0] == (stats.ONE_PAIR if paired else stats.ONE_VALUE)


def test_an_arm_without_a_rank_test_takes_no_part_in_what_ranks_can_reach():
    # 2 / C(8, 4) = 0.029 is enough for one comparison, and not for two.
    low, high = [0.90, 0.91, 0.92, 0.93], [0.96, 0.97, 0.98, 0.99]
    with_gap = compare({"plain": by_seed(low), "a": by_seed(high), "gone": {}}, ACCURACY)[0]
    assert with_gap.rank_p_holm == pytest.approx(2 / 70)
    assert UNREACHABLE not in with_gap.flags
    of_two = compare({"plain": by_seed(low), "a": by_seed(high), "b": by_seed(high)}, ACCURACY)[0]
    assert UNREACHABLE in of_two.flags


def test_pairs_that_all_differ_by_the_same_are_not_tested():
    found = one(shifted(0.01), Design(control="plain", greater_is_better=True, paired=True, margin=0.1))
    assert (found.p_holm, found.equivalence_p, found.detectable) == (None, None, None)
    assert found.verdict == "inconclusive"
    assert found.flags[0] == stats.CONSTANT_DIFFERENCES


def test_without_a_common_seed_there_are_no_pairs():
    paired = Design(control="plain", greater_is_better=True, paired=True)
    [found] = compare({"plain": by_seed(CONTROL), "other": by_seed(CONTROL, first=100)}, paired)
    assert (found.test.n_treatment, found.p_holm, found.flags) == (0, None, (stats.NO_PAIRS, UNPAIRED))


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


EASY, HARD = 160, 40


def correctness(accuracies, turn=0):
    """One row a trial: the hard examples are the first ones after `turn`, and none of them is got right."""
    n = EASY + HARD
    return np.stack([np.roll(np.arange(n) >= round(n * (1 - accuracy)), turn) for accuracy in accuracies])


def test_a_difference_that_other_test_examples_could_undo_is_flagged():
    arms = {"plain": [0.80, 0.805, 0.81, 0.80], "other": [0.84, 0.845, 0.85, 0.84]}
    design = Design(control="plain", greater_is_better=True)
    before = compare({arm: by_seed(values) for arm, values in arms.items()}, design)
    matrices = {"plain": correctness(arms["plain"]), "other": correctness(arms["other"], turn=100)}
    [found] = with_new_data(before, matrices, design)
    assert found.verdict == "better"
    assert found.new_data == new_data(matrices["other"], matrices["plain"])
    assert found.new_data.difference == pytest.approx(found.test.difference)
    assert found.new_data_p_holm == found.new_data.p > 0.05
    assert THIS_TEST_SET_ONLY in found.flags


def test_a_difference_on_many_examples_holds_for_new_ones():
    arms = {"plain": [0.50, 0.505, 0.51, 0.50], "other": [0.84, 0.845, 0.85, 0.84]}
    before = compare({arm: by_seed(values) for arm, values in arms.items()}, ACCURACY)
    [found] = with_new_data(before, {arm: correctness(values) for arm, values in arms.items()}, ACCURACY)
    assert found.new_data_p_holm < 0.001
    assert THIS_TEST_SET_ONLY not in found.flags


def test_the_p_values_on_new_data_are_corrected_for_the_number_of_arms():
    arms = {"plain": [0.5, 0.51, 0.52], "a": [0.8, 0.81, 0.82], "b": [0.6, 0.61, 0.63], "c": [0.6, 0.61, 0.63]}
    before = compare({arm: by_seed(values) for arm, values in arms.items()}, ACCURACY)
    matrices = {arm: correctness(values) for arm, values in arms.items() if arm != "c"}
    found = with_new_data(before, matrices, ACCURACY)
    p_values = [new_data(matrices[arm], matrices["plain"]).p for arm in ("a", "b")]
    assert tuple(one.new_data_p_holm for one in found) == (*holm(p_values), None)
    assert found[2].new_data is None
    assert with_new_data(before, {}, ACCURACY) == before


LOOKS = SequentialDesign((3, 6), futility=True)


def looked_at(treatment, p_values, design=ACCURACY):
    comparisons = compare({"plain": by_seed(CONTROL), "other": by_seed(treatment)}, design)
    return with_decision(comparisons, decide({"other": p_values}, LOOKS), design)[0]


def test_at_a_look_the_verdict_needs_the_level_of_the_look():
    arm, control = shifted(0.0072)[:3], CONTROL[:3]
    once = welch(arm, control)
    assert one(arm, control=control).verdict == "better"
    comparisons = compare({"plain": by_seed(control), "other": by_seed(arm)}, ACCURACY)
    [found] = with_decision(comparisons, decide({"other": [once.p]}, LOOKS), ACCURACY)
    assert (found.verdict, found.decision.state) == ("inconclusive", "running")
    assert found.p_holm == found.decision.p_holm > 0.05


def test_an_arm_that_stopped_at_a_look_is_better_and_its_estimate_is_flagged():
    found = looked_at(shifted(0.05)[:3], [1e-5])
    assert (found.verdict, found.decision.look) == ("better", 3)
    assert STOPPED_EARLY in found.flags
    assert STOPPED_EARLY not in looked_at(shifted(0.05), [0.2, 1e-5]).flags


def test_an_arm_that_was_given_up_is_inconclusive():
    found = looked_at(shifted(0.0001)[:3], [0.9])
    assert (found.verdict, found.decision.state) == ("inconclusive", "futile")
    assert GIVEN_UP in found.flags


def test_equivalence_is_judged_at_the_last_look_only():
    wide = Design(control="plain", greater_is_better=True, margin=0.02)
    early, late = looked_at(shifted(0.0005), [0.3], wide), looked_at(shifted(0.0005), [0.3, 0.6], wide)
    assert (early.verdict, early.equivalence_p) == ("inconclusive", None)
    assert LAST_LOOK_ONLY in early.flags
    assert late.verdict == "equivalent within the margin"
    assert LAST_LOOK_ONLY not in late.flags


def test_an_early_look_can_show_large_differences_only():
    late, early = (looked_at(shifted(0.001)[:n], p_values) for n, p_values in ((6, [0.3, 0.6]), (3, [0.3])))
    first, last = nominal_levels(0.05, LOOKS.looks)
    sds = np.std(shifted(0.001)[:3], ddof=1), np.std(CONTROL, ddof=1)
    assert early.detectable == pytest.approx(detectable_difference(sds, (3, 6), first))
    sds = np.std(shifted(0.001), ddof=1), np.std(CONTROL, ddof=1)
    assert late.detectable == pytest.approx(detectable_difference(sds, (6, 6), last))
    assert early.detectable > 2 * late.detectable
    assert looked_at(shifted(0.001)[:3], []).detectable is None


def test_what_only_a_single_look_would_show_leaves_no_flag():
    margin = Design(control="plain", greater_is_better=True, margin=0.05)
    assert SMALLER_THAN_MARGIN in one(shifted(0.008), margin).flags
    assert SMALLER_THAN_MARGIN not in looked_at(shifted(0.008), [0.3], margin).flags
