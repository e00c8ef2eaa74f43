"""The sentences: facts first, then what may be concluded, from the numbers alone."""

from dataclasses import dataclass

import numpy as np
import pytest

from tracking.comparison import Design, compare, with_decision, with_new_data
from tracking.scale import scale
from tracking.sequential import SequentialDesign, decide
from tracking.stats import welch
from tracking.wording import claims, facts, shortfall

PLAIN = [0.940, 0.938, 0.943, 0.939, 0.942, 0.937]
BETTER = [value + 0.01 for value in PLAIN]
ALIKE = [value + 0.0004 for value in PLAIN]
SCALE = scale("test_accuracy", [0.002])
LOOKS = SequentialDesign((3, 6), futility=True)


@dataclass(frozen=True)
class Row:
    """A row of a table that some other tool has written."""

    seed: int
    state: str
    reason: str


@dataclass(frozen=True)
class Arm:
    name: str
    trials: tuple[Row, ...]
    flags: tuple[str, ...] = ()

    @property
    def planned(self):
        return len(self.trials)

    @property
    def done(self):
        return sum(row.state == "done" for row in self.trials)


def arm(name, done, failed=0, pending=0):
    states = ["done"] * done + ["failed"] * failed + ["pending"] * pending
    reasons = {"done": "", "failed": "its cell is empty", "pending": "not trained yet"}
    return Arm(name, tuple(Row(seed, state, reasons[state]) for seed, state in enumerate(states, start=1)))


def comparisons_of(design, **arms):
    return compare({name: dict(enumerate(values, start=1)) for name, values in arms.items()}, design)


def said(comparisons, arms, design):
    return claims(comparisons, arms, design, SCALE)


def test_arms_of_any_tool_are_enough_to_draw_a_conclusion():
    design = Design(control="plain", greater_is_better=True, margin=0.005)
    found = comparisons_of(design, plain=PLAIN, a=BETTER, b=ALIKE[:5])
    sentences = said(found, [arm("plain", 6), arm("a", 6), arm("b", 5, failed=1)], design)
    assert sentences[0] == "a is better than plain in test accuracy (family-wise error rate 5%)."
    assert sentences[1].startswith("b (TOST p = 0.00")
    assert sentences[1].endswith("is equivalent to plain within 0.5 pp.")
    assert sentences[2] == "b has 5 of 6 trials (seed 6: its cell is empty)."
    assert sentences[3].startswith(
        "With 5 to 6 seeds per arm this study could reliably detect (80% power) a difference"
    )


def test_a_difference_that_is_not_one_on_new_data_is_said_to_be_one_on_this_test_set():
    design = Design(control="plain", greater_is_better=True)
    n = 200

    def matrix(values, turn):
        return np.stack([np.roll(np.arange(n) >= round(n * (1 - value)), turn) for value in values])

    arms = {"plain": [0.80, 0.805, 0.81, 0.80], "a": [0.84, 0.845, 0.85, 0.84], "b": [0.86, 0.865, 0.85, 0.86]}
    turns = {"plain": 0, "a": 100, "b": 100}
    found = with_new_data(
        comparisons_of(design, **arms), {name: matrix(arms[name], turn) for name, turn in turns.items()}, design
    )
    least = min(one.new_data_p_holm for one in found)
    assert said(found, [arm(name, 4) for name in arms], design)[1] == (
        "For a and b the difference is shown on this test set, not for new data from the same source "
        f"(smallest Holm p = {least:.3f} when the test examples count as a sample too)."
    )
    assert said(found[:1], [arm(name, 4) for name in arms], design)[1].startswith("For a the difference is shown on")


