import numpy as np

from search.data.digits import load_digits
from search.data.images import digest


def test_digits_are_1000_images_to_train_on_and_797_to_test() -> None:
    images = load_digits()
    assert (images.x_train.shape, images.x_train.dtype) == ((1000, 32, 32, 3), np.uint8)
    assert (images.x_test.shape, images.y_test.shape) == ((797, 32, 32, 3), (797,))
    assert images.class_names == tuple("0123456789")
    assert images.track_train is None


def test_digits_use_the_whole_range_and_are_grey() -> None:
    x = load_digits().x_train
    assert (x.min(), x.max()) == (0, 255)
    assert np.array_equal(x[..., 0], x[..., 1]) and np.array_equal(x[..., 0], x[..., 2])


def test_each_digit_is_as_frequent_in_training_as_in_testing() -> None:
    images = load_digits()
    train, test = (np.bincount(y, minlength=10) / len(y) for y in (images.y_train, images.y_test))
    assert np.abs(train - test).max() < 0.002


def test_no_digit_is_on_both_sides_of_the_split() -> None:
    images = load_digits()
    train, test = ({image.tobytes() for image in x} for x in (images.x_train, images.x_test))
    assert not train & test


def test_they_are_the_digits_that_scikit_learn_loads() -> None:
    from sklearn import datasets

    images, theirs = load_digits(), datasets.load_digits()
    ours = np.concatenate([images.x_train, images.x_test])[..., 0]
    assert np.array_equal(np.bincount(theirs.target), np.bincount(np.concatenate([images.y_train, images.y_test])))
    # Scaling up bilinearly by four keeps the mean of an image, but for rounding and the border.
    means = np.sort(theirs.images.mean((1, 2))) * 255 / 16
    assert np.abs(np.sort(ours.mean((1, 2))) - means).max() < 8


def test_the_split_is_the_same_each_time() -> None:
    assert digest(load_digits()) == digest(load_digits())
