"""Which models are left on disk, in whatever order trials finish and wherever the coordinator is killed."""

import itertools
from pathlib import Path

import pytest
from stored_trials import cell, stored

from search.shelf import ModelShelf
from search.train.result import ServedModel
from studies.compose import compose
from studies.spec import StudySpec
from tracking.manifest import PlannedTrial
from tracking.record import RecordStore
from tracking.saved_model import TensorCard

SCORES = {("a", 1): 0.5, ("a", 2): 0.9, ("a", 3): 0.9, ("b", 1): 0.3, ("b", 2): 0.2, ("b", 3): 0.1}
"""Validation accuracy by arm and seed: `a` has a tie for the best."""
PLAN = [cell(arm, seed) for arm, seed in SCORES]


def study(policy: str = "best", *more: str) -> StudySpec:
    return compose(["study=dropout_ablation", f"study.save_models={policy}", *more]).study


VALIDATED = study("best", "study.data.validation.fraction=0.2")


def finish(shelf: ModelShelf, store: RecordStore, trial: PlannedTrial, wanted: bool | None = None) -> None:
    """Do what the coordinator does with a trial that has ended; its model's content is its key."""
    card = TensorCard(shape=(None, 4), dtype="float32")
    wants = shelf.wants(trial) if wanted is None else wanted
    served = ServedModel(trial.key.encode(), card, card, ()) if wants else None
    result = stored(trial)
    score = {"validation_accuracy": SCORES[trial.arm, trial.seed], "validation_loss": 1.0}
    record = result.record.model_copy(update={"metrics": {**result.record.metrics, **score}})
    saved = shelf.accepted(trial, record, served)
    record = record.model_copy(update={"saved_model": saved})
    written = type(result)(record, result.history, result.predicted, result.correct)
    store.write(written, served.content if saved and served else None)
    shelf.settle(trial, record)


def models(store: RecordStore) -> set[str]:
    found = {path.parent.name: path.read_text() for path in store.trials.glob("[!.]*/model.keras")}
    assert all(key == content for key, content in found.items())
    return set(found)


@pytest.mark.parametrize("order", [PLAN, PLAN[::-1], PLAN[1:] + PLAN[:1], PLAN[3:] + PLAN[:3]])
def test_the_best_by_validation_is_left_whatever_the_order_and_ties_go_to_the_smaller_seed(
    tmp_path: Path, order: list[PlannedTrial]
) -> None:
    store = RecordStore(tmp_path)
    shelf = ModelShelf(VALIDATED, PLAN, store)
    for trial in order:
        finish(shelf, store, trial)
    assert models(store) == {"a2", "b1"}


def test_every_order_of_three_replicates_ends_alike(tmp_path: Path) -> None:
    for number, order in enumerate(itertools.permutations(PLAN[:3])):
        store = RecordStore(tmp_path / str(number))
        shelf = ModelShelf(VALIDATED, PLAN, store)
        for trial in order:
            finish(shelf, store, trial)
        assert models(store) == {"a2"}


def test_without_a_validation_part_the_first_seed_is_kept_though_another_tested_better(tmp_path: Path) -> None:
    for number, order in enumerate(itertools.permutations(PLAN[:3])):
        store = RecordStore(tmp_path / str(number))
        shelf = ModelShelf(study(), PLAN, store)
        for trial in order:
            finish(shelf, store, trial)
        assert models(store) == {"a1"}


def test_a_trial_that_cannot_win_any_more_is_not_asked_for_its_model(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    shelf = ModelShelf(study(), PLAN, store)
    assert all(shelf.wants(trial) for trial in PLAN)
    finish(shelf, store, cell("a", 2))
    assert [shelf.wants(cell("a", seed)) for seed in (1, 3)] == [True, False]
    assert shelf.wants(cell("b", 3))


def test_all_keeps_everything_and_none_nothing(tmp_path: Path) -> None:
    for policy, expected in (("all", {trial.key for trial in PLAN}), ("none", set())):
        store = RecordStore(tmp_path / policy)
        shelf = ModelShelf(study(policy), PLAN, store)
        for trial in PLAN:
            finish(shelf, store, trial)
        assert models(store) == expected


def test_a_search_that_chooses_keeps_no_model_of_its_candidates_unless_all_are_asked_for(tmp_path: Path) -> None:
    store, candidate = RecordStore(tmp_path), cell("setting-0001", 1)
    assert not ModelShelf(study("best"), (), store).wants(candidate)
    assert ModelShelf(study("all"), (), store).wants(candidate)


def test_a_start_after_a_kill_removes_what_should_have_made_room(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    for trial in PLAN[:3]:  # Each by a coordinator of its own that was killed before it removed anything.
        shelf = ModelShelf(VALIDATED, [trial], store)
        finish(shelf, store, trial)
    (store.trials / ".a9.draft").mkdir()
    (store.trials / ".a9.draft" / "model.keras").write_text("half of a mod")
    assert models(store) == {"a1", "a2", "a3"}
    store.sweep()
    ModelShelf(VALIDATED, PLAN, store).tidy()
    assert models(store) == {"a2"}
    assert [path.name for path in store.trials.iterdir() if path.name.startswith(".")] == []
    assert store.read("a1").record.saved_model is not None


def test_models_that_all_has_kept_are_not_removed_by_best(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    first = study("all", "study.data.validation.fraction=0.2")
    shelf = ModelShelf(first, PLAN, store)
    for trial in PLAN[:2]:
        finish(shelf, store, trial)
    later = ModelShelf(VALIDATED, PLAN, store)
    later.tidy()
    finish(later, store, PLAN[2])
    assert models(store) == {"a1", "a2"}


def test_what_was_recorded_without_its_model_is_named(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    for trial in PLAN:
        finish(ModelShelf(study("none"), PLAN, store), store, trial)
    assert ModelShelf(study("none"), PLAN, store).without_model() == []
    assert ModelShelf(study("all"), PLAN, store).without_model() == PLAN
    assert [trial.key for trial in ModelShelf(VALIDATED, PLAN, store).without_model()] == ["a2", "b1"]
    assert [trial.key for trial in ModelShelf(study(), PLAN, store).without_model()] == ["a1", "b1"]


def test_the_choice_of_models_changes_no_key() -> None:
    from search.plan import Recipe, trial_key

    keys = set()
    for policy in ("none", "best", "all"):
        asked = study(policy)
        recipe = Recipe(asked.model, "source", asked.setting("original"), asked.training)
        keys.add(trial_key(recipe, 1, asked.data, "digest", "engine"))
    assert len(keys) == 1
