"""What a trained trial leaves; free of TensorFlow, so that whoever receives it need not import it."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from tracking.record import Cost
from tracking.saved_model import TensorCard


@dataclass(frozen=True)
class ServedModel:
    """A trained model for its users (see `search.train.serving`)."""

    content: bytes
    """Of a `.keras` file, with the preprocessing inside."""
    inputs: TensorCard
    outputs: TensorCard
    needs: tuple[str, ...]
    """Modules, besides Keras, that have to be imported before it is loaded."""
    dataset: str = ""
    """Folder of the prepared data whose examples it takes. Empty: those that it was trained on."""


@dataclass(frozen=True)
class TrialResult:
    """What one trained trial leaves."""

    seed: int
    metrics: dict[str, float]
    """Final metrics in inference mode on the whole of each part, named as in `history`."""
    history: dict[str, np.ndarray]
    """Metric to (epochs,) float64, for the epochs that were trained: `train_*` are running means over the epoch,
    `validation_*` and `test_*`, as far as they are measured, are of its end. Targets have a loss only."""
    predicted: np.ndarray
    """(n,) for each example of the part that scores the trial: int32, its class; float32, where labels are targets."""
    correct: np.ndarray | None
    """(n,) bool; None where labels are targets."""
    cost: Cost
    started: datetime
    model: bytes | None = None
    """The trained model as the content of a `.keras` file (see `search.train.saving`), if it was asked for."""


class NotFiniteError(ArithmeticError):
    """A loss that became NaN or infinite."""


class TrialPrunedError(Exception):
    """A trial that ended early because its coordinator asked it to; args are the three below."""

    @property
    def history(self) -> dict[str, np.ndarray]:
        """Metric to (epochs,) float64, up to where it ended."""
        history: dict[str, np.ndarray] = self.args[0]
        return history

    @property
    def cost(self) -> Cost:
        """What it took until then."""
        cost: Cost = self.args[1]
        return cost

    @property
    def started(self) -> datetime:
        """When it began."""
        started: datetime = self.args[2]
        return started

    def __str__(self) -> str:
        return f"pruned after {len(next(iter(self.history.values())))} epochs"
