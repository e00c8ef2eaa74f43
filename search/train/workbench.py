"""What a worker keeps for its next trial: a dataset on the device, and the programs of recent settings."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

from search.data.prepared import PreparedData
from search.train.batches import Split, on_device
from search.train.inputs import held_out
from search.train.parts import Parts
from search.train.program import Program
from studies.data import DataSpec

_PROGRAMS_KEPT = 4
"""Traced settings that are kept; each holds a graph, its weights and its optimizer's state."""


class Workbench:
    """The leftovers of earlier trials in this process."""

    def __init__(self) -> None:
        self._programs: OrderedDict[str, Program] = OrderedDict()
        self._digest = ""
        self._train: Split | None = None
        self._test: Split | None = None

    def program(self, name: str, build: Callable[[], Program]) -> Program:
        """Return the program that was built under `name`, or build it."""
        program = self._programs.pop(name, None) or build()
        self._programs[name] = program
        while len(self._programs) > _PROGRAMS_KEPT:
            self._programs.popitem(last=False)
        return program

    def forget_programs(self) -> None:
        """Drop all programs: what broke may have left a half-traced graph or most of the memory behind."""
        self._programs.clear()

    def parts(
        self, data: PreparedData, data_spec: DataSpec, fold: int | None, scored_on: Literal["test", "validation"]
    ) -> Parts:
        """Return what a trial meets of `data`, on the device; the test set only if it is scored on it.

        Raises:
            InputError: the split cannot be made.
        """
        if data.digest != self._digest:
            self._digest, self._train, self._test = data.digest, None, None
        if self._train is None:
            images = data.open()
            self._train = on_device(images.x_train, images.y_train)
        if scored_on == "test" and self._test is None:
            images = data.open()
            self._test = on_device(images.x_test, images.y_test)
        test = self._test if scored_on == "test" else None
        held = held_out(data, data_spec, fold)
        if held is None:
            return Parts(self._train, None, test)
        return Parts(self._train.part(held.train), self._train.part(held.validation), test)
