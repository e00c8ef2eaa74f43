"""What a trained trial leaves; free of TensorFlow, so that whoever receives it need not import it."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from tracking.record import Cost


@dataclass(frozen=True)
class TrialResult:
    """What one trained trial leaves."""

    seed: int
    metrics: dict[str, float]
    """Final train and test accuracy and loss in inference mode on the whole sets."""
    history: dict[str, np.ndarray]
    """Metric to (epochs,) float64: train metrics are running means over the epoch, test metrics are of its end."""
    predicted: np.ndarray
    """(n_test,) int32."""
    correct: np.ndarray
    """(n_test,) bool."""
    cost: Cost
    started: datetime
