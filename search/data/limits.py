"""The first so many images of a dataset, as a study asks for them."""

from dataclasses import replace

import numpy as np

from search.data.images import Images
from studies.data import DataSpec
from studies.errors import InputError


def limits_text(data_spec: DataSpec) -> str:
    """Return what tells data under the limits of `data_spec` from the whole; empty where there are none."""
    limits = {"train": data_spec.train_limit, "test": data_spec.test_limit}
    return "".join(f", first {limit} of {part}" for part, limit in limits.items() if limit is not None)


def limited(images: Images, data_spec: DataSpec, name: str) -> Images:
    """Return the first `train_limit` training and `test_limit` test images of `images`, the dataset `name`.

    Raises:
        InputError: there are fewer images than that, or a class would be left without images to train on.
    """
    train, test = data_spec.train_limit, data_spec.test_limit
    _check_count("train_limit", train, len(images.y_train), f"the size of the training set of {name}")
    _check_count("test_limit", test, len(images.y_test), f"the size of the test set of {name}")
    if train is not None and images.task == "classification":
        _check_classes(images, train, name)
    return replace(
        images,
        x_train=images.x_train[:train],
        y_train=images.y_train[:train],
        x_test=images.x_test[:test],
        y_test=images.y_test[:test],
        track_train=None if images.track_train is None else images.track_train[:train],
    )


def _check_count(field: str, limit: int | None, count: int, meaning: str) -> None:
    if limit is not None and limit > count:
        raise InputError(
            f"`study.data.{field}` must be at most {count}, {meaning} (or null, for all of it). Received: {limit}."
        )


def _check_classes(images: Images, limit: int, name: str) -> None:
    first = np.sort(np.unique(images.y_train, return_index=True)[1])
    late = first[first >= limit]
    if len(late):
        lost = images.class_names[images.y_train[late[0]]]
        more = f" and {len(late) - 1} more" if len(late) > 1 else ""
        raise InputError(
            f"`study.data.train_limit` must be at least {first[-1] + 1}, to leave images of each class of {name} to "
            f"train on. Received: {limit}, which leaves none of class {lost!r}{more}."
        )
