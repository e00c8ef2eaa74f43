"""What a trial trains on, is measured on, and never meets."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from search.data.images import Images
from search.data.split import split
from search.data.stored import PreparedData, describe, store
from search.train.parts import Parts
from search.train.workbench import Workbench
from studies.data import DataSpec, ValidationSpec

N = 40
LABELS = (np.arange(N) % 2).astype(np.int32)
IMAGES = np.arange(N, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 1), np.uint8)
FRACTION = DataSpec(validation=ValidationSpec(fraction=0.25, seed=3))
FOLDS = DataSpec(validation=ValidationSpec(folds=4))


@pytest.fixture
def data(tmp_path: Path) -> PreparedData:
    images = Images(IMAGES, LABELS, IMAGES[:6] + 100, LABELS[:6], ("even", "odd"), np.arange(N, dtype=np.int32) // 4)
    described = describe(images, "numbered", tmp_path)
    store(images, described)
    return described


def numbers(parts: Parts, name: Literal["train", "validation", "test"]) -> list[int]:
    """Return the images of a part by their number, which is their brightness."""
    part = {"train": parts.train, "validation": parts.validation, "test": parts.test}[name]
    assert part is not None
    found: list[int] = part.images.numpy()[part.rows.numpy(), 0, 0, 0].tolist()
    assert len(found) == part.size
    if name != "test":
        assert part.own_labels().tolist() == [number % 2 for number in found]
    return found


def test_without_validation_a_trial_trains_on_all_and_is_scored_on_the_test_set(data: PreparedData) -> None:
    parts = Workbench().parts(data, DataSpec(), None, "test")
    assert numbers(parts, "train") == list(range(N))
    assert numbers(parts, "test") == [100, 101, 102, 103, 104, 105]
    assert parts.validation is None
    assert [name for name, _ in parts.measured()] == ["test"]


def test_what_is_held_out_is_what_the_split_says_and_nothing_of_it_is_trained_on(data: PreparedData) -> None:
    assert FRACTION.validation is not None
    held = split(LABELS, FRACTION.validation)
    parts = Workbench().parts(data, FRACTION, None, "test")
    assert numbers(parts, "train") == held.train.tolist()
    assert numbers(parts, "validation") == held.validation.tolist()
    assert sorted(numbers(parts, "train") + numbers(parts, "validation")) == list(range(N))
    assert parts.scored[0] == "test"


def test_tracks_stay_on_one_side(data: PreparedData) -> None:
    by_track = DataSpec(validation=ValidationSpec(fraction=0.25, group="track"))
    parts = Workbench().parts(data, by_track, None, "test")
    tracks = [{number // 4 for number in numbers(parts, name)} for name in ("train", "validation")]  # type: ignore[arg-type]
    assert not tracks[0] & tracks[1]


def test_folds_take_turns_and_share_one_copy_of_the_images(data: PreparedData) -> None:
    bench = Workbench()
    folds = [bench.parts(data, FOLDS, fold, "validation") for fold in range(4)]
    held = [numbers(parts, "validation") for parts in folds]
    assert sorted(number for fold in held for number in fold) == list(range(N))
    assert all(not set(numbers(parts, "train")) & set(out) for parts, out in zip(folds, held, strict=True))
    assert len({id(parts.train.images) for parts in folds}) == 1


def test_with_folds_but_none_chosen_a_trial_trains_on_all(data: PreparedData) -> None:
    parts = Workbench().parts(data, FOLDS, None, "test")
    assert numbers(parts, "train") == list(range(N))
    assert parts.validation is None


def test_a_trial_scored_on_validation_never_meets_the_test_set(data: PreparedData) -> None:
    for name in ("x_test.npy", "y_test.npy"):
        np.save(data.folder / name, np.full((1, 1), np.nan))
    parts = Workbench().parts(data, FRACTION, None, "validation")
    assert parts.test is None
    assert parts.scored == ("validation", parts.validation)


def test_a_trial_must_be_measured_on_something(data: PreparedData) -> None:
    with pytest.raises(ValueError, match="validation part or on a test set"):
        assert Workbench().parts(data, DataSpec(), None, "validation").scored
