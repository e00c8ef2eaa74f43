"""Main effects and interactions: a textbook's numbers, contrasts by hand, and statsmodels."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from tracking import factorial
from tracking.comparison import Design
from tracking.factorial import factorial_effects, reasons
from tracking.factorial_report import effect_name, effects_answer, effects_table
from tracking.scale import scale
from tracking.stats import CONSTANT_DIFFERENCES, ONE_PAIR, TOO_FEW, holm, paired, welch

TWO_BY_TWO = {
    "base": {"a": "off", "b": "off"},
    "b": {"a": "off", "b": "b"},
    "a": {"a": "a", "b": "off"},
    "a+b": {"a": "a", "b": "b"},
}
# Yield of a chemical process by concentration (a) and catalyst (b), three runs each: Montgomery, Design and Analysis
# of Experiments, the first example of 2^k designs. A = 8.33, B = -5.00, AB = 1.67, half the interaction as here.
YIELD = {"base": [28, 25, 27], "a": [36, 32, 32], "b": [18, 19, 23], "a+b": [31, 30, 29]}
LEVELS = {"place": ["none", "early", "late"], "norm": ["off", "norm"], "rate": ["off", "rate"]}
DESIGN = Design(control="base", greater_is_better=True)


def by_seed(values):
    return {arm: {seed: float(value) for seed, value in enumerate(row, start=1)} for arm, row in values.items()}


def crossed(levels):
    return {"+".join(cell): dict(zip(levels, cell, strict=True)) for cell in product(*levels.values())}


def unbalanced(seed=0, least=2):
    """Three components, one of three levels; as many trials as chance gives, each arm with its own spread."""
    rng = np.random.default_rng(seed)
    cells = crossed(LEVELS)
    return cells, {arm: rng.normal(rng.normal(), rng.uniform(0.1, 3), rng.integers(least, 7)).tolist() for arm in cells}


def test_the_textbook_example_gives_its_effects():
    a, b, ab = factorial_effects(by_seed(YIELD), TWO_BY_TWO)
    assert [effect_name(one) for one in (a, b, ab)] == ["a", "b", "a x b"]
    assert [one.kind for one in (a, b, ab)] == ["main effect", "main effect", "interaction"]
    found = [one.test.difference for one in (a, b, ab)]
    assert found == pytest.approx([8.33, -5.00, 2 * 1.67], abs=0.01)
    assert (a.test.n_treatment, a.test.n_control) == (6, 6)


def test_the_error_of_two_by_two_arms_is_that_by_hand():
    a, _, ab = factorial_effects(by_seed(YIELD), TWO_BY_TWO)
    # The variances are 7/3, 16/3, 7 and 1, each mean is of three: a main effect halves the sums, an interaction not.
    squared = (7 / 3 + 16 / 3 + 7 + 1) / 3
    assert a.test.t == pytest.approx((25 / 3) / (squared**0.5 / 2))
    assert ab.test.t == pytest.approx((10 / 3) / squared**0.5)
    df = (7 / 3 + 16 / 3 + 7 + 1) ** 2 / (((7 / 3) ** 2 + (16 / 3) ** 2 + 7**2 + 1) / 2)
    assert a.test.df == pytest.approx(df)
    half = scipy_stats.t.ppf(0.975, df) * squared**0.5 / 2
    assert (a.test.low, a.test.high) == pytest.approx((25 / 3 - half, 25 / 3 + half))


def test_equal_spreads_give_the_analysis_of_variance_of_statsmodels():
    noise = np.array([-1.0, 0.5, 0.5, 0.0])
    values = {arm: (mean + noise).tolist() for arm, mean in zip(TWO_BY_TWO, [3.0, 3.2, 4.0, 5.5], strict=True)}
    rows = [{**TWO_BY_TWO[arm], "y": y} for arm, row in values.items() for y in row]
    table = anova_lm(ols("y ~ C(a, Sum) * C(b, Sum)", pd.DataFrame(rows)).fit(), typ=3)
    effects = factorial_effects(by_seed(values), TWO_BY_TWO)
    for one, name in zip(effects, ["C(a, Sum)", "C(b, Sum)", "C(a, Sum):C(b, Sum)"], strict=True):
        assert one.test.t**2 == pytest.approx(table.loc[name, "F"])
        assert one.test.p == pytest.approx(table.loc[name, "PR(>F)"])
        assert one.test.df == pytest.approx(12)


@pytest.mark.parametrize("seed", range(3))
def test_unbalanced_arms_of_three_components_give_what_statsmodels_gives(seed):
    cells, values = unbalanced(seed)
    rows = [{**cells[arm], "y": y} for arm, row in values.items() for y in row]
    model = ols("y ~ C(place, Sum) * C(norm, Sum) * C(rate, Sum)", pd.DataFrame(rows)).fit(cov_type="HC2")
    firsts = np.cumsum([0, *(len(row) for row in values.values())])[:-1]
    means = model.model.exog[firsts]  # One row for each arm: times the coefficients, that is its mean.
    effects = factorial_effects(by_seed(values), cells)
    assert len(effects) == (2 + 1 + 1) + (2 * 1 + 2 * 1 + 1)
    for one in effects:
        chosen = {step.component: step for step in one.steps}
        weights = []
        for cell in cells.values():
            sides = [(cell[name] == step.level) - (cell[name] == step.reference) for name, step in chosen.items()]
            weights.append(np.prod(sides))
        weights = np.array(weights) / (np.abs(weights).sum() / 2 ** len(chosen))
        tested = model.t_test(weights @ means)
        assert one.test.difference == pytest.approx(tested.effect.item())
        assert one.test.difference / one.test.t == pytest.approx(tested.sd.item())


def test_an_effect_without_other_components_trials_is_welchs_test():
    # The arms with b have no spread, so that half of the effect is exact.
    values = {**YIELD, "b": [20, 20, 20], "a+b": [20, 20, 20]}
    a, *_ = factorial_effects(by_seed(values), TWO_BY_TWO)
    alone = welch(YIELD["a"], YIELD["base"])
    assert (a.test.t, a.test.df, a.test.p) == pytest.approx((alone.t, alone.df, alone.p))
    assert a.test.difference == pytest.approx(alone.difference / 2)
    assert a.test.flags == (factorial.SOME_CONSTANT.format(arms="b, a+b"),)


def test_holms_correction_is_over_all_effects():
    effects = factorial_effects(by_seed(YIELD), TWO_BY_TWO)
    assert tuple(one.p_holm for one in effects) == holm([one.test.p for one in effects])


def test_levels_are_compared_with_the_first():
    cells, values = unbalanced()
    effects = factorial_effects(by_seed(values), cells)
    assert [effect_name(one) for one in effects] == [
        *("place=early", "place=late", "norm", "rate"),
        *("place=early x norm", "place=late x norm", "place=early x rate", "place=late x rate", "norm x rate"),
    ]
    means = {arm: np.mean(row) for arm, row in values.items()}
    late, none = ([means[arm] for arm in cells if cells[arm]["place"] == level] for level in ("late", "none"))
    assert effects[1].test.difference == pytest.approx(np.mean(late) - np.mean(none))


def test_in_a_paired_study_an_effect_is_computed_within_each_seed():
    samples = by_seed({"base": [1.0, 2.0, 3.0], "b": [1.5, 2.7, 3.4], "a": [2.0, 3.1, 4.3], "a+b": [3.0, 4.0, 5.5]})
    samples["a"][9] = 7.0  # A seed of its own is left out.
    a, _, ab = factorial_effects(samples, TWO_BY_TWO, paired_by_seed=True)
    found = paired([(2.0 + 3.0) / 2, (3.1 + 4.0) / 2, (4.3 + 5.5) / 2], [(1 + 1.5) / 2, (2 + 2.7) / 2, (3 + 3.4) / 2])
    assert (a.test.t, a.test.df, a.test.low) == pytest.approx((found.t, 2, found.low))
    assert (a.test.n_treatment, a.test.n_control) == (3, 3)
    assert ab.test.difference == pytest.approx(np.mean([0.5, 0.2, 0.8]))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({**YIELD, "a": []}, factorial.EMPTY_ARM.format(arms="a")),
        ({**YIELD, "a": [30]}, factorial.SINGLE_TRIAL.format(arms="a")),
        ({arm: [mean] for mean, arm in enumerate(YIELD)}, factorial.SINGLE_TRIAL.format(arms="base, b, a, 1 more")),
        ({arm: [mean] * 3 for mean, arm in enumerate(YIELD)}, factorial.NO_VARIANCE),
    ],
)
def test_what_cannot_be_tested_has_no_numbers_and_a_reason(values, reason):
    for one in factorial_effects(by_seed(values), TWO_BY_TWO):
        assert (one.test.t, one.test.df, one.test.p, one.test.low, one.p_holm) == (None,) * 5
        assert (one.test.difference is None) == ([] in values.values())
        assert one.test.flags == (reason,)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({**YIELD, "a": []}, factorial.EMPTY_ARM.format(arms="a")),
        ({arm: [mean] for mean, arm in enumerate(YIELD)}, ONE_PAIR),
        ({arm: [mean] * 3 for mean, arm in enumerate(YIELD)}, CONSTANT_DIFFERENCES),
    ],
)
def test_pairs_that_cannot_be_tested_say_why(values, reason):
    effects = factorial_effects(by_seed(values), TWO_BY_TWO, paired_by_seed=True)
    assert [one.test.p for one in effects] == [None] * 3
    assert reasons(effects) == (reason,)


def test_without_a_seed_that_all_arms_have_there_are_no_pairs():
    samples = {arm: {place: float(place), 9: 1.0} for place, arm in enumerate(TWO_BY_TWO)}
    del samples["a"][9]
    assert reasons(factorial_effects(samples, TWO_BY_TWO, paired_by_seed=True)) == (factorial.NO_COMMON_SEED,)


def test_a_missing_arm_leaves_the_effects_that_do_without_it():
    cells, values = unbalanced()
    values["late+norm+rate"] = []
    found = {effect_name(one): one for one in factorial_effects(by_seed(values), cells)}
    tested = {name for name, one in found.items() if one.p_holm is not None}
    assert tested == {"place=early", "place=early x norm", "place=early x rate"}


def test_two_trials_an_arm_are_tested_with_a_warning():
    effects = factorial_effects(by_seed({arm: row[:2] for arm, row in YIELD.items()}), TWO_BY_TWO)
    assert reasons(effects) == (TOO_FEW,)
    assert None not in [one.p_holm for one in effects]


def test_looks_leave_estimates_and_no_p():
    effects = factorial_effects(by_seed(YIELD), TWO_BY_TWO, looks=True)
    assert [one.p_holm for one in effects] == [None] * 3
    assert effects[0].test.low is not None
    assert effects_answer(effects, DESIGN, scale("y", [1.0])) == (
        f"The effects of the components are not tested: {factorial.LOOKS}.",
    )


@pytest.mark.parametrize("size", [1e-300, 1e300])
@pytest.mark.filterwarnings("error")
def test_numbers_of_any_size_give_the_same_p_or_a_reason(size):
    scaled = {arm: [value * size for value in row] for arm, row in YIELD.items()}
    for one, same in zip(
        factorial_effects(by_seed(scaled), TWO_BY_TWO), factorial_effects(by_seed(YIELD), TWO_BY_TWO), strict=True
    ):
        assert one.test.p == pytest.approx(same.test.p) or one.test.flags


@pytest.mark.parametrize(
    "cells",
    [
        {"base": {"a": "off"}, "a": {"a": "a"}},
        {arm: cell for arm, cell in TWO_BY_TWO.items() if arm != "a"},
        {**TWO_BY_TWO, "again": TWO_BY_TWO["a"]},
    ],
)
def test_arms_that_are_not_every_combination_are_refused(cells):
    with pytest.raises(ValueError, match=r"combination|two or more"):
        factorial_effects(by_seed({arm: [1.0, 2.0] for arm in cells}), cells)


def test_the_answer_names_what_was_shown_and_counts_what_was_not():
    values = {"base": [0.900, 0.901, 0.902], "b": [0.901, 0.902, 0.900], "a": [0.921, 0.922, 0.923]}
    values["a+b"] = [0.950, 0.951, 0.952]
    effects = factorial_effects(by_seed(values), TWO_BY_TWO)
    first, *rest = effects_answer(effects, DESIGN, scale("test_accuracy", [0.001]))
    assert first.startswith("Averaged over the other components, a is better than no a (+3.55 pp [")
    assert "a and b together do more than the sum (+2.90 pp [" in first
    assert rest == []
    losses = effects_answer(effects, Design("base", greater_is_better=False), scale("test_loss", [0.001]))
    assert "a is worse than no a (+0.0355" in losses[0]
    assert "a and b together do less than the sum" in losses[0]


def test_the_answer_says_where_nothing_was_shown():
    values = {"base": [1.0, 2.0, 3.0], "b": [1.1, 2.2, 2.9], "a": [1.2, 1.9, 3.1], "a+b": [1.0, 2.1, 3.2]}
    effects = factorial_effects(by_seed(values), TWO_BY_TWO)
    assert effects_answer(effects, DESIGN, scale("y", [1.0])) == (
        "For 3 main effects or interactions no difference was shown (smallest Holm p = 1.000).",
    )
    assert effects_answer((), DESIGN, scale("y", [1.0])) == ()


def test_the_table_has_one_row_for_each_effect():
    table = effects_table(factorial_effects(by_seed(YIELD), TWO_BY_TWO), DESIGN, scale("y", [1.0]))
    assert [row[:3] for row in table.rows] == [
        ("a", "no a", "6 and 6"),
        ("b", "no b", "6 and 6"),
        ("a x b", "the sum", "6 and 6"),
    ]
    assert [row[-1] for row in table.rows] == ["better", "worse", "inconclusive"]
