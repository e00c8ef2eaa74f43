"""Early stopping: when training no longer improves, and the weights it was best with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from studies.training import EarlyStoppingSpec


@dataclass(frozen=True)
class StoppingState:
    """What `EarlyStopping` remembers between two epochs."""

    best: float
    """The best value so far, negative where less is better."""
    waited: int
    """Epochs since then."""
    weights: Sequence[Any] | None
    """Of the best epoch; None where they are not asked for."""


class EarlyStopping:
    """Watches one trial; the rules are those of `keras.callbacks.EarlyStopping`."""

    def __init__(self, spec: EarlyStoppingSpec, model: Any) -> None:
        self._spec = spec
        self._model = model
        self._best = -np.inf
        self._waited = 0
        self._weights: Sequence[Any] | None = None

    @property
    def state(self) -> StoppingState:
        """What a later `EarlyStopping` needs to go on."""
        return StoppingState(self._best, self._waited, self._weights)

    def go_on(self, state: StoppingState) -> None:
        """Continue where another one was."""
        self._best, self._waited, self._weights = state.best, state.waited, state.weights

    def moved_to(self, model: Any) -> None:
        """Go on with `model`, which has the weights now."""
        self._model = model

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
