"""Write a study's report from its records: `python -m tracking.report study=NAME [runs_dir=DIR]`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from studies.errors import InputError
from studies.leaving import leave
from tracking.arguments import named_values
from tracking.report_writer import NotConfirmedError, write_report

USAGE = """\
Write a study's report again from its records, and print its summary.

    python -m tracking.report study=NAME [runs_dir=DIR]

    study=NAME     a study that has run
    runs_dir=DIR   the folder with its records (default: runs)

The report goes to DIR/NAME/report/. Nothing is trained.
"""
ARGUMENTS = ("study", "runs_dir")


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    if any(argument in ("-h", "--help") for argument in arguments):
        print(USAGE, end="")
        return 0
    try:
        given = _parsed(arguments)
        files = write_report(Path(given.get("runs_dir", "runs")) / given["study"])
    except NotConfirmedError as state:
        print(state)
        return 0
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    from rich.console import Console

    from tracking.render import print_summary

    # Without a terminal there is no width to keep to; tables need about this much.
    print_summary(files.summary, Console(highlight=False, width=None if sys.stdout.isatty() else 100))
    print(f"Report:  {files.html} (and {files.report.name} beside it)")
    return 0


def _parsed(arguments: Sequence[str]) -> dict[str, str]:
    """Return the arguments by name.

    Raises:
        InputError: one is not known, has no value or two, or `study` is missing.
    """
    given = named_values(arguments, ARGUMENTS)
    if "study" not in given:
        raise InputError("`study=NAME` is missing. It must name a study that has run.")
    if given["study"] in (".", "..") or Path(given["study"]).name != given["study"]:
        raise InputError(f"`study` must be a study's name, not a path. Received: {given['study']!r}.")
    return given


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
