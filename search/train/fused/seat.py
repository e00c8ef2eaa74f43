"""A member of a group, and its place in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from search.train.checkpoint import Checkpoint, Snapshot
from search.train.fused.recipe import Recipe
from search.train.result import NotFiniteError, TrialPrunedError, TrialResult
from search.train.stopping import EarlyStopping

OnEpoch = Callable[[int, Mapping[str, float]], bool]
"""As `search.train.engine.OnEpoch`."""
End = TrialResult | TrialPrunedError | NotFiniteError
"""How a member can leave."""


@dataclass(frozen=True)
class Member:
    """One trial of a group."""

    recipe: Recipe
    """With its model freshly built from its seed."""
    seed: int
    on_epoch: OnEpoch
    """Told after each epoch; a few epochs late, unless `watched`."""
    watched: bool = False
    """Whether the group must listen to `on_epoch` after every epoch."""
    keep_model: bool = False
    """Whether the recipe's model is to have the trained weights in the end."""
    checkpoint: Checkpoint | None = None
    """Where it leaves its state now and then."""
    resumed: Snapshot | None = None
    """Where it goes on from; all members of a group have done as many epochs."""


@dataclass
class Seat:
    """A member on its way."""

    number: int
    member: Member
    history: dict[str, list[float]] = field(default_factory=dict)
    fresh: int = 0
    """Epochs of the last call."""
    seconds: float = 0.0
    """Its share of the time that the group has taken."""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    stopping: EarlyStopping | None = None

    @property
    def epochs(self) -> int:
        """How many are done."""
        return len(next(iter(self.history.values()), ()))

    def resume(self) -> None:
        """Have done what was done before."""
        snapshot = self.member.resumed
        if snapshot is None:
            return
        self.history = {name: list(values) for name, values in snapshot.history.items()}
        self.seconds, self.started = snapshot.seconds, snapshot.started
        if self.stopping is not None and snapshot.stopping is not None:
            self.stopping.go_on(snapshot.stopping)

    @property
    def is_over(self) -> bool:
        """Whether its last epoch was the last of all, or it is to stop early."""
        if self.stopping is not None:
            values = {name: values[-1] for name, values in self.history.items()}
            if self.stopping.is_over(values):
                return True
        return self.epochs >= self.member.recipe.training.epochs

    @property
    def curves(self) -> dict[str, np.ndarray]:
        """Metric to its value in each epoch."""
        return {name: np.array(values) for name, values in self.history.items()}
