"""What is held out for validation: in proportion, whole tracks where asked, and the same everywhere."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from search.data.split import Held, split, warning
from studies.data import ValidationSpec
from studies.errors import InputError

LABELS = np.repeat(np.arange(4), [100, 60, 30, 10])
"""Of 200 images; by name: oak, elm, ash, yew."""
TRACKS = np.arange(200) // 5
"""Twenty, twelve, six and two tracks of five images."""
NAMES = ("oak", "elm", "ash", "yew")


def held_of(fold: int | None = None, labels: np.ndarray = LABELS, tracks: Any = TRACKS, **validation: Any) -> Held:
    return split(labels, ValidationSpec(**validation), fold, tracks, NAMES)


def counts(rows: np.ndarray) -> list[int]:
    return np.bincount(LABELS[rows], minlength=4).tolist()


def test_a_fraction_takes_the_same_share_of_each_class() -> None:
    held = held_of(fraction=0.2)
    assert (counts(held.train), counts(held.validation)) == ([80, 48, 24, 8], [20, 12, 6, 2])


@pytest.mark.parametrize("group", [None, "track"])
def test_each_image_is_on_one_side(group: str | None) -> None:
    held = held_of(fraction=0.3, group=group)
    assert sorted([*held.train, *held.validation]) == list(range(200))
    assert np.all(np.diff(held.train) > 0) and np.all(np.diff(held.validation) > 0)


def test_a_fraction_that_does_not_divide_is_met_in_all_and_nearly_in_each_class() -> None:
    held = held_of(fraction=0.15)
    assert len(held.validation) == 30
    assert counts(held.validation)[:2] == [15, 9]
    assert set(counts(held.validation)[2:]) <= {1, 2, 4, 5}


def test_many_small_classes_still_give_the_fraction_asked_for() -> None:
    labels = np.repeat(np.arange(100), 5)
    held = split(labels, ValidationSpec(fraction=0.3))
    assert len(held.validation) == 150
    assert set(np.bincount(labels[held.validation]).tolist()) == {1, 2}


def test_tracks_are_never_divided_and_each_class_keeps_its_share() -> None:
    held = held_of(fraction=0.25, group="track")
    assert not set(TRACKS[held.train]) & set(TRACKS[held.validation])
    assert counts(held.validation)[:2] == [25, 15]
    assert sum(counts(held.validation)) == 50
    assert min(counts(held.train)) >= 5


def test_tracks_of_different_lengths_are_weighed_by_their_images() -> None:
    tracks = np.repeat(np.arange(20), np.arange(1, 21))
    labels = np.zeros(210, int)
    held = split(labels, ValidationSpec(fraction=0.5, group="track"), tracks=tracks)
    assert abs(len(held.validation) - 105) <= 10  # half of the longest track


@pytest.mark.parametrize("group", [None, "track"])
def test_folds_take_turns_and_have_the_same_share_of_each_class(group: str | None) -> None:
    folds = [held_of(fold, folds=2, group=group) for fold in range(2)]
    assert np.array_equal(folds[0].validation, folds[1].train)
    assert [counts(held.validation) for held in folds] == [[50, 30, 15, 5]] * 2
    if group:
        assert all(not set(TRACKS[held.train]) & set(TRACKS[held.validation]) for held in folds)


def test_five_folds_hold_each_image_out_once() -> None:
    folds = [held_of(fold, folds=5) for fold in range(5)]
    assert sorted(np.concatenate([held.validation for held in folds])) == list(range(200))
    assert [counts(held.validation) for held in folds] == [[20, 12, 6, 2]] * 5


def test_a_fold_is_a_random_part_and_not_every_fifth_image() -> None:
    assert not np.array_equal(held_of(0, folds=5).validation, np.arange(0, 200, 5))


def test_targets_of_a_regression_are_split_without_classes() -> None:
    held = held_of(labels=np.linspace(0, 1, 200, dtype=np.float32), fraction=0.2)
    assert len(held.validation) == 40


def test_another_seed_is_another_split() -> None:
    assert not np.array_equal(held_of(fraction=0.2).validation, held_of(fraction=0.2, seed=1).validation)


def test_the_split_is_this_one_on_every_machine() -> None:
    held = split(np.array([0, 1] * 5), ValidationSpec(fraction=0.4, seed=3))
    # RandomState(3).permutation(10) is [5 4 1 2 9 6 7 0 3 8]: of class 0 first 4 and 2, of class 1 first 5 and 1.
    assert held.validation.tolist() == [1, 2, 4, 5]
    assert held.train.tolist() == [0, 3, 6, 7, 8, 9]


REFUSED: dict[str, tuple[dict[str, Any], int | None, str, str]] = {
    "more folds than the smallest class has images": (
        {"folds": 11},
        0,
        "`study.data.validation.folds` must be at most 10",
        "images of class 'yew', the smallest. Received: 11",
    ),
    "more folds than the smallest class has tracks": (
        {"folds": 3, "group": "track"},
        0,
        "`study.data.validation.folds` must be at most 2",
        "tracks of class 'yew', the smallest. Received: 3",
    ),
    "a fraction that leaves a class out of training": (
        {"fraction": 0.96},
        None,
        "`study.data.validation.fraction` must leave images of each class",
        "fraction=0.96, which leaves none of the 10 of class 'yew'",
    ),
    "a fraction that leaves several classes without tracks": (
        {"fraction": 0.95, "group": "track"},
        None,
        "`study.data.validation.fraction` must leave tracks of each class",
        "none of the 6 of class 'ash', and none of 1 more",
    ),
    "a fraction of less than one image": (
        {"fraction": 0.001},
        None,
        "`study.data.validation.fraction` must hold out at least one of 200",
        "Received: fraction=0.001",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_split_that_cannot_be_used_is_refused_naming_the_class(case: str) -> None:
    validation, fold, field, found = REFUSED[case]
    with pytest.raises(InputError) as refusal:
        held_of(fold, **validation)
    assert field in str(refusal.value) and found in str(refusal.value)
    assert len(str(refusal.value).splitlines()) <= 2


def test_tracks_cannot_be_kept_together_where_none_are_known() -> None:
    with pytest.raises(InputError, match=r"`study\.data\.validation\.group` must be null"):
        held_of(fraction=0.2, group="track", tracks=None)


def test_only_a_random_split_of_data_with_tracks_is_warned_of() -> None:
    random, grouped = ValidationSpec(fraction=0.2), ValidationSpec(fraction=0.2, group="track")
    said = warning(random, has_tracks=True)
    assert said is not None and "study.data.validation.group=track" in said
    assert [warning(grouped, True), warning(random, False), warning(None, True)] == [None] * 3


def test_splitting_imports_nothing_heavy() -> None:
    code = "import sys, search.data.split; print({'sklearn', 'scipy', 'keras', 'tensorflow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
