"""Which colour and dash an arm has on the page; the colours themselves are in `report.css`, one set per theme."""

from collections.abc import Iterable

from tracking.html.markup import Html, tag

TREATMENT_COLOURS = 6
"""Okabe and Ito's colours, which colour-blind readers can tell apart; black, or white, is the control's."""
DASHES = (None, "6 3", "2 2", "8 3 2 3")
"""Beyond six treatments the dash tells them apart."""


class Palette:
    """The looks of the arms, by their order in the study."""

    def __init__(self, arms: Iterable[str], control: str) -> None:
        self._places = {name: place for place, name in enumerate(arm for arm in arms if arm != control)}

    def colour(self, arm: str) -> str:
        """Return the class that sets `currentColor`."""
        place = self._places.get(arm)
        return "a0" if place is None else f"a{place % TREATMENT_COLOURS + 1}"

    def dash(self, arm: str) -> str | None:
        """Return the dash pattern of the arm's lines, None for a solid one."""
        return DASHES[self._places.get(arm, 0) // TREATMENT_COLOURS % len(DASHES)]

    def swatch(self, arm: str) -> Html:
        """Return a piece of the arm's line, for a legend."""
        line = tag(
            "line", x1=1, x2=23, y1=5, y2=5, stroke="currentColor", stroke_width=2.5, stroke_dasharray=self.dash(arm)
        )
        return tag(
            "svg",
            line,
            viewBox="0 0 24 10",
            width=24,
            height=10,
            class_=f"swatch {self.colour(arm)}",
            aria_hidden="true",
        )
