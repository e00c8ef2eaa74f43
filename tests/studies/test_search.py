"""What a study of kind search declares, and what is refused before anything trains."""

import pytest

from studies.compose import compose
from studies.errors import InputError
from studies.search import seconds_of

SEARCH = "study=dropout_search"


def refusal(*overrides: str) -> str:
    with pytest.raises(InputError) as caught:
        compose([SEARCH, *overrides])
    return str(caught.value)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            "study.search.space.rate={low: 0.7, high: 0.1}",
            "`study.search.space.rate` must have low <= high. Received: low=0.7, high=0.1.",
        ),
        (
            "study.search.space.activation={choices: []}",
            "`study.search.space.activation` must have at least one choice. Received: choices=[].",
        ),
        (
            "study.search.space.learning_rate={low: 0.0, high: 0.1, log: true}",
            "`study.search.space.learning_rate` must have low > 0 on a logarithmic scale. Received: low=0.0.",
        ),
        (
            "study.search.space.rate={low: null}",
            "`study.search.space.rate` must give choices, or low and high. Received: low=None, high=0.7.",
        ),
        (
            "study.search.space.rate={low: 0.1, high: 0.5, when: {rate: [0.1]}}",
            "`study.search.space.rate.when` must name other hyperparameters. Received: 'rate'.",
        ),
        (
            "study.search.space.rate={low: 0.1, high: 0.5, when: {placement: [after_poling]}}",
            "`study.search.space.rate.when.placement` must hold choices of 'placement'. Received: 'after_poling'. "
            "Did you mean 'after_pooling'?",
        ),
        ("study.search.sampler=tpa", "`study.search.sampler` must be 'tpe', "),
        ("study.search.settings=0", "`study.search.settings` must be greater than or equal to 1. Received: 0."),
        (
            "study.search.duration=soon",
            "`study.search.duration` must be a time such as 90m or 1h30m. Received: 'soon'.",
        ),
        (
            "study.search.space.rate.when={placement: []}",
            "`study.search.space.rate.when.placement` must have at least one value. Received: [].",
        ),
        ("study.search.duration=90", "`study.search.duration` must be a time such as 90m or 1h30m. Received: 90."),
        (
            "study.search.stop_at=1350",
            "`study.search.stop_at` must be a time of day such as 06:00, in quotes in a file. Received: 1350, a ",
        ),
        (
            "study.search.space.optimizer.low=1",
            "`study.search.space.optimizer` must be either choices or a range (low, high), not both. Received: "
            "choices=['adam', 'adamw', 'rmsprop', 'sgd'], low=1.",
        ),
        (
            "study.search.stop_at='25:00'",
            "`study.search.stop_at` must be a time of day such as 06:00. Received: '25:00'.",
        ),
        (
            "study.control=best",
            "`study.control` must name one of the arms. Received: control='best', arms=['original'].",
        ),
        ("~study.arms.original", "`study.arms` must have the control, with which the confirmation compares. "),
        ("~study.control", "`study.control` must be given; it is missing."),
        ("study.data.validation=null", "`study.data.validation` must be given in a search, which may not choose by "),
        ("study.replicates=6", "`study.replicates` must be left out of a search: "),
        ("study.kind=ablation", "`study.search` must be left out of an ablation "),
        ("study.metric=validation_accuracy", "`study.metric` must be one that is measured; a search's confirmation "),
    ],
)
def test_a_search_that_cannot_be_is_refused(override: str, said: str) -> None:
    assert refusal(override).startswith(said)


def test_conditions_in_a_circle_are_refused() -> None:
    said = refusal(
        "study.search.space.rate={low: 0.1, high: 0.5, when: {dense_units: [64]}}",
        "study.search.space.dense_units={choices: [0, 64], when: {rate: [0.1]}}",
    )
    assert said.startswith("`study.search.space.rate.when` must not depend on itself. Received: rate -> dense_units")


@pytest.mark.parametrize(("text", "seconds"), [("90m", 5400), ("1h30m", 5400), ("45s", 45), ("0.5h", 1800)])
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "m", "90m later", "-5m"])
def test_what_is_no_duration_is_no_number(text: str) -> None:
    assert not seconds_of(text) > 0
