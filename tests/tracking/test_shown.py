"""Which test images are shown with whose predictions, and what is said of the choice."""

import dataclasses

import numpy as np
import pytest
from labelled_study import DIGEST, Made, labelled_study

from tracking.predictions import NoPredictionsError
from tracking.samples import Sample, Samples
from tracking.shown import MOST_ARMS, SPREAD, TELLING, kept_samples, shown_predictions
from tracking.summary import summarize

MADE = Made(accuracies={"original": (0.5, 0.6, 0.55), "dropout1": (0.9, None, 0.95)}, epochs=2, n_test=400)


def kept(runs, n_test, count=48):
    home = runs / "data" / f"digits-{DIGEST[:12]}"
    rows = (2 * np.arange(count) + 1) * n_test // (2 * count)
    images, labels = np.load(home / "x_test.npy")[rows], np.load(home / "y_test.npy")[rows].astype(np.int64)
    part = Sample(rows, labels, images)
    return Samples(DIGEST, part, part)


@pytest.fixture
def study(tmp_path):
    manifest, store = labelled_study(tmp_path / "runs", MADE)
    return kept(tmp_path / "runs", 400), store.folder, manifest, summarize(manifest, store)


def test_the_first_images_do_not_depend_on_what_was_predicted(study, tmp_path):
    shown = shown_predictions(*study)
    other_study = dataclasses.replace(MADE, accuracies={"original": (0.1,), "dropout1": (0.2,)})
    manifest, store = labelled_study(tmp_path / "other", other_study)
    other = shown_predictions(study[0], store.folder, manifest, summarize(manifest, store))
    rows = [one.row for one in shown.spread]
    assert rows == [one.row for one in other.spread] == sorted(rows)
    assert len(rows) == SPREAD
    assert np.ptp(np.diff(rows)) <= 400 / 48 + 1, "evenly"


def test_a_verdict_is_that_of_the_first_trial_and_counts_all(study):
    _, folder, _, summary = study
    stack = {
        arm.name: np.stack(
            [np.load(folder / "trials" / row.key / "predicted.npy") for row in arm.trials if row.state == "done"]
        )
        for arm in summary.arms
    }
    shown = shown_predictions(*study)
    assert shown.seeds == {"original": 1, "dropout1": 1}
    for one in shown.images:
        assert [verdict.arm for verdict in one.verdicts] == ["original", "dropout1"]
        for verdict in one.verdicts:
            given = stack[verdict.arm][:, one.row]
            assert verdict.predicted == given[0]
            assert verdict.is_right == (given[0] == one.true)
            assert (verdict.right, verdict.trials) == ((given == one.true).sum(), len(given))


def test_the_others_are_those_in_which_the_arms_differ_most(study):
    shown = shown_predictions(*study)

    def lead(one):
        control, arm = one.verdicts
        return abs(control.right / control.trials - arm.right / arm.trials)

    leads = [lead(one) for one in shown.telling]
    assert 0 < len(leads) <= TELLING
    assert leads == sorted(leads, reverse=True) and leads[-1] > 0
    assert not {one.row for one in shown.telling} & {one.row for one in shown.spread}
    assert f"In the {len(leads)} after them an arm and the control differ most" in shown.choice
    assert "of 48 that the study kept" in shown.choice


def test_without_a_trial_of_the_control_nothing_is_said_to_differ(tmp_path):
    made = dataclasses.replace(MADE, accuracies={"original": (None,), "dropout1": (0.9,)})
    manifest, store = labelled_study(tmp_path / "runs", made)
    samples = kept(tmp_path / "runs", 400)
    shown = shown_predictions(samples, store.folder, manifest, summarize(manifest, store))
    assert shown.telling == ()
    assert "differ" not in shown.choice


def test_of_many_arms_the_control_and_the_first_others_are_shown(tmp_path):
    arms = dict.fromkeys("abcdef", (0.9,))
    manifest, store = labelled_study(tmp_path / "runs", dataclasses.replace(MADE, accuracies=arms))
    shown = shown_predictions(kept(tmp_path / "runs", 400), store.folder, manifest, summarize(manifest, store))
    assert list(shown.seeds) == ["a", "b", "c", "d"][:MOST_ARMS]


def test_a_test_set_smaller_than_the_picture_is_shown_once(tmp_path):
    manifest, store = labelled_study(tmp_path / "runs", dataclasses.replace(MADE, n_test=5))
    shown = shown_predictions(kept(tmp_path / "runs", 5, 5), store.folder, manifest, summarize(manifest, store))
    assert [one.row for one in shown.images] == [0, 1, 2, 3, 4]


def test_images_of_other_trials_are_refused(study):
    samples, *rest = study
    wrong = dataclasses.replace(samples.test, labels=(samples.test.labels + 1) % 10)
    with pytest.raises(NoPredictionsError, match="not those that the trials were scored on"):
        shown_predictions(dataclasses.replace(samples, test=wrong), *rest)


def test_why_nothing_is_kept_is_said(study):
    _, folder, manifest, _ = study
    with pytest.raises(NoPredictionsError, match="no images were kept"):
        kept_samples(folder, manifest)
    with pytest.raises(NoPredictionsError, match="predicts numbers, and no classes"):
        kept_samples(folder, manifest.model_copy(update={"class_names": ()}))
