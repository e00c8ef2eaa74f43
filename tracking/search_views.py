"""What is drawn of a search: its settings with scores and places, what each parameter decides, what is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from tracking.dimensions import Dimension
from tracking.html.axes import Axis, tick_label
from tracking.scale import Scale, scale
from tracking.search_tables import said_of
from tracking.searched import Searched, SettingRow

if TYPE_CHECKING:
    from tracking.proposals import Parameter

View = Literal["history", "importances", "slices", "parallel"]
VIEWS: dict[View, str] = {
    "history": "Optimisation history",
    "importances": "Parameter importances",
    "slices": "Slices",
    "parallel": "Parallel coordinates",
}
MOST_SETTINGS, MOST_SLICES, MOST_AXES = 600, 12, 10
"""More are not drawn: nobody could tell them apart, and a page would grow beyond what is sent by mail."""


@dataclass(frozen=True)
class Mark:
    """One setting in the views."""

    row: SettingRow
    number: int
    """Its place in the order of asking, from 1."""
    score: float | None
    """In the unit that is shown; None for a setting that was pruned or failed."""
    leads: bool
    """Whether it is among the best tenth, or the best one of fewer than ten."""
    told: str
    """Name, score and setting, for who points at it."""


@dataclass(frozen=True)
class SearchViews:
    """The views of one search; nothing in them is computed before it is asked for."""

    searched: Searched
    space: "tuple[Parameter, ...]"

    @cached_property
    def scale(self) -> Scale:
        """How the scores are shown."""
        ranked = self.searched.ranked
        return scale(self.searched.objective, [row.score.sd for row in ranked], [row.score.mean for row in ranked])

    @cached_property
    def marks(self) -> tuple[Mark, ...]:
        """The settings that are drawn, in the order of asking: the best, and as many of the others as there is room."""
        ranked = self.searched.ranked
        others = [row for row in self.searched.rows if row.state in ("pruned", "failed")]
        scored = max(MOST_SETTINGS // 2, MOST_SETTINGS - len(others))
        rows = [*ranked[:scored], *others[: MOST_SETTINGS - min(len(ranked), scored)]]
        kept, leaders = {row.arm for row in rows}, {row.arm for row in ranked[: max(1, len(ranked) // 10)]}
        numbered = [(number, row) for number, row in enumerate(self.searched.rows, start=1) if row.arm in kept]
        return tuple(self._mark(number, row, row.arm in leaders) for number, row in numbered)

    @cached_property
    def scored(self) -> tuple[Mark, ...]:
        """Those that have a score."""
        return tuple(mark for mark in self.marks if mark.score is not None)

    @cached_property
    def unscored(self) -> tuple[Mark, ...]:
        """Those that were pruned or failed."""
        return tuple(mark for mark in self.marks if mark.score is None)

    @cached_property
    def best(self) -> tuple[tuple[int, float], ...]:
        """The best score so far wherever it got better: number of the setting, and score."""
        steps: list[tuple[int, float]] = []
        for number, row in enumerate(self.searched.rows, start=1):
            if row.state != "complete" or row.score.mean is None:
                continue
            score = row.score.mean * self.scale.factor
            if not steps or (score > steps[-1][1] if self.searched.greatest else score < steps[-1][1]):
                steps.append((number, score))
        return tuple(steps)

    @cached_property
    def limits(self) -> tuple[float, float, bool]:
        """The lowest and the highest score to be shown, with some room, and whether on a log scale, as for losses."""
        values = [mark.score for mark in self.scored if mark.score is not None]
        low, high = min(values, default=0.0), max(values, default=1.0)
        if self.searched.objective.endswith("loss") and 0 < low < high:
            room = (high / low) ** 0.06
            return low / room, high * room, True
        room = 0.06 * (high - low) or 0.01 * abs(high) or 1.0
        return low - room, high + room, False

    def axis(self, start: float, end: float) -> Axis:
        """Return the axis of the scores, from `start` to `end`."""
        low, high, log = self.limits
        return Axis(low, high, start, end, log)

    def ticks(self, count: int) -> list[tuple[float, str]]:
        """Return about `count` positions from 0 to 1 on the axis of the scores, with their labels."""
        axis = self.axis(0.0, 1.0)
        values = axis.ticks(count)
        return [(axis.at(value), f"{value:g}" if axis.log else tick_label(value, values)) for value in values]

    @cached_property
    def importances(self) -> tuple[tuple[str, float], ...]:
        """Name and share of each parameter, the greatest first; empty where shares say nothing."""
        from tracking.importances import importances

        return tuple(importances(self.searched, self.space).items()) if len(self.space) > 1 else ()

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...]:
        """The parameters, those that decide most first, and in the order of the space where that is not known."""
        shares = dict(self.importances)
        ordered = sorted(self.space, key=lambda one: -shares.get(one.name, 0.0))
        return tuple(Dimension(one) for one in ordered)

    @cached_property
    def missing(self) -> Mapping[View, str]:
        """Why a view is left out, by view."""
        count = len(self.searched.ranked)
        if count < 2:
            few = "no setting has" if count == 0 else "only one setting has"
            return dict.fromkeys(VIEWS, f"{few} a score yet")
        found: dict[View, str] = {}
        if len(self.space) < 2:
            found["importances"] = f"only {_names(self.space)} was varied, which decides everything"
            found["parallel"] = f"only {_names(self.space)} was varied, and the slice shows that"
        elif not self.importances:
            found["importances"] = "the scores of the settings do not differ enough to tell what decides them"
        return found

    @property
    def drawn(self) -> tuple[View, ...]:
        """The views that can be drawn, in their order."""
        return tuple(view for view in VIEWS if view not in self.missing)

    @property
    def left_out(self) -> tuple[str, ...]:
        """One line for each view that is left out."""
        return tuple(f"{VIEWS[view]}: left out, since {why}." for view, why in self.missing.items())

    def _mark(self, number: int, row: SettingRow, leads: bool) -> Mark:
        mean = row.score.mean if row.state == "complete" else None
        ending = row.state if mean is None else f"{self.scale.value(mean)}{self.scale.unit}"
        score = None if mean is None else mean * self.scale.factor
        return Mark(row, number, score, leads, f"{row.arm}: {ending}, {said_of(row)}")


def _names(space: "Sequence[Parameter]") -> str:
    return ", ".join(one.name for one in space) or "nothing"