def test_looks_that_were_declared_allow_for_looking_early():
    design = Design(control="plain", greater_is_better=True)
    found = comparisons_of(design, plain=PLAIN[:3], a=ALIKE[:3])
    arms = [arm("plain", 3, pending=3), arm("a", 3, pending=3)]
    assert said(found, arms, design)[0] == (
        "This is an interim view, 6 of 12 trials: its p-values do not allow for looking early."
    )
    looked_at = with_decision(found, decide({"a": [0.2]}, LOOKS), design)
    assert said(looked_at, arms, design)[0] == (
        "This is an interim view, 6 of at most 12 trials: its Holm p-values allow for the looks that were declared."
    )
    assert "sequential Holm p = " in facts(looked_at, design, SCALE)[0]


def test_arms_that_stopped_early_are_named_and_end_the_interim_view():
    design = Design(control="plain", greater_is_better=True, margin=0.005)
    found = comparisons_of(design, plain=PLAIN[:3], a=BETTER[:3], b=ALIKE[:3])
    decision = decide({"a": [1e-6], "b": [welch(ALIKE[:3], PLAIN[:3]).p]}, LOOKS)
    looked_at = with_decision(found, decision, design)
    sentences = said(looked_at, [arm(name, 3, pending=3) for name in ("plain", "a", "b")], design)
    assert sentences[:3] == (
        "a is better than plain in test accuracy (family-wise error rate 5% over all looks).",
        "a (after 3 replicates) stopped early: its difference is likely to be overestimated.",
        "b (after 3 replicates) was given up: it had a chance under 10% of showing a difference at the last look.",
    )
    assert not any("interim" in sentence or "TOST" in sentence for sentence in sentences)
    assert sentences[3].startswith("For b no difference was shown (Holm p = 1.000).")


@pytest.mark.parametrize("values", [[0.94], [0.94, 0.94, 0.94]])
def test_what_is_not_tested_is_not_concluded(values):
    design = Design(control="plain", greater_is_better=True, margin=0.005)
    found = comparisons_of(design, plain=[0.95] * 6, a=values)
    assert "not tested" in facts(found, design, SCALE)[0]
    [sentence] = said(found, [arm("plain", 6), arm("a", len(values))], design)
    assert sentence.startswith("Nothing can be concluded about a: ")


def test_of_many_failed_trials_the_first_are_named_and_the_others_counted():
    assert shortfall(arm("a", 1, failed=5)).count("seed") == 5
    assert "more" not in shortfall(arm("a", 1, failed=5))
    many = shortfall(arm("a", 1, failed=200))
    assert many.startswith("seed 2: its cell is empty; seed 3: ")
    assert many.endswith("seed 6: its cell is empty; and 195 more")


def test_pairs_by_seed_are_told_from_pairings_of_all_trials():
    design = Design(control="plain", greater_is_better=True, paired=True)
    treatment = [value + 0.01 * value**2 for value in PLAIN[:4]]
    found = comparisons_of(design, plain=PLAIN, a=treatment)
    [fact] = facts(found, design, SCALE)
    assert fact.startswith("a against plain (4 pairs by seed): ")
    assert "% of all 16 pairings." in fact
    assert said(found, [arm("plain", 6), arm("a", 4)], design)[-1].startswith("With 4 pairs by seed this study could")


def test_what_a_study_could_detect_rests_on_the_arms_that_were_tested():
    design = Design(control="plain", greater_is_better=True)
    found = comparisons_of(design, plain=PLAIN, a=BETTER, single=[0.9], gone=[])
    arms = [arm("plain", 6), arm("a", 6), arm("single", 1), arm("gone", 0, failed=6)]
    assert said(found, arms, design)[-1].startswith("With 6 seeds per arm this study could reliably detect")


def test_the_error_rate_of_two_trials_is_not_vouched_for():
    design = Design(control="plain", greater_is_better=True)
    found = comparisons_of(design, plain=[0.90, 0.901], a=[0.95, 0.951])
    assert said(found, [arm("plain", 2), arm("a", 2)], design)[0] == (
        "a is better than plain in test accuracy (family-wise error rate 5%, not assured with fewer than three trials "
        "in an arm)."
    )
