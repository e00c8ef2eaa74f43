"""Which arms go on after each look: levels by Holm, stops that stay, and the error rate over all looks."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tracking.sequential import ArmDecision, SequentialDesign, conditional_power, decide
from tracking.spending import nominal_levels, sequential_p

LOOKS = (5, 10, 15, 20)
DESIGN = SequentialDesign(LOOKS)
FUTILE = SequentialDesign(LOOKS, futility=True)


def level(look, tests):
    """The level at a look, counted from 1, if `tests` hypotheses share alpha."""
    return nominal_levels(0.05 / tests, LOOKS)[look - 1]


def test_before_the_first_look_every_arm_runs_up_to_it():
    found = decide({"a": [], "b": []}, DESIGN)
    assert (found.running, found.next_look, found.looks_done) == (("a", "b"), 5, 0)
    assert found.of("a") == ArmDecision("a", "running", None, 5, 1.0, 1.0, None)


@pytest.mark.parametrize("look", [1, 2, 3, 4])
def test_the_first_arm_to_be_rejected_needs_the_level_that_all_arms_share(look):
    for factor, rejected in ((0.999, True), (1.001, False)):
        p_values = {"a": [0.5] * (look - 1) + [factor * level(look, 3)], "b": [0.6] * look, "c": [0.7] * look}
        found = decide(p_values, DESIGN).of("a")
        assert (found.state == "rejected") is rejected
        assert (found.p_holm <= 0.05) is rejected


def test_the_next_arm_needs_the_level_that_the_rest_share():
    p_values = {"a": [0.5, 0.9 * level(2, 3)], "b": [0.5, 0.999 * level(2, 2)], "c": [0.5, 0.999 * level(2, 1)]}
    assert [one.state for one in decide(p_values, DESIGN).arms] == ["rejected"] * 3
    p_values["b"] = [0.5, 1.001 * level(2, 2)]
    assert [one.state for one in decide(p_values, DESIGN).arms] == ["rejected", "running", "running"]


def test_a_rejected_arm_stops_and_stays_rejected_whatever_follows():
    before = decide({"a": [1e-9], "b": [0.4]}, DESIGN)
    assert (before.running, before.next_look) == (("b",), 10)
    assert (before.of("a").look, before.of("a").replicates) == (5, 5)
    for later in ([], [0.9, 0.9]):
        found = decide({"a": [1e-9, *later], "b": [0.4, 0.3]}, DESIGN)
        assert (found.of("a").state, found.of("a").look, found.of("a").replicates) == ("rejected", 5, 5)
        assert found.of("a").sequential_p == before.of("a").sequential_p
        assert (found.of("b").state, found.of("b").replicates, found.next_look) == ("running", 15, 15)


def test_evidence_of_an_earlier_look_counts_when_another_arm_is_rejected_later():
    between = (level(1, 2) + level(1, 1)) / 2
    assert decide({"a": [between], "b": [0.5]}, DESIGN).of("a").state == "running"
    found = decide({"a": [between, 0.5], "b": [0.5, 1e-9]}, DESIGN)
    assert [(one.state, one.look) for one in found.arms] == [("rejected", 10), ("rejected", 10)]


def test_a_look_counts_once_every_running_arm_has_come_to_it():
    found = decide({"a": [0.3, 1e-9], "b": [0.4]}, DESIGN)
    assert (found.looks_done, found.next_look, found.of("a").state) == (1, 10, "running")


def test_after_the_last_look_nothing_runs():
    found = decide({"a": [0.3] * 4, "b": [0.4, 0.3, 0.2, 0.001]}, DESIGN)
    assert [(one.state, one.look, one.replicates) for one in found.arms] == [("finished", 20, 20), ("rejected", 20, 20)]
    assert (found.running, found.next_look, found.looks_done) == ((), None, 4)
    assert found.of("a").conditional_power is None


def test_a_look_without_a_test_counts_as_no_evidence_and_keeps_its_place_in_the_family():
    with_gap = decide({"a": [None, 1e-6], "b": [0.5, None]}, DESIGN)
    without = decide({"a": [1.0, 1e-6], "b": [0.5, 1.0]}, DESIGN)
    assert [one.p_holm for one in with_gap.arms] == [one.p_holm for one in without.arms]
    assert with_gap.of("b").state == "running"
    assert with_gap.of("b").conditional_power is None


def test_an_arm_is_given_up_only_if_the_design_asks_for_it():
    p_values = {"a": [0.9], "b": [0.02]}
    assert decide(p_values, DESIGN).of("a").state == "running"
    found = decide(p_values, FUTILE)
    assert (found.of("a").state, found.of("a").look, found.of("a").replicates) == ("futile", 5, 5)
    assert found.of("a").conditional_power < 0.1 < found.of("b").conditional_power
    assert found.running == ("b",)
    assert decide({"a": [0.9], "b": [0.9]}, FUTILE).next_look is None


def test_an_arm_that_was_given_up_is_still_rejected_if_the_others_leave_it_the_level():
    design = SequentialDesign((5, 10, 15, 20), alpha=0.05, futility=True)
    between = (level(1, 2) + level(1, 1)) / 2
    found = decide({"a": [between, 0.99], "b": [0.3, 0.04, 1e-6]}, design)
    assert (found.of("a").state, found.of("a").look, found.of("a").replicates) == ("rejected", 15, 10)


def test_the_conditional_power_is_the_share_of_continuations_that_reach_the_last_boundary():
    p, looks = 0.12, (5, 10, 15, 20)
    found = conditional_power(p, 2, looks, 0.05)
    now = scipy_stats.norm.isf(p / 2) * np.sqrt(0.5)
    rng = np.random.default_rng(4)
    increments = rng.normal(now / 0.5 * 0.25, np.sqrt(0.25), (400_000, 2))
    boundary = scipy_stats.norm.isf(nominal_levels(0.05, looks)[-1] / 2)
    reached = np.abs(now + increments.sum(axis=1)) > boundary
    assert found == pytest.approx(reached.mean(), abs=0.003)
    assert conditional_power(0.0, 1, looks, 0.05) == 1.0
    for passed in (0, 4):
        with pytest.raises(ValueError, match="looks_done"):
            conditional_power(0.1, passed, looks, 0.05)


def test_the_corrected_p_values_are_holms_of_the_sequential_ones():
    p_values = {"a": [0.01, 0.002], "b": [0.2, 0.01], "c": [0.5, 0.9]}
    found = decide(p_values, DESIGN)
    a, b = (sequential_p(p_values[arm], LOOKS) for arm in ("a", "b"))
    assert [one.p_holm for one in found.arms] == pytest.approx([3 * a, 2 * b, 1.0])


@pytest.mark.parametrize("design", [DESIGN, FUTILE])
def test_peeking_keeps_the_family_wise_error_rate(design):
    rng = np.random.default_rng(11)
    studies, arms = 4000, ("a", "b", "c")
    steps = rng.normal(size=(studies, 4, 4))
    z = (steps[:, :3].cumsum(axis=2) - steps[:, 3:].cumsum(axis=2)) / np.sqrt(2 * np.arange(1, 5))
    p = 2 * scipy_stats.norm.sf(np.abs(z))
    wrong = sum(
        any(one.state == "rejected" for one in decide(dict(zip(arms, study.tolist(), strict=True)), design).arms)
        for study in p
    )
    assert wrong / studies < 0.05 + 2 * np.sqrt(0.05 * 0.95 / studies)
    # Looking at the same p-values without a design, Holm at each look, is wrong twice as often.
    peeked = (3 * p.min(axis=1) < 0.05).any(axis=1).mean()
    assert peeked > 0.08


def test_an_arm_that_is_not_a_treatment_is_not_known():
    with pytest.raises(KeyError):
        decide({"a": []}, DESIGN).of("b")
