"""Predictions beside the true classes, read from disk, and only where they belong together."""

import numpy as np
import pytest
from labelled_study import DIGEST, Made, labelled_study

from tracking.predictions import NoPredictionsError, read_predictions
from tracking.summary import summarize

MADE = Made(accuracies={"original": (0.9, 0.8), "dropout1": (0.95, None)}, epochs=2, n_test=40)


@pytest.fixture
def study(tmp_path):
    manifest, store = labelled_study(tmp_path / "runs", MADE)
    return store.folder, manifest, summarize(manifest, store)


def test_counts_add_up_over_trials(study):
    found = read_predictions(*study)
    original = found.arms["original"]
    assert (original.trials, found.arms["dropout1"].trials) == (2, 1)
    assert original.confusion.sum() == 2 * 40
    assert np.trace(original.confusion) == original.right.sum() == 36 + 32
    assert (original.confusion.sum(axis=1) == 2 * np.bincount(found.labels, minlength=10)).all()
    assert original.shares.sum(axis=1) == pytest.approx(np.ones(10))


def test_images_come_with_them_where_they_are_bytes(study, tmp_path):
    assert read_predictions(*study).images.shape == (40, 16, 16, 3)
    home = tmp_path / "runs" / "data" / f"digits-{DIGEST[:12]}"
    np.save(home / "x_test.npy", np.zeros((40, 16, 16, 3), np.float32))
    assert read_predictions(*study).images is None


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (None, "not in data/digits-"),
        (np.zeros(40, np.int32), "not those that the trials were scored on"),
        (np.zeros(7, np.int32), "no class for each test example"),
        (np.full(40, 10, np.int32), "not those that the study names"),
        (np.zeros(40), "no class for each test example"),
    ],
    ids=["absent", "other labels", "too few", "unknown class", "no classes"],
)
def test_labels_that_do_not_belong_to_the_trials_are_refused(study, tmp_path, labels, expected):
    path = tmp_path / "runs" / "data" / f"digits-{DIGEST[:12]}" / "y_test.npy"
    path.unlink()
    if labels is not None:
        np.save(path, labels)
    with pytest.raises(NoPredictionsError, match=expected):
        read_predictions(*study)
