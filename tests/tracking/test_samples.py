"""The images that a study keeps: what is read is what was written, of this dataset, or nothing."""

import dataclasses

import numpy as np
import pytest
from labelled_study import DIGEST, Made, labelled_study

from tracking.samples import FILE_NAME, Sample, Samples, read_samples

RNG = np.random.default_rng(0)
PART = Sample(np.array([3, 5]), np.array([1, 0]), RNG.integers(0, 256, (2, 4, 6, 3), dtype=np.uint8))
SAMPLES = Samples(DIGEST, PART, dataclasses.replace(PART, rows=np.array([0, 9])))


@pytest.fixture
def study(tmp_path):
    made = Made(accuracies={"original": (0.9,), "dropout1": (0.8,)}, epochs=1, n_test=10)
    manifest, store = labelled_study(tmp_path / "runs", made)
    return store.folder, manifest


def test_what_is_read_is_what_was_written(study):
    SAMPLES.write(study[0])
    found = read_samples(*study)
    for part in ("training", "test"):
        for name, array in vars(getattr(SAMPLES, part)).items():
            assert np.array_equal(getattr(getattr(found, part), name), array)


def test_the_same_images_give_the_same_bytes(study):
    SAMPLES.write(study[0])
    before = (study[0] / FILE_NAME).read_bytes()
    SAMPLES.write(study[0])
    assert (study[0] / FILE_NAME).read_bytes() == before


@pytest.mark.parametrize(
    "changed",
    [
        {"data_digest": "another"},
        {"test": dataclasses.replace(PART, rows=np.array([0, 10]))},
        {"training": dataclasses.replace(PART, labels=np.array([0, 10]))},
        {"training": dataclasses.replace(PART, images=PART.images[:1])},
        {"training": dataclasses.replace(PART, images=PART.images / 255)},
    ],
    ids=["another dataset", "a row beyond the end", "an unknown class", "too few images", "no bytes"],
)
def test_what_cannot_be_of_the_study_is_not_shown(study, changed):
    dataclasses.replace(SAMPLES, **changed).write(study[0])
    assert read_samples(*study) is None


def test_a_study_without_a_file_or_with_a_damaged_one_has_none(study):
    assert read_samples(*study) is None
    SAMPLES.write(study[0])
    path = study[0] / FILE_NAME
    whole = path.read_bytes()
    for content in (b"", b"no archive", whole[: len(whole) // 2], whole[:300] + b"\0" * 40 + whole[340:]):
        path.write_bytes(content)
        assert read_samples(*study) is None
