"""A `Table` as HTML: numbers right-aligned, sortable where JavaScript runs, and never wider than its own scroll."""

from collections.abc import Sequence

from tracking.html.markup import Html, joined, tag
from tracking.tables import Table

SHORT = 12
"""Tables of so few rows are kept on one page of paper."""


def grid(table: Table, *, caption: bool = True, sortable: bool = True) -> Html:
    """Return `table` in a frame that scrolls sideways where the page is narrower."""
    words = [table.is_text(column) for column in range(len(table.headings))]
    headings = zip(table.headings, words, strict=True)
    head = tag("tr", *(tag("th", text, scope="col", class_=_class(word)) for text, word in headings))
    rows = [_row(row, words) for row in table.rows]
    parts = [tag("thead", head), tag("tbody", joined(rows, "\n"))]
    if caption:
        parts.insert(0, tag("caption", table.title))
    body = tag("table", *parts, class_="sortable" if sortable and len(rows) > 1 else None)
    return tag("div", body, class_="scroll short" if len(rows) <= SHORT else "scroll")


def folded(summary: str, *content: str, is_open: bool = False, aside: bool = False) -> Html:
    """Return content that the reader unfolds; it opens by itself on paper, unless it is an aside of many pages."""
    opened = "" if is_open else None
    return tag("details", tag("summary", summary), *content, open=opened, class_="aside" if aside else None)


def paragraph(text: str, class_: str | None = None) -> Html:
    """Return one paragraph."""
    return tag("p", text, class_=class_)


def bullets(items: Sequence[str], class_: str | None = None) -> Html:
    """Return a list; nothing for no items."""
    return tag("ul", *(tag("li", item) for item in items), class_=class_) if items else Html("")


def section(name: str, title: str, *content: str) -> Html:
    """Return a part of the page, which `#name` leads to."""
    return tag("section", tag("h2", title), "\n", joined(content, "\n"), id=name)


def figure(*content: str, note: str = "") -> Html:
    """Return drawings with what there is to know to read them."""
    return tag("figure", *content, tag("figcaption", note) if note else "")


def _row(row: tuple[str, ...], words: list[bool]) -> Html:
    first = tag("th", row[0], scope="row")
    cells = [tag("td", cell, class_=_class(word)) for cell, word in zip(row[1:], words[1:], strict=True)]
    return tag("tr", first, *cells)


def _class(word: bool) -> str | None:
    return None if word else "n"
