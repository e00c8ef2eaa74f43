"""What a search over heads stands on: one trial of its base, and the features that the trained base leaves.

Both have names before anything is trained: the trial its key, the features the key of the trial. What is on disk under
them is not made again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from search.data.prepared import PreparedData, Staged, on_disk, stage
from search.data.split import Held, split
from search.models import source_digest
from search.plan import Recipe, engine_version, make_task, trial_key
from search.train.frozen import FeaturesTask, FrozenBase, find_features
from search.train.inputs import seen_shape
from search.trial import TrialTask
from studies.base import BaseSpec
from studies.data import DataSpec
from studies.errors import InputError
from studies.spec import RunSpec
from tracking.manifest import PlannedTrial

ARM = "frozen base"
"""What its trial is called; no arm of a study can have a blank in its name."""
_OWN_FIELDS = {
    "`study.model": "`study.base.model",
    "`study.training": "`study.base.training",
    "`study.data.validation.fraction": "`study.base.held_out",
}


@dataclass(frozen=True)
class Base:
    """The base of a search over heads, on the images that it was declared for."""

    spec: RunSpec
    """The search, whose data are the base's own: they hold out what heads are searched on."""
    staged: Staged
    """The images."""
    held: Held
    """Which images the base trains on, and which it leaves to the heads."""
    recipe: Recipe
    trial: PlannedTrial

    @property
    def declared(self) -> BaseSpec:
        """What the study file says of it."""
        assert self.spec.study.base is not None
        return self.spec.study.base

    @property
    def data(self) -> PreparedData:
        """The images."""
        return self.staged.data

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of an image as the base sees it."""
        with said_of_the_base():
            return seen_shape(self.data, self.recipe.training)

    @property
    def features_name(self) -> str:
        """The name of its features as a dataset: by the trial's key, and by the layer if one is named."""
        layer = self.declared.layer
        return "-".join(part for part in (self.data.name, self.trial.key, layer) if part)

    def features(self) -> Staged | None:
        """Return its features, if they are on disk."""
        known = find_features(self.features_name, self.data.folder.parent)
        return None if known is None else on_disk(known)

    def expected(self, count: int) -> PreparedData:
        """Return what its features will be, `count` for each image, as far as that is known before it is trained."""
        length, left = (count,), len(self.held.validation)
        return replace(self.data, name=self.features_name, digest="", n_train=left, input_shape=length)

    def task(self) -> TrialTask:
        """Return what a worker needs to train it; the trial never meets the test set."""
        return replace(make_task(self.trial, self.recipe, self.spec, self.data, "validation"), keep_model=True)

    def features_task(self, model: bytes) -> FeaturesTask:
        """Return what a worker needs to compute its features, given the trained model's `.keras` file."""
        return FeaturesTask(
            name=self.features_name,
            home=self.data.folder.parent,
            base=model,
            data=self.data,
            data_spec=self.spec.study.data,
            training=self.recipe.training,
            layer=self.declared.layer,
        )

    def under_heads(self, model: bytes) -> FrozenBase:
        """Return what a head is saved with, given the trained model's `.keras` file."""
        return FrozenBase(
            model=model,
            layer=self.declared.layer,
            dataset=self.data.folder.name,
            stored=self.data.input_shape,
            dtype=str(self.staged.images.x_train.dtype),
            seen=self.input_shape,
            pixels=self.spec.study.data.range,
        )


def find_base(spec: RunSpec) -> Base | None:
    """Return the base of a search, with every split tried, its own and those of the heads; None if it has none.

    Raises:
        InputError: there is no such model, or the data cannot be used or split so.
    """
    study = spec.study
    if study.base is None:
        return None
    declared, of_heads = study.base, study.data.validation
    assert of_heads is not None
    data_spec = study.data.model_copy(update={"validation": declared.validation(of_heads)})
    with said_of_the_base():
        staged = stage(spec.dataset, Path(spec.runs_dir), data_spec=data_spec)
        recipe = Recipe(declared.model, source_digest(declared.model), declared.fixed, declared.training)
    held = _divided(staged, data_spec, study.data)
    engine = engine_version(spec.backend)
    key = trial_key(recipe, study.first_seed, data_spec, staged.data.digest, engine, None, "validation")
    trial = PlannedTrial(key=key, arm=ARM, setting=declared.fixed, seed=study.first_seed)
    own = spec.model_copy(update={"study": study.model_copy(update={"data": data_spec})})
    return Base(own, staged, held, recipe, trial)


def _divided(staged: Staged, of_base: DataSpec, of_heads: DataSpec) -> Held:
    """Return how the training set is divided between base and heads, having tried every split of the heads' part."""
    images = staged.images
    assert of_base.validation is not None and of_heads.validation is not None
    held = split(images.y_train, of_base.validation, None, images.track_train, images.class_names)
    labels = images.y_train[held.validation]
    tracks = None if images.track_train is None else images.track_train[held.validation]
    folds = of_heads.validation.folds
    for fold in [None] if folds is None else range(folds):
        split(labels, of_heads.validation, fold, tracks, images.class_names)
    return held


@contextmanager
def said_of_the_base() -> Iterator[None]:
    """Name the base's own fields in errors of what also judges the fields of a study."""
    try:
        yield
    except InputError as error:
        text = str(error)
        for field, own in _OWN_FIELDS.items():
            text = text.replace(field, own)
        raise InputError(text) from None
