"""What a model is given of a dataset, and whether that can be; free of TensorFlow."""

from search.data.prepared import PreparedData
from search.data.split import Held, split
from studies.data import DataSpec
from studies.errors import InputError
from studies.spec import TrainingSpec


def seen_shape(data: PreparedData, training: TrainingSpec) -> tuple[int, ...]:
    """Return height, width and channels of an image as the model sees it; of vectors, the number of features.

    Raises:
        InputError: the crop is larger than the images, or the augmentation is not for such data.
    """
    augmentation = training.augmentation
    if len(data.input_shape) == 1:
        if augmentation.crop is not None or augmentation.is_random:
            asked = augmentation.model_dump(exclude_defaults=True)
            raise InputError(
                f"`study.training.augmentation` must be empty for dataset {data.name!r}, which holds vectors, not "
                f"images. Received: {asked}."
            )
        return data.input_shape
    height, width, channels = data.input_shape
    side = augmentation.crop
    if side is not None and side > min(height, width):
        raise InputError(
            f"`study.training.augmentation.crop` must be at most {min(height, width)}, the side of the images of "
            f"dataset {data.name!r}. Received: {side}."
        )
    if augmentation.saturation is not None and channels != 3:
        raise InputError(
            f"`study.training.augmentation.saturation` must be null for dataset {data.name!r}, whose images have "
            f"no colours. Received: {augmentation.saturation}."
        )
    unknown = [number for number in augmentation.flip_classes if number >= len(data.class_names)]
    if unknown:
        raise InputError(
            f"`study.training.augmentation.flip_classes` must be at most {len(data.class_names) - 1}, the last class "
            f"of dataset {data.name!r}. Received: {unknown[0]}."
        )
    return (side, side, channels) if side else (height, width, channels)


def outputs(data: PreparedData) -> int:
    """Return what models call `classes`: the number of classes, or 1 where a number is to be predicted."""
    return len(data.class_names) or 1


def held_out(data: PreparedData, data_spec: DataSpec, fold: int | None) -> Held | None:
    """Return which training images a trial trains on and which are held out; None if it trains on all of them.

    With folds, but none of them chosen, it does: so is a setting confirmed that folds have chosen.

    Raises:
        InputError: the split cannot be made.
    """
    validation = data_spec.validation
    if validation is None or (validation.folds is not None and fold is None):
        return None
    images = data.open()
    return split(images.y_train, validation, fold, images.track_train, images.class_names)
