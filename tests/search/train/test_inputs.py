"""What a model is given of a dataset, and what cannot be given."""

from pathlib import Path

import pytest

from search.data.stored import PreparedData
from search.train.inputs import outputs, seen_shape
from studies.errors import InputError
from studies.spec import AugmentationSpec, TrainingSpec

COLOUR = PreparedData("signs", "d", Path("x"), ("a", "b", "c"), 10, 5, (32, 28, 3))
GREY = PreparedData("digits", "d", Path("x"), ("a", "b", "c"), 10, 5, (8, 8, 1))
VECTORS = PreparedData("sine", "d", Path("x"), (), 10, 5, (1,), "regression")


def training(**augmentation: object) -> TrainingSpec:
    return TrainingSpec(epochs=1, batch_size=1, augmentation=AugmentationSpec.model_validate(augmentation))


def test_a_crop_is_what_the_model_sees() -> None:
    assert seen_shape(COLOUR, training()) == (32, 28, 3)
    assert seen_shape(COLOUR, training(crop=28)) == (28, 28, 3)
    assert seen_shape(VECTORS, training()) == (1,)


def test_a_model_has_an_output_for_each_class_or_one_for_a_number() -> None:
    assert outputs(COLOUR) == 3
    assert outputs(VECTORS) == 1


@pytest.mark.parametrize(
    ("data", "asked", "said"),
    [
        (COLOUR, {"crop": 29}, r"`study.training.augmentation.crop` must be at most 28, .*'signs'. Received: 29"),
        (GREY, {"saturation": [0.5, 2]}, r"`study.training.augmentation.saturation` must be null .*'digits'"),
        (
            COLOUR,
            {"flip_classes": [0, 3]},
            r"`study.training.augmentation.flip_classes` must be at most 2.* Received: 3",
        ),
        (VECTORS, {"crop": 1}, r"`study.training.augmentation` must be empty for dataset 'sine'.*{'crop': 1}"),
        (VECTORS, {"brightness": 0.1}, r"must be empty for dataset 'sine'.*{'brightness': 0.1}"),
    ],
)
def test_augmentation_that_the_data_do_not_allow_is_named(
    data: PreparedData, asked: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        seen_shape(data, training(**asked))
