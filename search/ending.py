"""What a run shows when it ends, beside its tables."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from tracking.record import RecordStore
    from tracking.summary import StudySummary


def show_shrinkage(summary: "StudySummary", store: "RecordStore", console: "Console") -> None:
    """Of a search, show what became of the scores that were chosen."""
    from tracking import search_tables
    from tracking.manifest import read_manifest
    from tracking.render import print_tables
    from tracking.searched import read_searched

    search = read_manifest(store.folder.parent, store.folder.name).search
    if search is None:
        return
    searched = read_searched(search, store)
    said = [search_tables.sentence(searched)]
    print_tables("The search", [search_tables.shrinkage(searched, summary)], said, console)
    console.print(f"Search:  {store.folder / 'report' / 'search.md'}", highlight=False, markup=False, soft_wrap=True)


def models_shown(store: "RecordStore") -> Iterator[str]:
    """Yield lines that say which trained models are kept, and where."""
    from tracking.manifest import read_manifest
    from tracking.shown_models import model_lines

    manifest = read_manifest(store.folder.parent, store.folder.name)
    for number, line in enumerate(model_lines(manifest, store)):
        yield line if number else f"Models:  {line}"
