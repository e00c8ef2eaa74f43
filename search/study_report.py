"""The report of the study that this process runs: a page while trials are trained, and the whole at the end."""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from studies.errors import InputError

if TYPE_CHECKING:
    from tracking.report_writer import ReportFiles
    from tracking.reporter import Reporter

_LAST_PAGE_SECONDS = 5.0
"""How long an interruption waits for a page that says so."""


class StudyReport:
    """Has the report of the study in a folder written, by whoever has the time."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        """Report on `folder` (`runs/STUDY`); `say` takes a line that stays."""
        self._folder, self._say = folder, say
        self._reporter: Reporter | None = None
        # Written on a processor that has nothing left to train; what it imports, the final report need not.
        self._early = threading.Thread(target=self._write_early, name="report")

    def begin(self) -> None:
        """Know that trials are trained from now on."""
        from tracking.reporter import Reporter

        if self._reporter is None:
            self._reporter = Reporter(self._folder, self._say)

    def nudge(self) -> None:
        """Say that there is a new record; never waits."""
        if self._reporter is not None:
            self._reporter.nudge()

    def start_early(self) -> None:
        """Begin with the last report before the last trials are done."""
        if self._early.ident is None:
            self._early.start()

    def write(self) -> "ReportFiles":
        """Write the report of a study that does not run any more.

        Raises:
            NotConfirmedError, NothingFinishedError: there is nothing to report yet.
            InputError: it cannot be written.
        """
        from tracking.report_writer import write_report

        if self._early.ident is not None:
            self._early.join()
        if self._reporter is not None:
            self._reporter.stop()
        return write_report(self._folder, running=False)

    def take_back(self) -> None:
        """Have a page that says that the study runs say that it stopped; one that is not there is not waited for."""
        if self._early.ident is not None:
            with suppress(InputError):
                self.write()
        elif self._reporter is not None:
            self._reporter.finish(_LAST_PAGE_SECONDS)

    def _write_early(self) -> None:
        from tracking.report_writer import write_report

        with suppress(InputError, OSError):  # Nothing is finished yet; or a full disk, which the last report meets too.
            write_report(self._folder, running=True)
