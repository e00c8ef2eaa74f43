"""A worker on JAX, for what fused trials run."""

from collections.abc import Iterator

import fused_trials
import pytest

from search.executors import LocalExecutor


@pytest.fixture(scope="module")
def worker() -> Iterator[LocalExecutor]:
    """Yield one process whose Keras is on JAX."""
    made = LocalExecutor(1, 100, fused_trials.start, lambda _: None)
    yield made
    made.shutdown(cancel_futures=True)
