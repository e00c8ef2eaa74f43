"""Which models MLflow is shown, and which one a search ends in."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from stored_trials import cell, stored

from studies.compose import compose
from studies.spec import RunSpec
from tracking.manifest import PlannedTrial, SearchManifest, StudyManifest
from tracking.record import Failure, RecordStore
from tracking.saved_model import SavedModel, TensorCard
from tracking.shown_models import confirmed_best, model_lines, settled_models

CARD = TensorCard(shape=(None, 4), dtype="float32")
SCORES = {"original": (0.5, 0.7), "setting-0003": (0.9, 0.6), "setting-0001": (0.7, 0.71)}
"""Validation accuracy by arm and seed: the highest single score is not in the arm with the best mean."""


def manifest(*overrides: str, search: bool = True) -> StudyManifest:
    searching = compose(["study=dropout_search", *overrides])
    study = searching.study
    fresh = {"kind": "ablation", "search": None, "replicates": 2, "arms": {arm: {} for arm in SCORES}}
    arms = {arm: {"rate": number / 10} for number, arm in enumerate(SCORES)}
    spec = RunSpec.model_validate({**searching.model_dump(), "study": {**study.model_dump(), **fresh, "arms": arms}})
    return StudyManifest(
        spec=spec,
        search=SearchManifest(spec=searching, space=(), design="0") if search else None,
        data_digest="0",
        class_names=(),
        n_train=10,
        n_test=8,
        engine="1",
        trials=tuple(cell(arm, seed) for seed in (1, 2) for arm in SCORES),
        command="",
    )


def finish(store: RecordStore, trials: Mapping[str, bool] | None = None) -> None:
    """Record trials by key, with a model if so said; all trials, each with a model, if none are given."""
    for arm, scores in SCORES.items():
        for seed, score in enumerate(scores, start=1):
            trial = cell(arm, seed)
            if trials is None or trial.key in trials:
                _write(store, trial, score, with_model=trials is None or trials[trial.key])


def _write(store: RecordStore, trial: PlannedTrial, score: float, *, with_model: bool) -> None:
    result = stored(trial, study="dropout_search")
    metrics = {**result.record.metrics, "validation_accuracy": score}
    saved = SavedModel(sha256="0", under="best", inputs=CARD, outputs=CARD) if with_model else None
    record = result.record.model_copy(update={"metrics": metrics, "saved_model": saved})
    written = type(result)(record, result.history, result.predicted, result.correct)
    store.write(written, b"a model" if with_model else None)


def test_a_model_is_shown_when_no_trial_of_its_arm_is_to_come(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    finish(store, {"original1": True})
    assert settled_models(manifest(), store) == ()
    store.write_failure(Failure(key="original2", arm="original", seed=2, reason="NaN", attempts=1))
    assert settled_models(manifest(), store) == ("original1",)
    finish(store, {"setting-00031": True, "setting-00032": True})
    assert settled_models(manifest(), store) == ("original1", "setting-00031"), "of two, the better one"


def test_under_all_each_is_shown_at_once_and_under_none_never(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    finish(store, {"original1": True, "setting-00031": True, "setting-00032": False})
    assert settled_models(manifest("study.save_models=all"), store) == ("original1", "setting-00031")
    assert settled_models(manifest("study.save_models=none"), store) == ()


def test_a_search_ends_in_the_best_replicate_of_the_arm_with_the_best_mean_validation_score(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    finish(store)
    assert confirmed_best(manifest(), store) == "setting-00031"
    assert "setting-0003 seed 1: setting-00031 (what the search ends in)" in "\n".join(model_lines(manifest(), store))


def test_the_control_is_what_a_search_ends_in_if_nothing_beats_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCORES, "original", (0.8, 0.9))
    store = RecordStore(tmp_path)
    finish(store)
    assert confirmed_best(manifest(), store) == "original2"


def test_after_folds_it_is_the_first_seed_of_the_best_ranked_setting(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    finish(store)
    folds = manifest()
    study = folds.spec.study.model_copy(update={"data": folds.spec.study.data.model_copy(update={"validation": None})})
    assert folds.search is not None
    given = folds.search.spec.study.arms
    assert list(given) == ["original"]
    folds = folds.model_copy(update={"spec": folds.spec.model_copy(update={"study": study})})
    assert confirmed_best(folds, store) == "setting-00031"


def test_nothing_is_final_before_the_confirmation_is_complete_nor_in_an_ablation(tmp_path: Path) -> None:
    store = RecordStore(tmp_path)
    finish(store, {f"{arm}{seed}": True for arm in SCORES for seed in (1, 2) if (arm, seed) != ("original", 2)})
    assert confirmed_best(manifest(), store) is None
    finish(store, {"original2": True})
    assert confirmed_best(manifest(search=False), store) is None
    assert confirmed_best(manifest(), store) is not None
