"""Early stopping: when training no longer improves, and the weights it was best with."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from studies.training import EarlyStoppingSpec


class EarlyStopping:
    """Watches one trial; the rules are those of `keras.callbacks.EarlyStopping`."""

    def __init__(self, spec: EarlyStoppingSpec, model: Any) -> None:
        self._spec = spec
        self._model = model
        self._best = -np.inf
        self._waited = 0
        self._weights: list[np.ndarray] | None = None

    def is_over(self, values: Mapping[str, float]) -> bool:
        """Take in the metrics of an epoch; return whether it was the last."""
        value = values[self._spec.metric]
        gain = value if self._spec.metric.endswith("accuracy") else -value
        if gain - self._spec.min_delta > self._best:
            self._best, self._waited = gain, 0
            if self._spec.restore_best:
                self._weights = self._model.get_weights()
            return False
        self._waited += 1
        return self._waited >= self._spec.patience

    def restore(self) -> bool:
        """Put the weights of the best epoch back; return whether they may differ from what the model has now."""
        if self._weights is None or self._waited == 0:
            return False
        self._model.set_weights(self._weights)
        return True
