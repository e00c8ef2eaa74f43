"""What a search found, as Markdown beside the report: `runs/STUDY/report/search.md`."""

from pathlib import Path
from typing import TYPE_CHECKING

from tracking import atomic

if TYPE_CHECKING:
    from tracking.searched import Searched
    from tracking.summary import StudySummary

FILE_NAME = "search.md"
_ALL = 10_000
"""Settings that are listed on paper."""


def write_search(folder: Path, searched: "Searched", summary: "StudySummary | None") -> Path:
    """Write what the search has found so far; return the page.

    Args:
        folder: of the report.
        searched: the choosing phase.
        summary: its confirmation, once it has begun.
    """
    from tracking import search_tables
    from tracking.render import escaped, markdown

    study = searched.study
    assert study.search is not None
    parts = [
        f"# {escaped(study.name)}: the search",
        escaped(study.question),
        f"Sampler {study.search.sampler}, seed {study.search.seed}, pruner {study.search.pruner}. "
        "Settings are chosen by their score on the validation part; the test set takes no part in it. "
        + search_tables.sentence(searched),
        markdown(search_tables.settings(searched, _ALL)),
    ]
    if summary is not None and summary.done:
        parts += ["## On fresh seeds", markdown(search_tables.shrinkage(searched, summary))]
        parts.append("The tests of the confirmed settings against the control are in [the report](report.md).")
    page = folder / FILE_NAME
    atomic.write_text(page, "\n\n".join(parts) + "\n")
    return page
