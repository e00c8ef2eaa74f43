"""Optuna's proposals: reproducible, within the space, and known again after a restart."""

from pathlib import Path
from typing import Any

import optuna
import pytest

from search.proposer import Proposer, check_proposable
from studies.errors import InputError
from studies.spec import SearchSpec
from tracking.proposals import Parameter

SPACE = (
    Parameter(name="placement", choices=("none", "pooled", "flat")),
    Parameter(name="rate", low=0.1, high=0.7, when={"placement": ("pooled", "flat")}),
    Parameter(name="learning_rate", low=1e-4, high=0.1, log=True),
    Parameter(name="units", low=0, high=256, step=64, whole=True),
)


def proposer(sampler: str = "random", storage: str | None = None, seed: int = 0) -> Proposer:
    spec = SearchSpec.model_validate({"sampler": sampler, "seed": seed})
    return Proposer("a-search", SPACE, spec, greatest=True, storage=storage)


def proposals(one: Proposer, count: int, *, told_backwards: bool = False) -> list[dict[str, Any]]:
    found = [one.propose(number) for number in range(count)]
    asked = [answer for answer in found if answer is not None]
    for number, values in reversed(asked) if told_backwards else asked:
        one.tell(number, float(values["units"]))
    return [values for _, values in asked]


@pytest.mark.parametrize("sampler", ["random", "qmc"])
def test_the_order_in_which_trials_finish_changes_no_proposal(sampler: str) -> None:
    one, other = proposer(sampler), proposer(sampler)
    first = proposals(one, 4) + [(one.propose(number) or (0, {}))[1] for number in range(4, 8)]
    second = proposals(other, 4, told_backwards=True) + [(other.propose(n) or (0, {}))[1] for n in range(4, 8)]
    assert first == second
    assert proposals(proposer(sampler, seed=1), 4) != first[:4]


@pytest.mark.parametrize("sampler", ["random", "tpe", "qmc", "cmaes"])
def test_a_conditional_value_is_given_only_where_its_condition_holds(sampler: str) -> None:
    for values in proposals(proposer(sampler), 12):
        assert ("rate" in values) == (values["placement"] != "none")
        assert values["units"] in (0, 64, 128, 192, 256)
        assert 1e-4 <= values["learning_rate"] <= 0.1


def test_a_grid_is_every_setting_once_and_then_it_is_over() -> None:
    space = (SPACE[0], Parameter(name="deep", choices=(True, False), when={"placement": ("flat",)}))
    one = Proposer("grid", space, SearchSpec(sampler="grid"), greatest=True, storage=None)
    found = [one.propose(number) for number in range(5)]
    assert [answer[1] for answer in found if answer] == [
        {"placement": "none"},
        {"placement": "pooled"},
        {"placement": "flat", "deep": True},
        {"placement": "flat", "deep": False},
    ]
    assert found[-1] is None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("low", "high", "step", "values"),
    [(0.2, 0.6, 0.2, [0.2, 0.4, 0.6]), (0.1, 0.7, 0.2, [0.1, 0.3, 0.5, 0.7]), (1e-5, 3e-5, 1e-5, [1e-5, 2e-5, 3e-5])],
)
def test_a_grid_has_the_values_that_one_would_write_down(
    low: float, high: float, step: float, values: list[float]
) -> None:
    space = (Parameter(name="rate", low=low, high=high, step=step),)
    one = Proposer("grid", space, SearchSpec(sampler="grid"), greatest=True, storage=None)
    found = [one.propose(number) for number in range(len(values) + 1)]
    assert [answer[1]["rate"] for answer in found if answer] == values
    assert found[-1] is None


def test_a_grid_over_any_number_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"`study.search.space.learning_rate` must have choices or a step for the sampler grid"
    ):
        check_proposable(SPACE, SearchSpec(sampler="grid"))


def test_a_search_that_goes_on_proposes_what_it_would_have_proposed(tmp_path: Path) -> None:
    undisturbed = proposals(proposer(), 6)
    storage = f"sqlite:///{tmp_path / 'optuna.db'}"
    assert proposals(proposer(storage=storage), 3) == undisturbed[:3]
    again = proposer(storage=storage)
    assert [(again.propose(number) or (0, {}))[1] for number in range(3, 6)] == undisturbed[3:]


def test_optuna_learns_again_what_its_lost_storage_knew(tmp_path: Path) -> None:
    values = {"placement": "none", "learning_rate": 0.01, "units": 64}
    storage = f"sqlite:///{tmp_path / 'optuna.db'}"
    one = proposer(storage=storage)
    assert one.restore(7, values, 0.9, "complete") == 0
    running = one.restore(8, values, None, "running")
    one.tell(running, 0.5)
    trials = optuna.load_study(study_name="a-search", storage=storage).trials
    assert [(trial.state.name, trial.value) for trial in trials] == [("COMPLETE", 0.9), ("COMPLETE", 0.5)]
    assert trials[1].params == values


def test_a_pruned_setting_is_pruned_and_a_failed_one_failed(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'optuna.db'}"
    one = proposer(storage=storage)
    numbers = [answer[0] for number in range(2) if (answer := one.propose(number))]
    one.tell_pruned(numbers[0])
    one.tell_failed(numbers[1])
    assert [trial.state.name for trial in optuna.load_study(study_name="a-search", storage=storage).trials] == [
        "PRUNED",
        "FAIL",
    ]
