"""The search behind a study: what was varied, what each setting scored, and what became of the best on fresh seeds."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tracking import search_tables
from tracking.html.grid import bullets, figure, folded, grid, paragraph, section
from tracking.html.markup import Html, joined, tag
from tracking.html.search_charts import WIDE, WIDTH, history, importances, parallel, slices
from tracking.search_views import VIEWS, View
from tracking.search_words import SHRINKAGE, captions, method

if TYPE_CHECKING:
    from tracking.search_views import SearchViews
    from tracking.summary import StudySummary

LISTED = 1000
"""Settings of which the page has a row; `search.md` beside it has all."""


def search(views: "SearchViews", summary: "StudySummary | None") -> Html:
    """Return the section; without a confirmation, what the search has found so far."""
    searched, space = views.searched, views.space
    parts = [paragraph(method(searched)), paragraph(search_tables.sentence(searched))]
    if summary is not None:
        parts.append(grid(search_tables.shrinkage(searched, summary)))
        parts.append(paragraph(SHRINKAGE, "soft"))
    parts.append(grid(search_tables.space(space), sortable=False))
    parts.append(grid(search_tables.ranking(searched, space)))
    if len(searched.rows) > search_tables.SHOWN:
        every = grid(search_tables.ranking(searched, space, LISTED))
        count = len(searched.rows)
        said = f"All {count:,} settings" if count <= LISTED else f"The best {LISTED:,} of {count:,} settings"
        parts.append(folded(said, every, aside=True))
    return section("search", "The search", *parts, *_views(views))


def _views(views: "SearchViews") -> list[Html]:
    """Return the views that can be drawn, and a line for each that cannot."""
    said = captions(views)
    draw: dict[View, Callable[[], Html]] = {
        "history": lambda: joined([history(views, WIDE), history(views, WIDTH)]),
        "importances": lambda: importances(views),
        "slices": lambda: tag("div", *slices(views), class_="panels"),
        "parallel": lambda: tag("div", parallel(views), class_="scroll"),
    }
    drawn = [figure(tag("h3", VIEWS[view]), draw[view](), note=said[view]) for view in views.drawn]
    return [*drawn, bullets(views.left_out, "notes")]
