"""The images of a study in its report: on the page, beside it, and without the dataset."""

import shutil

import numpy as np
import pytest
from labelled_study import DIGEST, Made, labelled_study

from tracking.dataset_pictures import CONFUSION, PREDICTIONS, TRAINING
from tracking.report_writer import write_report
from tracking.samples import Sample, Samples

MADE = Made(accuracies={"original": (0.5, 0.6), "dropout1": (0.9, 0.95)}, epochs=2, n_test=120)
PICTURES = {TRAINING, PREDICTIONS, CONFUSION}


@pytest.fixture
def home(tmp_path):
    """A study with two kept training images of each class, and 40 of its test images."""
    _, store = labelled_study(tmp_path / "runs", MADE)
    data = tmp_path / "runs" / "data" / f"digits-{DIGEST[:12]}"
    rows = np.arange(0, 120, 3)
    test = Sample(rows, np.load(data / "y_test.npy")[rows].astype(np.int64), np.load(data / "x_test.npy")[rows])
    training = Sample(np.arange(20), np.repeat(np.arange(10), 2), test.images[:20])
    Samples(DIGEST, training, test).write(store.folder)
    return store.folder


def pictures_in(home):
    return {path.name for path in (home / "report").glob("*.png")} & PICTURES


def test_the_report_links_its_pictures_and_says_how_they_were_chosen(home):
    text = write_report(home).report.read_text()
    assert pictures_in(home) == PICTURES
    for file in PICTURES:
        assert f"]({file})" in text
    assert "20 of 1,000 training images, of all 10 classes, spread evenly over the images of each class" in text
    assert "The first 18 test images are spread evenly over the test set." in text
    assert "of 40 that the study kept when it began" in text
    assert "whether the first trial of an arm (seed 1) is right" in text


def test_the_page_shows_each_class_and_marks_wrong_predictions_by_a_cross_and_a_name(home):
    page = write_report(home).html.read_text()
    training = page.partition('id="images"')[2].partition("</section>")[0]
    assert training.count("<img") == 20
    for number in range(10):
        assert f">class {number}</span>" in training
    predictions = page.partition('id="predictions"')[2].partition("</section>")[0]
    assert "✓ dropout1 2/2" in predictions
    assert "✗ original 0/2: <strong>class " in predictions


def test_without_the_dataset_the_images_that_were_kept_are_still_shown(home):
    before = write_report(home).html.read_text()
    shutil.rmtree(home.parent / "data")
    files = write_report(home)
    assert pictures_in(home) == {TRAINING, PREDICTIONS}, "and a confusion matrix of an earlier report is gone"
    assert "The confusion matrix is left out: the true classes are needed for it" in files.report.read_text()
    after = files.html.read_text()
    part = 'id="images"'
    assert before.partition(part)[2].partition("</section>")[0] == after.partition(part)[2].partition("</section>")[0]
    assert "✗ original 0/2: <strong>class " in after


def test_a_study_that_kept_no_images_says_how_it_gets_some(home):
    (home / "samples.npz").unlink()
    files = write_report(home)
    assert pictures_in(home) == {CONFUSION}
    for path in (files.report, files.html):
        assert "no images were kept with the study; running it again keeps some" in path.read_text()
