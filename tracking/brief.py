"""The morning brief over all studies: `python -m tracking.brief [since=TIME] [runs_dir=DIR] [format=markdown]`."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from studies.errors import InputError, unknown
from studies.leaving import leave
from tracking.arguments import named_values
from tracking.moment import moment

USAGE = """\
Say what is new in all studies: what finished, which conclusions changed, what failed and why, and what more seeds
would buy.

    python -m tracking.brief [since=TIME] [runs_dir=DIR] [format=FORMAT]

    since=TIME      18:00, yesterday, 2026-11-20, 2026-11-20T18:00, 90m, 12h, 2d (default: 24h)
    runs_dir=DIR    the folder with the studies' records (default: runs)
    format=FORMAT   rich, for a terminal (the default), or markdown

Nothing is trained or written.
"""
ARGUMENTS = ("since", "runs_dir", "format")
FORMATS = ("rich", "markdown")
_WIDTH = 100
"""Where there is no terminal."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit code: 0, or 2 for bad input."""
    if any(argument in ("-h", "--help") for argument in arguments):
        print(USAGE, end="")
        return 0
    try:
        given = _parsed(arguments)
        now = datetime.now(UTC)
        since = moment(given.get("since", "24h"), now)
        runs_dir = Path(given.get("runs_dir", "runs"))
        if not runs_dir.is_dir():
            raise InputError(f"`runs_dir` must be a folder in which studies have run. Received: {str(runs_dir)!r}.")
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    _print(runs_dir, since, now, given.get("format", "rich"))
    return 0


def _print(runs_dir: Path, since: datetime, now: datetime, form: str) -> None:
    from tracking.news import read_news

    brief = read_news(runs_dir, since, now)
    if form == "markdown":
        from tracking.brief_page import page

        print(page(brief), end="")
        return
    from rich.console import Console

    from tracking.brief_terminal import print_brief

    print_brief(brief, Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH))


def _parsed(arguments: Sequence[str]) -> dict[str, str]:
    """Return the arguments by name.

    Raises:
        InputError: one is not known, or has no value or two.
    """
    given = named_values(arguments, ARGUMENTS)
    if given.get("format", "rich") not in FORMATS:
        raise unknown("format", given["format"], FORMATS)
    return given


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
