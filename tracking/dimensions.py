"""Where the values of a search's parameters lie in a drawing: each on a line from 0 to 1, with its own ticks."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tracking.html.axes import Axis, tick_label
from tracking.labels import shortened

if TYPE_CHECKING:
    from studies.spec import Scalar
    from tracking.proposals import Parameter
    from tracking.search_views import Mark

ABSENT = -0.09
"""Where the line of a setting passes a parameter that it does not have."""
_MARGIN = 0.04
_MOST_CHOICES = 12
_LONGEST = 18


@dataclass(frozen=True)
class Dimension:
    """One parameter: a line from 0 to 1."""

    parameter: "Parameter"

    @property
    def name(self) -> str:
        """The parameter's name."""
        return self.parameter.name

    @property
    def heading(self) -> str:
        """The name, and whether the line is logarithmic."""
        return f"{self.name} (log)" if self.parameter.log else self.name

    def place(self, values: "Mapping[str, Scalar]") -> float | None:
        """Return where a setting with `values` lies, or None if it does not have this parameter."""
        value = values.get(self.name)
        if value is None:
            return None
        if self.parameter.choices:
            names = [repr(choice) for choice in self.parameter.choices]  # True is not 1 here.
            return (names.index(repr(value)) + 0.5) / len(names) if repr(value) in names else None
        return self._axis().clipped(float(value))

    def ticks(self, count: int) -> list[tuple[float, str]]:
        """Return about `count` positions with their labels; of choices all, unless they are many."""
        choices = self.parameter.choices
        if choices:
            step = math.ceil(len(choices) / _MOST_CHOICES)
            named = [((place + 0.5) / len(choices), _text(choice)) for place, choice in enumerate(choices)]
            return named[::step]
        axis = self._axis()
        values = axis.ticks(count)
        return [(axis.at(value), f"{value:g}" if axis.log else tick_label(value, values)) for value in values]

    def having(self, marks: "Sequence[Mark]") -> "list[tuple[Mark, float]]":
        """Return the settings that have this parameter, and where they lie; of one choice side by side."""
        placed = [(mark, self.place(mark.row.values)) for mark in marks]
        return [(mark, place + self._aside(mark.number, 0.6)) for mark, place in placed if place is not None]

    def passed(self, values: "Mapping[str, Scalar]", number: int) -> float:
        """Return where the line of setting `number` passes: close together for one choice."""
        place = self.place(values)
        return ABSENT if place is None else place + self._aside(number, 0.25)

    def _aside(self, number: int, room: float) -> float:
        """Return how far a setting is moved, so that those with the same choice do not hide each other."""
        if not self.parameter.choices:
            return 0.0
        golden = (number * 0.6180339887) % 1.0  # Neighbours in number come to lie far apart.
        return (golden - 0.5) * room / len(self.parameter.choices)

    def _axis(self) -> Axis:
        low, high = float(self.parameter.low or 0), float(self.parameter.high or 0)
        return Axis(low, high, _MARGIN, 1 - _MARGIN, self.parameter.log)


def _text(choice: "Scalar") -> str:
    said = str(choice).lower() if isinstance(choice, bool) else f"{choice:g}" if _is_float(choice) else str(choice)
    return shortened(said, _LONGEST)


def _is_float(choice: "Scalar") -> bool:
    return isinstance(choice, float)
