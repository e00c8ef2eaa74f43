"""The training budget of a study: what augmentation and early stopping may say."""

import pytest
from pydantic import ValidationError

from studies.data import ValidationSpec
from studies.training import AugmentationSpec, EarlyStoppingSpec, TrainingSpec

STOPPING = TrainingSpec(epochs=5, batch_size=8, early_stopping=EarlyStoppingSpec(patience=2))


def test_what_is_not_asked_for_does_not_show_in_a_trials_key() -> None:
    """So a study from before there was augmentation keeps its keys."""
    training = TrainingSpec(epochs=5, batch_size=8, augmentation=AugmentationSpec(crop=28))
    assert training.model_dump(exclude_defaults=True) == {
        "epochs": 5,
        "batch_size": 8,
        "augmentation": {"crop": 28},
    }


def test_whole_numbers_do_for_amounts() -> None:
    assert AugmentationSpec.model_validate({"rotation": 15, "contrast": [1, 2]}).rotation == 15.0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rotation": 181}, "less than or equal to 180"),
        ({"shift": 1.0}, "less than 1"),
        ({"brightness": -0.1}, "greater than or equal to 0"),
        ({"saturation": [2, 0.5]}, r"`study.training.augmentation.saturation` must be \[low, high\].*\[2.0, 0.5\]"),
        ({"contrast": [-1, 1]}, r"`study.training.augmentation.contrast` must be \[low, high\] with 0 <= low"),
        ({"contrast": [0.5]}, "at least 2 items"),
        ({"flip": "sideways"}, "'horizontal', 'vertical' or 'both'"),
        ({"flip_classes": [3, 3]}, r"`study.training.augmentation.flip_classes` must hold different class numbers"),
        ({"flip_classes": [-1]}, r"different class numbers from 0. Received: \[-1\]"),
        ({"flip_classes": [3], "flip": "both"}, "must be empty where `flip` is both, which flips all classes"),
        ({"rotate": 15}, "Extra inputs are not permitted"),
    ],
)
def test_augmentation_out_of_range_is_an_error(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        AugmentationSpec.model_validate(given)


@pytest.mark.parametrize("given", [{}, {"patience": 0}, {"patience": 1, "metric": "test_loss"}])
def test_early_stopping_needs_patience_and_never_looks_at_the_test_set(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EarlyStoppingSpec.model_validate(given)


@pytest.mark.parametrize(
    ("validation", "received"), [(None, "is null"), (ValidationSpec(folds=3), "is folds=3")], ids=["none", "folds"]
)
def test_early_stopping_needs_a_fraction_to_look_at(validation: ValidationSpec | None, received: str) -> None:
    with pytest.raises(ValueError, match=rf"`study.data.validation.fraction` must be given .*{received}"):
        STOPPING.check_validation(validation)
    TrainingSpec(epochs=5, batch_size=8).check_validation(validation)
    STOPPING.check_validation(ValidationSpec(fraction=0.1))
