"""What a search found, in Markdown: a section of the report, and a page of its own beside it with every setting."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tracking import atomic, search_tables
from tracking.render import escaped, markdown
from tracking.search_views import VIEWS, View
from tracking.search_words import SHRINKAGE, UNCONFIRMED, captions, method

if TYPE_CHECKING:
    from tracking.search_views import SearchViews
    from tracking.summary import StudySummary

FILE_NAME = "search.md"
_ALL = 10_000
"""Settings that are listed on paper."""


def picture(view: View) -> str:
    """Return the name of a view's file."""
    return f"search_{view}.png"


def write_search(folder: Path, views: "SearchViews", summary: "StudySummary | None") -> Path:
    """Write what the search has found so far, and its pictures; return the page.

    Args:
        folder: of the report.
        views: of the choosing phase.
        summary: its confirmation, once one of its trials is finished.
    """
    from tracking.search_figures import DRAWINGS

    study = views.searched.study
    for view, draw in DRAWINGS.items():
        if view in views.drawn:
            atomic.write_bytes(folder / picture(view), draw(views))
        else:
            (folder / picture(view)).unlink(missing_ok=True)  # One of an earlier space would be believed.
    parts = [f"# {escaped(study.name)}: the search", escaped(study.question), *_blocks(views, summary, _ALL)]
    if summary is not None:
        parts.append("The tests of the confirmed settings against the control are in [the report](report.md).")
    page = folder / FILE_NAME
    atomic.write_text(page, "\n\n".join(parts) + "\n")
    return page


def search_section(views: "SearchViews", summary: "StudySummary") -> Iterator[str]:
    """Yield the blocks of the report's section."""
    yield "## The search"
    yield from _blocks(views, summary, search_tables.SHOWN)
    yield f"Every setting is in [{FILE_NAME}]({FILE_NAME})."


def _blocks(views: "SearchViews", summary: "StudySummary | None", most: int) -> Iterator[str]:
    searched = views.searched
    if summary is None:
        yield UNCONFIRMED
    yield escaped(f"{method(searched)} {search_tables.sentence(searched)}")
    if summary is not None:
        table = search_tables.shrinkage(searched, summary)
        yield f"### {escaped(table.title)}"
        yield markdown(table)
        yield SHRINKAGE
    for table in (search_tables.space(views.space), search_tables.ranking(searched, views.space, most)):
        yield f"### {escaped(table.title)}"
        yield markdown(table)
    said = captions(views)
    for view in views.drawn:
        yield f"![{VIEWS[view]}]({picture(view)})"
        yield escaped(said[view])
    if views.left_out:
        yield "\n".join(f"- {escaped(line)}" for line in views.left_out)
