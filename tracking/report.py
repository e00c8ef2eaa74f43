"""Write a study's report from its records: `python -m tracking.report study=NAME [runs_dir=DIR]`."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studies.errors import InputError, nearest

if TYPE_CHECKING:
    from tracking.manifest import StudyManifest
    from tracking.summary import StudySummary
    from tracking.tables import Table

USAGE = """\
Write a study's report again from its records, and print its summary.

    python -m tracking.report study=NAME [runs_dir=DIR]

    study=NAME     a study that has run
    runs_dir=DIR   the folder with its records (default: runs)

The report goes to DIR/NAME/report/. Nothing is trained.
"""
ARGUMENTS = ("study", "runs_dir")


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


def write_report(folder: Path) -> ReportFiles:
    """Write `folder`/report from the manifest and the records in `folder` (`runs/STUDY`), each file atomically.

    Raises:
        InputError: the study has not run, none of its trials is finished, or the report cannot be written.
    """
    from tracking.manifest import read_manifest
    from tracking.record import RecordStore
    from tracking.search_page import write_search
    from tracking.searched import read_searched
    from tracking.summary import summarize

    manifest = read_manifest(folder.parent, folder.name)
    summary = summarize(manifest, RecordStore(folder))
    try:
        if manifest.search is not None:
            write_search(folder / "report", read_searched(manifest.search, RecordStore(folder)), summary)
        if summary.done == 0:
            raise InputError(_nothing(summary))
        return _write(folder, summary, manifest)
    except OSError as error:
        raise InputError(f"`runs_dir` must be writable for a report in {folder}. {error}") from None


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    if any(argument in ("-h", "--help") for argument in arguments):
        print(USAGE, end="")
        return 0
    try:
        given = _parsed(arguments)
        files = write_report(Path(given.get("runs_dir", "runs")) / given["study"])
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    from rich.console import Console

    from tracking.render import print_summary

    print_summary(files.summary, Console(highlight=False))
    print(f"Report: {files.html} (and {files.report})")
    return 0


def _parsed(arguments: Sequence[str]) -> dict[str, str]:
    """Return the arguments by name.

    Raises:
        InputError: one is not known, has no value, or `study` is missing.
    """
    given: dict[str, str] = {}
    for argument in arguments:
        name, _, value = argument.partition("=")
        if name not in ARGUMENTS or not value:
            expected = "`study=NAME` and `runs_dir=DIR`"
            raise InputError(f"Arguments are {expected}. Received: {argument!r}.{nearest(name, ARGUMENTS)}")
        given[name] = value
    if "study" not in given:
        raise InputError("`study=NAME` is missing. It must name a study that has run.")
    if given["study"] in (".", "..") or Path(given["study"]).name != given["study"]:
        raise InputError(f"`study` must be a study's name, not a path. Received: {given['study']!r}.")
    return given


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

    asked = [tables.pairs(summary)] if summary.pairs else []
    primary = tables.details(summary, summary.study.metric)
    return [tables.overview(summary), primary, tables.comparisons(summary), tables.tests(summary), *asked]


def _write(home: Path, summary: "StudySummary", manifest: "StudyManifest") -> ReportFiles:
    """Draw and write everything; the Markdown page goes last, since it points to the rest."""
    from tracking import atomic, figures, latex, render
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
    atomic.write_text(files.means, render.means_csv(summary))
    atomic.write_text(files.comparisons, render.comparisons_csv(summary))
    atomic.write_text(files.trials, render.trials_csv(summary))
    atomic.write_text(files.tex, latex.document_tables(_for_paper(summary)))
    atomic.write_bytes(files.curves, figures.curves(summary))
    atomic.write_bytes(files.first_trials, figures.first_trials(summary))
    atomic.write_bytes(files.points, figures.points(summary))
    atomic.write_text(files.html, html_page(home, manifest, summary))
    atomic.write_text(files.report, page(summary, manifest))
    return files


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
