"""A frozen base: its features are computed once, as a dataset that a head trains on like on any other.

What the base may be trained on. A search over heads holds out parts of a training set to choose by. A base that was
trained on such a part has seen its labels: its features tell these images apart better than any that it has not seen,
every head looks good on them, and the choice rests on that. So the base is trained on *other* images than the search:

    training set:  base part     an ordinary trial trains the base on it, once
                   search part   its features are computed once; all folds, and the confirmation, live in here
    test set:                    its features are computed once; it scores the confirmation only

The base's trial holds the search part out as its validation part (`fraction`, by track where images come in tracks),
so nothing of any fold reaches the base: not its weights, and not the statistics of its batch norm, which are the
preprocessing here. Two things would bring it back: early stopping of the base, which chooses an epoch by the search
part, and choosing the base's own setting by its validation score.

The other honest way, a base for each fold, sees more images, but trains k bases, computes k sets of features, and has
none for the confirmation: a base trained on all images makes features that no head of the search has met. The price of
the way taken here is data: base and heads share what each could have had alone, and scores are lower than those of a
network trained on everything. Heads are compared on equal terms all the same, and that is what the search is asked.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from search.data.prepared import PreparedData
from search.data.stored import find
from search.train.inputs import held_out
from studies.errors import InputError
from studies.spec import DataSpec, Setting, TrainingSpec


@dataclass(frozen=True)
class FeaturesTask:
    """All that a worker needs to compute the features that a base leaves to the heads."""

    name: str
    """Of the new dataset; it must tell base and layer, such as `cifar100-KEY` with the key of the base's trial: what
    is stored under it already is not computed again."""
    home: Path
    """Where prepared data live."""
    base: bytes
    """The trained base, as `TrialResult.model`."""
    data: PreparedData
    """What the base was trained on."""
    data_spec: DataSpec
    """Of the base's trial; its validation part becomes the training set of the heads."""
    training: TrainingSpec
    """Of the base's trial, for its crop; its augmentation is off here."""
    layer: str | None = None
    """Whose output the features are. None: the last Flatten or global pooling."""


@dataclass(frozen=True)
class FrozenBase:
    """What heads stand on, for those of them that are saved: a user has images, and no features."""

    model: bytes
    """The trained base, as `TrialResult.model`."""
    layer: str | None
    """Whose output the features are. None: the last Flatten or global pooling."""
    dataset: str
    """Folder of its images, under that of prepared data."""
    stored: tuple[int, ...]
    """Shape of an image there."""
    dtype: str
    """Of the images there: `uint8`, or `float32` in [0, 1]."""
    seen: tuple[int, ...]
    """Shape of an image as the base sees it: the centre is cut out."""
    pixels: Literal["unit", "centred"]
    """The range in which it sees them."""


def find_features(name: str, home: Path) -> PreparedData | None:
    """Return the features that are stored in `home` under `name`, if they are there and whole."""
    found = (find(folder) for folder in sorted(home.glob(f"{name}-*")))
    return next((data for data in found if data is not None and data.name == name), None)


def count_features(
    model: str, setting: Setting, input_shape: tuple[int, ...], classes: int, layer: str | None = None
) -> int:
    """Return how many features a base will leave, from the model as it is before training. To be run in a worker.

    Raises:
        InputError: it has no such layer, or one whose output is no vector.
    """
    from search.models.hypermodel import HyperModel
    from search.train.features import up_to

    cut = up_to(HyperModel(model, input_shape, classes).build(setting, seed=0), layer)
    return int(cut.output_shape[1])


def prepare_features(task: FeaturesTask) -> PreparedData:
    """Return the features of the search part and of the test set, as a dataset on disk, computed if need be.

    To be run in a worker. The new training set holds x_train (n_search, F) float32 with the labels and tracks of these
    images; the new test set x_test (n_test, F). `study.data.range` has no effect on vectors.

    Raises:
        InputError: the base's trial held nothing out; or the base has no such layer, or one whose output is no vector.
        OSError: the folder cannot be written.
    """
    from search.data.images import Images
    from search.data.stored import describe, store
    from search.train.features import Base

    if (known := find_features(task.name, task.home)) is not None:
        return known
    held = held_out(task.data, task.data_spec, None)
    if held is None:
        raise InputError(
            "`study.data.validation.fraction` must be given for a frozen base: what is held out of its training is "
            f"what heads are trained on. Received: {task.data_spec.validation}."
        )
    images = task.data.open()
    base = Base(task.base, task.layer, task.training.augmentation, task.data_spec.range)
    features = Images(
        x_train=base.features(images.x_train, held.validation),
        y_train=images.y_train[held.validation],
        x_test=base.features(images.x_test),
        y_test=images.y_test,
        class_names=images.class_names,
        track_train=None if images.track_train is None else images.track_train[held.validation],
    )
    data = describe(features, task.name, task.home)
    store(features, data)
    return data
