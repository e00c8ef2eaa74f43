"""The space of a search: the model's declarations, narrowed, fixed and extended, and what is refused."""

from typing import Any

import pytest

from search.models.space import Condition, Hyperparameter
from search.space import branches, resolve
from studies.compose import compose
from studies.errors import InputError
from studies.spec import StudySpec
from tracking.importances import distribution

PLACEMENTS = ("none", "after_pooling", "after_flatten")
DECLARED = (
    Hyperparameter("placement", "choice", "none", choices=PLACEMENTS),
    Hyperparameter("rate", "float", 0.5, 0.0, 0.999, conditions=(Condition("placement", PLACEMENTS[1:]),)),
    Hyperparameter("learning_rate", "float", 0.001, 1e-6, 10.0, log=True),
    Hyperparameter("dense_units", "int", 0, 0, 4096),
    Hyperparameter("batch_norm", "boolean", False, choices=(True, False)),
)


def study(space: dict[str, Any], fixed: dict[str, Any] | None = None) -> StudySpec:
    given = compose(["study=dropout_search"]).study.model_dump()
    return StudySpec.model_validate({**given, "fixed": fixed or {}, "search": {**given["search"], "space": space}})


def refusal(space: dict[str, Any], fixed: dict[str, Any] | None = None) -> str:
    with pytest.raises(InputError) as caught:
        resolve(DECLARED, study(space, fixed))
    return str(caught.value)


def test_an_empty_space_is_all_that_the_model_declares() -> None:
    found = {one.name: one for one in resolve(DECLARED, study({}))}
    assert list(found) == ["placement", "learning_rate", "dense_units", "batch_norm", "rate"]
    assert found["rate"].when == {"placement": ("after_pooling", "after_flatten")}
    assert (found["learning_rate"].log, found["dense_units"].whole) == (True, True)


@pytest.mark.filterwarnings("error")
def test_a_range_that_ends_between_two_steps_ends_with_the_last_of_them() -> None:
    space = {"rate": {"low": 0.1, "high": 0.75, "step": 0.2}, "dense_units": {"low": 32, "high": 500, "step": 64}}
    rate, units = resolve(DECLARED, study(space, fixed={"placement": "after_pooling"}))
    assert (rate.high, units.high) == (0.7, 480)
    assert (distribution(rate).high, distribution(units).high) == (0.7, 480)


def test_what_is_fixed_is_not_varied() -> None:
    names = [one.name for one in resolve(DECLARED, study({}, fixed={"learning_rate": 0.01, "batch_norm": True}))]
    assert names == ["placement", "dense_units", "rate"]


def test_a_parent_that_is_fixed_settles_the_condition() -> None:
    [rate] = resolve(DECLARED, study({"rate": {"low": 0.1, "high": 0.5}}, fixed={"placement": "after_pooling"}))
    assert rate.when == {}


def test_a_condition_may_name_a_whole_number_that_a_range_has() -> None:
    space = {
        "dense_units": {"low": 0, "high": 64, "step": 32},
        "batch_norm": {"choices": [True, False], "when": {"dense_units": [16, 64]}},
    }
    found = {one.name: one for one in resolve(DECLARED, study(space))}
    assert found["batch_norm"].when == {"dense_units": (16, 64)}


def test_a_branch_of_the_model_is_a_setting_that_fulfils_all_conditions_above() -> None:
    asked = study({
        "placement": {"choices": list(PLACEMENTS)},
        "dense_units": {"choices": [0, 64], "when": {"placement": ["after_pooling", "none"]}},
        "activation": {"choices": ["elu", "relu"], "when": {"dense_units": [64]}},
    })  # fmt: skip
    assert branches(asked) == {
        "dense_units": {"placement": "after_pooling"},
        "activation": {"dense_units": 64, "placement": "after_pooling"},
    }


def test_a_field_of_training_extends_the_space() -> None:
    [batch] = resolve(DECLARED, study({"training.batch_size": {"choices": [32, 64]}}))
    assert batch.choices == (32, 64)


@pytest.mark.parametrize(
    ("space", "fixed", "said"),
    [
        ({"rat": {"low": 0.1, "high": 0.5}}, {}, "`study.search.space` must be one of: "),
        (
            {"placement": {"choices": ["none", "after_poling"]}}, {},
            "`study.search.space.placement` must stay within what the model allows: none, after_pooling, "
            "after_flatten. Received: 'after_poling'. Did you mean 'after_pooling'?",
        ),
        (
            {"learning_rate": {"low": 0.1, "high": 11.0}}, {},
            "`study.search.space.learning_rate` must stay within what the model allows: 1e-06 to 10.0. ",
        ),
        (
            {"dense_units": {"low": 0, "high": 10.5}}, {},
            "`study.search.space.dense_units` must stay within what the model allows: 0 to 4096. Received: 10.5.",
        ),
        (
            {"rate": {"low": 0.1, "high": 0.5}}, {},
            "`study.search.space.rate` applies only where placement is one of after_pooling, after_flatten. Received: "
            "placement='none', which this search does not vary.",
        ),
        (
            {"placement": {"choices": ["none"]}, "rate": {"low": 0.1, "high": 0.5}}, {},
            "`study.search.space.rate` applies only where placement is one of after_pooling, after_flatten, which this "
            "search never tries. Received: placement one of none.",
        ),
        (
            {"rate": {"low": 0.1, "high": 0.7}, "dense_units": {"choices": [0, 64], "when": {"rate": [0.1]}}},
            {"placement": "after_pooling"},
            "`study.search.space.dense_units` applies only where rate is one of 0.1, which this search never tries. "
            "Received: rate any number from 0.1 to 0.7, which has no choices to depend on.",
        ),
        (
            {"dense_units": {"low": 0, "high": 64, "step": 32}, "batch_norm": {
                "choices": [True, False], "when": {"dense_units": [16, 96]}}}, {},
            "`study.search.space.batch_norm` applies only where dense_units is one of 16, 96, which this search never "
            "tries. Received: dense_units any whole number from 0 to 64 in steps of 32.",
        ),
        (
            {"rate": {"low": 0.1, "high": 0.5, "when": {"plaecment": ["none"]}}}, {"placement": "after_pooling"},
            "`study.search.space.rate.when` must name hyperparameters. Received: 'plaecment'. ",
        ),
        (
            {"dense_units": {"choices": [0, 64]}}, {"dense_units": 64},
            "`study.search.space.dense_units` must not be fixed too. Received: study.fixed.dense_units.",
        ),
    ],
)  # fmt: skip
def test_a_space_that_the_model_does_not_have_is_refused(
    space: dict[str, Any], fixed: dict[str, Any], said: str
) -> None:
    assert refusal(space, fixed).startswith(said)


def test_a_ratio_between_the_values_of_a_log_scale_makes_them_choices() -> None:
    whole = Hyperparameter("units", "int", 32, 32, 256, step=2, log=True)
    rate = Hyperparameter("rate", "float", 0.001, 0.001, 0.5, step=10, log=True)
    units, rates = resolve((whole, rate), study({}))
    assert units.choices == (32, 64, 128, 256)
    assert all(isinstance(value, int) for value in units.choices)
    assert rates.choices == pytest.approx((0.001, 0.01, 0.1))


def test_a_ratio_that_makes_too_many_choices_is_refused() -> None:
    fine = Hyperparameter("rate", "float", 0.001, 0.001, 1.0, step=1.0001, log=True)
    with pytest.raises(
        InputError, match=r"`study\.search\.space\.rate` must be given, as low, high and log: the model "
    ):
        resolve((fine,), study({}))
