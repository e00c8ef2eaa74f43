"""Which images a study keeps: by their place alone, the same number of each class, and few bytes of them."""

import numpy as np
import pytest

from search.data.digits import load_digits
from search.data.images import Images
from search.data.sample import LONGEST_SIDE, MOST_TEST, MOST_TRAINING, sample
from search.data.sine import make_sine


def made(classes: int, per_class: int, shape: tuple[int, ...] = (8, 8, 3), n_test: int = 100) -> Images:
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(classes, dtype=np.int32), per_class)
    x = rng.integers(0, 256, (len(y), *shape), dtype=np.uint8)
    y_test = rng.integers(0, classes, n_test, dtype=np.int32)
    x_test = rng.integers(0, 256, (n_test, *shape), dtype=np.uint8)
    return Images(x, y, x_test, y_test, tuple(map(str, range(classes))))


@pytest.mark.parametrize(("classes", "each"), [(2, 5), (10, 5), (43, 1), (100, 1)])
def test_each_class_that_is_shown_has_the_same_number_of_training_images(classes: int, each: int) -> None:
    found = sample(made(classes, 9), "digest")
    assert found is not None
    labels, counts = np.unique(found.training.labels, return_counts=True)
    assert labels.tolist() == list(range(min(classes, MOST_TRAINING)))
    assert set(counts.tolist()) == {each}


def test_images_are_spread_evenly_over_a_class_and_over_the_test_set() -> None:
    found = sample(made(2, 50, n_test=480), "digest")
    assert found is not None
    assert found.training.rows.tolist() == [5, 15, 25, 35, 45, 55, 65, 75, 85, 95]
    assert found.test.rows.tolist() == list(range(5, 480, 10))


def test_what_is_kept_are_the_images_and_labels_at_these_rows() -> None:
    images = load_digits()
    found = sample(images, "digest")
    assert found is not None and found.data_digest == "digest"
    assert np.array_equal(found.test.images, images.x_test[found.test.rows])
    assert np.array_equal(found.training.images, images.x_train[found.training.rows])
    assert np.array_equal(found.training.labels, images.y_train[found.training.rows])


def test_fewer_images_than_are_wanted_are_all_kept() -> None:
    found = sample(made(3, 2, n_test=4), "digest")
    assert found is not None
    assert found.training.rows.tolist() == [0, 1, 2, 3, 4, 5]
    assert found.test.rows.tolist() == [0, 1, 2, 3]


def test_floats_become_bytes_and_grey_stays_grey() -> None:
    images = made(2, 5, (28, 28, 1))
    as_floats = Images(
        (images.x_train / 255).astype(np.float32), images.y_train, (images.x_test / 255).astype(np.float32),
        images.y_test, images.class_names,
    )  # fmt: skip
    found = sample(as_floats, "digest")
    assert found is not None
    assert found.test.images.shape == (MOST_TEST, 28, 28, 1)
    assert np.array_equal(found.test.images, images.x_test[found.test.rows])


@pytest.mark.parametrize(("shape", "kept"), [((64, 64, 3), (48, 48, 3)), ((32, 96, 1), (16, 48, 1))])
def test_large_images_are_scaled_down_with_their_proportions(shape: tuple[int, ...], kept: tuple[int, ...]) -> None:
    found = sample(made(10, 9, shape), "digest")
    assert found is not None
    assert found.training.images.shape[1:] == kept and max(kept) == LONGEST_SIDE
    assert found.training.images.nbytes + found.test.images.nbytes < 700_000


def test_numbers_to_predict_have_no_sample() -> None:
    assert sample(make_sine(), "digest") is None
