"""A brief on a terminal, however narrow."""

from typing import TYPE_CHECKING, Literal

from tracking.brief_page import DETECTABLE, headline, offers, problems, tables
from tracking.tables import Table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

    from tracking.news import Brief

PROSE = ("state", "before", "now", "reason", "seeds")
"""Headings of the columns that wrap before any other."""


def print_brief(brief: "Brief", console: "Console") -> None:
    """Print the brief, its tables as wide as the terminal allows."""
    from rich.text import Text

    console.print(Text(headline(brief), style="bold"))
    for problem in problems(brief):
        console.print(Text(problem, style="red"))
    for table in tables(brief):
        console.print()
        console.print(_drawn(_grouped(table), console.width))
    if found := offers(brief):
        console.print(Text(DETECTABLE, style="dim"))
        for cost, command in found:
            console.print()
            console.print(Text(cost))
            console.print(Text(f"  {command}"), soft_wrap=True)  # Whole, so that it can be copied.


def _grouped(table: Table) -> Table:
    """Return a table of arms with each study's name in a line of its own, which saves a column."""
    if table.headings[:2] != ("study", "arm"):
        return table
    rows: list[tuple[str, ...]] = []
    study = ""
    for name, arm, *cells in table.rows:
        if name != study:
            rows.append((name, *("" for _ in cells)))
        rows.append((f"  {arm}", *cells))
        study = name
    return Table(table.title, table.headings[1:], tuple(rows), table.names - 1)


def _drawn(table: Table, available: int) -> "RichTable":
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    drawn.title, drawn.title_justify = Text(table.title, style="bold"), "left"
    widths = _widths(table, available - 2 * len(table.headings))
    for column, (heading, width) in enumerate(zip(table.headings, widths, strict=True)):
        justify: Literal["left", "right"] = "left" if column < table.names else "right"
        drawn.add_column(Text(heading), justify=justify, width=width, overflow="fold")
    for row in table.rows:
        drawn.add_row(*map(Text, row))
    return drawn


def _widths(table: Table, available: int) -> list[int | None]:
    """Return the width of each column: prose gives way first, down to its longest word, then the first column does.

    None leaves it to Rich, where there is too little room for the numbers alone.
    """
    columns = list(zip(table.headings, *table.rows, strict=True))
    whole = [max(map(len, cells)) for cells in columns]
    words = [[word for cell in cells for word in cell.split()] for cells in columns]
    least = [
        max(map(len, words[number])) if cells[0] in PROSE else max(map(len, (*cells[0].split(), *cells[1:])))
        for number, cells in enumerate(columns)
    ]
    room = available - sum(least)
    if room < 0:
        first = least[0] + room
        return [first, *least[1:]] if first >= 12 else [None] * len(whole)
    widths: list[int | None] = []
    for width, tight in zip(whole, least, strict=True):
        widths.append(tight + min(room, width - tight))
        room -= min(room, width - tight)
    return widths
