"""A study's report: everything in `runs/STUDY/report/`, drawn from the records and then written."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from studies.errors import InputError

if TYPE_CHECKING:
    from tracking.manifest import StudyManifest
    from tracking.search_views import SearchViews
    from tracking.summary import StudySummary
    from tracking.tables import Table

_LOCK_SECONDS = 60.0
"""How long a report waits for another process that writes it."""


@dataclass(frozen=True)
class ReportFiles:
    """A written report."""

    folder: Path
    report: Path
    """The Markdown page."""
    html: Path
    """The page to look at, in one file."""
    means: Path
    comparisons: Path
    trials: Path
    tex: Path
    """The tables for a paper."""
    curves: Path
    first_trials: Path
    points: Path
    summary: "StudySummary"
    """What the report says."""


class NothingFinishedError(InputError):
    """A study has no trial to report yet."""


class NotConfirmedError(InputError):
    """A search has no confirmation to report yet; what it has found so far is written."""


def write_report(folder: Path, running: bool | None = None) -> ReportFiles:
    """Write `folder`/report from the manifest and the records in `folder` (`runs/STUDY`), each file atomically.

    Args:
        folder: of the study.
        running: whether its trials are being trained, which the page says; None to look who holds the study.

    Raises:
        NotConfirmedError: the study is a search, and none of its confirming trials is finished.
        NothingFinishedError: none of its trials is finished.
        InputError: the study has not run, or the report cannot be written.
    """
    from tracking.coordinator import coordinator
    from tracking.manifest import read_manifest
    from tracking.record import RecordStore
    from tracking.summary import summarize

    manifest = read_manifest(folder.parent, folder.name)
    if running is None:
        running = coordinator(folder) is not None
    try:
        with _only_one(folder):
            summary = summarize(manifest, RecordStore(folder))
            written = datetime.now(UTC) if running else None
            views = _search(folder, summary, manifest, written) if manifest.search is not None else None
            if summary.done == 0:
                raise NothingFinishedError(_nothing(summary))
            return _write(folder, summary, manifest, views, written)
    except OSError as error:
        raise InputError(f"`runs_dir` must be writable for a report in {folder}. {error}") from None


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the right to write the report of the study in `folder`, cleared of what a killed writer left half done."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(folder / "report.lock", timeout=_LOCK_SECONDS):
            for draft in (folder / "report").glob(".*"):
                draft.unlink(missing_ok=True)
            yield
    except Timeout:
        raise InputError(f"The report in {folder} has been written by another process for a minute.") from None


def _nothing(summary: "StudySummary") -> str:
    """Return that there is nothing to report, and the first reason if there is one."""
    failed = [row for arm in summary.arms for row in arm.trials if row.state in ("failed", "damaged")]
    reason = (
        f" {len(failed)} failed, the first ({failed[0].arm}, seed {failed[0].seed}): {failed[0].reason}."
        if failed
        else ""
    )
    return f"No trial of study {summary.study.name!r} is finished yet, of {summary.planned} planned.{reason}"


def _for_paper(summary: "StudySummary") -> "list[Table]":
    """Return the tables that a paper would have."""
    from tracking import tables
    from tracking.factorial_report import effects_table

    asked = [effects_table(summary.effects, summary.design, summary.scale)] if summary.effects else []
    asked += [tables.pairs(summary)] if summary.pairs else []
    primary = tables.details(summary, summary.study.metric)
    return [tables.overview(summary), primary, tables.comparisons(summary), tables.tests(summary), *asked]


def _search(home: Path, summary: "StudySummary", manifest: "StudyManifest", written: datetime | None) -> "SearchViews":
    """Write what the search found.

    Raises:
        NotConfirmedError: there is nothing else to write; the page then shows the search alone.
    """
    from tracking import atomic
    from tracking.html.page import search_page
    from tracking.record import RecordStore
    from tracking.search_page import write_search
    from tracking.search_tables import sentence
    from tracking.search_views import SearchViews
    from tracking.searched import read_searched

    assert manifest.search is not None
    folder = home / "report"
    views = SearchViews(read_searched(manifest.search, RecordStore(home)), manifest.search.space)
    write_search(folder, views, summary if summary.done else None)
    if summary.done == 0:
        page = folder / "report.html"
        atomic.write_text(page, search_page(manifest, views, written))
        raise NotConfirmedError(f"Not confirmed yet. {sentence(views.searched)}\nReport: {page}")
    return views


def _write(
    home: Path,
    summary: "StudySummary",
    manifest: "StudyManifest",
    views: "SearchViews | None",
    written: datetime | None,
) -> ReportFiles:
    """Draw everything, then write it, so that what fails to be drawn leaves the last report as it is."""
    from tracking import atomic, figures, latex, render
    from tracking.dataset_pictures import dataset_pictures
    from tracking.html.page import html_page
    from tracking.page import page

    folder = home / "report"
    files = ReportFiles(
        folder=folder,
        report=folder / "report.md",
        html=folder / "report.html",
        means=folder / "means.csv",
        comparisons=folder / "comparisons.csv",
        trials=folder / "trials.csv",
        tex=folder / "tables.tex",
        curves=folder / "curves.png",
        first_trials=folder / "first_trials.png",
        points=folder / "points.png",
        summary=summary,
    )
    pictures = dataset_pictures(home, manifest, summary)
    drawn = {
        files.curves: figures.curves(summary),
        files.first_trials: figures.first_trials(summary),
        files.points: figures.points(summary),
    }
    texts = {
        files.means: render.means_csv(summary),
        files.comparisons: render.comparisons_csv(summary),
        files.trials: render.trials_csv(summary),
        **({folder / "effects.csv": render.effects_csv(summary)} if summary.effects else {}),
        files.tex: latex.document_tables(_for_paper(summary)),
        files.html: html_page(home, manifest, summary, views, written),
        files.report: page(summary, manifest, views, pictures),  # Last, since it points to the rest.
    }
    pictures.write(folder)
    for path, picture in drawn.items():
        atomic.write_bytes(path, picture)
    for path, text in texts.items():
        atomic.write_text(path, text)
    return files
