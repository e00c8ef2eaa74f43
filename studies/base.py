"""The base of a search over heads: a network that is trained once, and whose features the heads are trained on."""

from pydantic import Field, StrictFloat, field_validator

from studies.data import ValidationSpec
from studies.declaration import Declaration, Setting
from studies.training import TrainingSpec


class BaseSpec(Declaration):
    """A network that is trained once on a part of the training set and then frozen; `study.model` is the head."""

    model: str = Field(min_length=1)
    """Its model, named like `study.model`; trained as a whole, with the head that it has itself."""
    fixed: Setting = Field(default={})
    """Its hyperparameter values; the model's defaults stand for the others. Nothing of it is searched."""
    training: TrainingSpec
    """Its own training budget."""
    held_out: StrictFloat = Field(default=0.5, gt=0, lt=1)
    """Share of the training set that the base never meets: heads are searched on it, and confirmed."""
    layer: str | None = None
    """Whose output the features are. Null: its last Flatten or global pooling."""

    @field_validator("training")
    @classmethod
    def _stops_at_no_epoch_of_choice(cls, training: TrainingSpec) -> TrainingSpec:
        if training.early_stopping is not None:
            raise ValueError(
                "`study.base.training.early_stopping` must be null: it would choose an epoch by the images that heads "
                f"are searched on. Received: patience={training.early_stopping.patience}."
            )
        return training

    def validation(self, of_heads: ValidationSpec) -> ValidationSpec:
        """Return what the base holds out: `held_out`, with the seed of the heads' split, and by track if they are."""
        return ValidationSpec(fraction=self.held_out, group=of_heads.group, seed=of_heads.seed)
