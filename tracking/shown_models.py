"""Which models of a study are for others to see: those that stay, and the one that a search ends in."""

from collections.abc import Mapping
from statistics import fmean

from studies.spec import StudySpec
from tracking.kept_model import best_of, chosen_by
from tracking.looks import decide_by_now, looks_of
from tracking.manifest import StudyManifest
from tracking.record import RecordStore
from tracking.scale import is_accuracy
from tracking.summary import design_of

Ended = Mapping[str, set[int]]
"""Arm to the seeds whose trial has ended, with a record or without."""


def settled_models(manifest: StudyManifest, store: RecordStore) -> tuple[str, ...]:
    """Return the keys of the trials whose model on disk will stay there, as far as is known by now.

    Under `best` an arm has one as soon as no trial of it is to come.
    """
    study = manifest.spec.study
    if study.save_models == "none":
        return ()
    if study.save_models == "all":
        return tuple(key for key in store.keys() if store.model_file(key))  # noqa: SIM118  # A store is no mapping.
    with_model = [trial for trial in manifest.trials if store.model_file(trial.key)]
    if not with_model:
        return ()
    over = _arms_that_are_over(manifest, store)
    best = [best_of(study, store, [trial for trial in with_model if trial.arm == arm]) for arm in over]
    return tuple(trial.key for trial in best if trial)


def confirmed_best(manifest: StudyManifest, store: RecordStore) -> str | None:
    """Return the key of the trial whose model a search ends in; None before its confirmation is complete.

    It is the kept model of the arm with the best mean validation score over the confirmation's fresh seeds, the control
    included. After a search with folds, whose confirmation holds nothing out, it is that of the best-ranked setting.
    """
    study = manifest.spec.study
    if manifest.search is None or study.kind == "search" or not manifest.trials:
        return None
    ended = _ended(manifest, store)
    if any(trial.seed not in ended[trial.arm] for trial in manifest.trials):
        return None
    arm = _best_arm(manifest, store)
    with_model = [trial for trial in manifest.trials if trial.arm == arm and store.model_file(trial.key)]
    best = best_of(study, store, with_model)
    return best.key if best else None


def model_lines(manifest: StudyManifest, store: RecordStore) -> tuple[str, ...]:
    """Return where the models are that stay, for people: a line, and one more for each arm's where it is one an arm."""
    settled = settled_models(manifest, store)
    if not settled:
        return ()
    size = sum(file.stat().st_size for key in settled if (file := store.model_file(key)))
    where = f"{len(settled)} in {store.trials}/KEY/model.keras, {size / 1e6:.1f} MB"
    if manifest.spec.study.save_models == "all":
        return (where,)
    best = confirmed_best(manifest, store)
    lines = [
        f"  {trial.arm} seed {trial.seed}: {trial.key}{' (what the search ends in)' if trial.key == best else ''}"
        for trial in manifest.trials
        if trial.key in settled
    ]
    return where, *lines


def _best_arm(manifest: StudyManifest, store: RecordStore) -> str | None:
    study, metric = manifest.spec.study, chosen_by(manifest.spec.study)
    if metric is None:
        # The search's choices follow the arms of the study file, best first.
        given = manifest.search.spec.study.arms if manifest.search else {}
        return next((arm for arm in study.arms if arm not in given), study.control)
    scores: dict[str, list[float]] = {arm: [] for arm in study.arms}
    for trial in manifest.trials:
        if record := store.record(trial.key):
            scores[trial.arm].append(record.metrics[metric])
    sign = 1.0 if is_accuracy(metric) else -1.0
    means = {arm: sign * fmean(values) for arm, values in scores.items() if values}
    return max(means, key=lambda arm: means[arm], default=None)


def _arms_that_are_over(manifest: StudyManifest, store: RecordStore) -> list[str]:
    """Return the arms of which no trial is to come, in order."""
    study, ended = manifest.spec.study, _ended(manifest, store)
    going_on = {trial.arm for trial in manifest.trials if trial.seed not in ended[trial.arm]}
    if going_on and study.sequential is not None:
        going_on &= _needed(study, manifest, ended, store)
    return [arm for arm in study.arms if arm not in going_on]


def _needed(study: StudySpec, manifest: StudyManifest, ended: Ended, store: RecordStore) -> set[str]:
    """Return the arms that go on after the looks so far."""
    looks = looks_of(study)
    assert looks is not None
    samples: dict[str, dict[int, float]] = {arm: {} for arm in study.arms}
    for trial in manifest.trials:
        if record := store.record(trial.key):
            samples[trial.arm][trial.seed] = record.metrics[study.metric]
    decision = decide_by_now(samples, ended, study.seeds, design_of(study), looks)
    return set() if decision.next_look is None else {study.control, *decision.running}


def _ended(manifest: StudyManifest, store: RecordStore) -> Ended:
    ended: dict[str, set[int]] = {arm: set() for arm in manifest.spec.study.arms}
    failed = {failure.key for failure in store.failures()}
    for trial in manifest.trials:
        if store.has(trial.key) or trial.key in failed:
            ended[trial.arm].add(trial.seed)
    return ended
