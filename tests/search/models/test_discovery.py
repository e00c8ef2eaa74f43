"""The space that a model declares: what a search may vary in it."""

import pickle
import subprocess
import sys
from typing import Any

import keras_tuner
import pytest

from search.models import BUILT_IN
from search.models.discovery import declared_space
from search.models.hypermodel import HyperModel
from search.models.space import Condition, Hyperparameter, Space

SHAPES = {"two_block_cnn": (28, 28, 3), "challenge_cnn": (28, 28, 3), "dense_shortcut": (1,), "dense_head": (64,)}


def space_of(model: str) -> Space:
    return declared_space(HyperModel(model, SHAPES.get(model, (16, 16, 3)), 10))


def by_name(space: Space) -> dict[str, Hyperparameter]:
    return {hyperparameter.name: hyperparameter for hyperparameter in space}


class Declares(keras_tuner.HyperModel):  # type: ignore[misc]
    """Declares one of each kind, scopes within scopes, and one that only shows inside a scope."""

    def build(self, hp: Any) -> None:
        kind = hp.Choice("kind", ["flat", "deep"])
        hp.Fixed("version", 3)
        hp.Int("batch", 2, 32, step=2, sampling="log", default=8)
        hp.Int("even", 0, 10, step=2)
        hp.Float("rate", 1e-4, 1.0, sampling="log")
        hp.Float("quarter", 0.0, 1.0, step=0.25, default=0.5)
        with hp.conditional_scope("kind", ["deep"]):
            levels = hp.Int("levels", 1, 3)
            with hp.conditional_scope("levels", [2, 3]):
                hp.Boolean("skip", default=True)
            if kind == "deep":
                hp.Float("only_when_deep", 0.0, float(levels))
        with hp.name_scope("end"):
            hp.Choice("pool", [1, 2])


def test_every_kind_is_told_with_its_range_scale_and_default() -> None:
    space = by_name(space_of(f"{__name__}:Declares"))
    assert space["kind"] == Hyperparameter("kind", "choice", "flat", choices=("flat", "deep"))
    assert space["version"] == Hyperparameter("version", "fixed", 3, choices=(3,))
    assert space["batch"] == Hyperparameter("batch", "int", 8, low=2, high=32, step=2, log=True)
    assert space["even"] == Hyperparameter("even", "int", 0, low=0, high=10, step=2)
    assert space["rate"] == Hyperparameter("rate", "float", 1e-4, low=1e-4, high=1.0, log=True)
    assert space["quarter"] == Hyperparameter("quarter", "float", 0.5, low=0.0, high=1.0, step=0.25)
    assert space["end/pool"] == Hyperparameter("end/pool", "choice", 1, choices=(1, 2))


def test_what_is_declared_in_scopes_is_found_with_all_its_conditions() -> None:
    space = by_name(space_of(f"{__name__}:Declares"))
    deep = Condition("kind", ("deep",))
    assert space["levels"] == Hyperparameter("levels", "int", 1, low=1, high=3, conditions=(deep,))
    assert space["skip"].conditions == (deep, Condition("levels", (2, 3)))
    assert space["only_when_deep"].conditions == (deep,)


def test_parents_come_before_their_children() -> None:
    for model in (*BUILT_IN, f"{__name__}:Declares"):
        seen: set[str] = set()
        for hyperparameter in space_of(model):
            assert all(condition.parent in seen for condition in hyperparameter.conditions)
            seen.add(hyperparameter.name)


def test_a_setting_says_which_hyperparameters_are_read() -> None:
    skip = by_name(space_of(f"{__name__}:Declares"))["skip"]
    assert skip.is_active({"kind": "deep", "levels": 2})
    assert not skip.is_active({"kind": "deep", "levels": 1})
    assert not skip.is_active({"kind": "flat", "levels": 2})
    assert not skip.is_active({"kind": "deep"})


def test_keras_tuner_finds_the_same_space() -> None:
    class Oracle:
        """The part of Keras Tuner's oracle that its tuner uses to explore a model."""

        def __init__(self) -> None:
            self.known = keras_tuner.HyperParameters()

        def get_space(self) -> Any:
            return self.known.copy()

        def update_space(self, hp: Any) -> None:
            self.known.merge(hp.space, overwrite=False)

    class Tuner(keras_tuner.engine.base_tuner.BaseTuner):  # type: ignore[misc]
        def __init__(self) -> None:
            self.oracle, self.hypermodel = Oracle(), Declares()

    tuner = Tuner()
    tuner._populate_initial_space()
    theirs = {(hp.name, type(hp).__name__.lower(), hp.default, len(hp.conditions)) for hp in tuner.oracle.known.space}
    ours = {(hp.name, hp.kind, hp.default, len(hp.conditions)) for hp in space_of(f"{__name__}:Declares")}
    assert ours == theirs


@pytest.mark.parametrize("model", BUILT_IN)
def test_a_built_in_model_is_built_with_any_corner_of_its_space(model: str) -> None:
    hypermodel = HyperModel(model, SHAPES.get(model, (32, 32, 3)), 10)
    for corner in (first, last):
        setting: dict[str, Any] = {}
        for hyperparameter in declared_space(hypermodel):
            # Thousands of units are no corner case and cost memory.
            if hyperparameter.is_active(setting) and not hyperparameter.name.endswith("units"):
                setting[hyperparameter.name] = corner(hyperparameter)
        assert hypermodel.build(setting, seed=1).compiled


def first(hyperparameter: Hyperparameter) -> Any:
    return hyperparameter.choices[0] if hyperparameter.choices else hyperparameter.low


def last(hyperparameter: Hyperparameter) -> Any:
    return hyperparameter.choices[-1] if hyperparameter.choices else hyperparameter.high


def test_a_space_is_received_without_importing_keras() -> None:
    code = (
        "import pickle, sys; space = pickle.load(sys.stdin.buffer); "
        "print(space[1].name, space[1].conditions[0].parent, {'keras', 'tensorflow'} & set(sys.modules))"
    )
    sent = pickle.dumps(space_of("two_block_cnn"))
    done = subprocess.run([sys.executable, "-c", code], input=sent, capture_output=True, check=True)
    assert done.stdout.decode().split() == ["rate", "placement", "set()"]
