"""The parts of a dataset that one trial meets."""

from collections.abc import Iterator
from dataclasses import dataclass

from search.train.batches import Split


@dataclass(frozen=True)
class Parts:
    """What a trial trains on, and what it is measured on."""

    train: Split
    validation: Split | None = None
    """None: nothing is held out."""
    test: Split | None = None
    """None: the trial may not see it."""

    def measured(self) -> Iterator[tuple[str, Split]]:
        """Yield name and part of what is measured after each epoch."""
        if self.validation is not None:
            yield "validation", self.validation
        if self.test is not None:
            yield "test", self.test

    @property
    def scored(self) -> tuple[str, Split]:
        """Name and part whose examples are judged one by one: the test set, or else the validation part.

        Raises:
            ValueError: there is neither.
        """
        measured = list(self.measured())
        if not measured:
            raise ValueError("A trial must be measured on a validation part or on a test set. Received: neither.")
        return measured[-1]
