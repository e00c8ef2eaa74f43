"""One run of one study: what its steps share, from the first file written to the report."""

import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from search.beginning import tidy_checkpoints, tidy_models, tidy_records, write_manifest
from search.ending import models_shown, show_shrinkage
from search.study_report import StudyReport
from studies.command import Arguments
from studies.errors import InputError
from studies.secrets import masked
from studies.spec import RunSpec
from tracking.manifest import PlannedTrial

if TYPE_CHECKING:
    from rich.console import Console

    from search.agenda import Agenda
    from search.data.prepared import PreparedData, Staged
    from search.display import Display
    from search.drive import Outcome
    from search.interruption import Interruption
    from search.lock import StudyLock
    from search.plan import Plan
    from search.progress import EpochDone
    from search.recorded import Recorded
    from search.shelf import ModelShelf
    from search.train.frozen import FrozenBase
    from search.workers import Workers
    from tracking.manifest import ModelCard, SearchManifest
    from tracking.publish import Publisher
    from tracking.record import RecordStore

_PUBLISH_SECONDS = 60.0
"""How long the end of a run waits for a tracking server to take what it is owed."""


@dataclass
class Session:
    """A study that this process runs, its folder and its console."""

    arguments: Arguments
    spec: RunSpec
    console: "Console"
    lock: "StudyLock"
    until: datetime | None = None
    """By when trials are to end; None: when they are done."""
    runs_dir: Path = field(init=False)
    folder: Path = field(init=False)
    shelf: "ModelShelf" = field(init=False)
    """The models of the plan that is being trained; there from `begin` on."""
    under_heads: "FrozenBase | None" = None
    """What models stand on from here on, in a search over heads whose base is trained."""

    def __post_init__(self) -> None:
        from search.tracking_watch import TrackingWatch
        from tracking.address import resolve

        self.runs_dir = Path(self.spec.runs_dir)
        self.folder = self.runs_dir / self.spec.study.name
        self._publisher: Publisher | None = None
        self._watch = TrackingWatch(resolve(self.spec.tracking_uri, self.runs_dir), self.say)
        self._report = StudyReport(self.folder, self.say)

    @property
    def store(self) -> "RecordStore":
        """The study's records."""
        from tracking.record import RecordStore

        return RecordStore(self.folder)

    @property
    def publisher(self) -> "Publisher":
        """Who hands to MLflow what is on disk; started when first asked for, after the manifest is written."""
        from tracking.publish import Publisher

        if self._publisher is None:
            self._publisher = Publisher(self.folder, self.spec.tracking_uri)
        return self._publisher

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def busy(self, doing: str) -> AbstractContextManager[object]:
        """On a terminal, show what takes seconds while it does; nothing of it stays."""
        return self.console.status(f"{doing} ...", spinner_style="dim")

    def warn_of_split(self, data: "PreparedData") -> None:
        """Say so if what is held out has images of the same things that are trained on."""
        from search.data.split import warning

        caution = warning(self.spec.study.data.validation, data.has_tracks)
        if caution:
            self.say(caution)

    def begin(
        self,
        staged: "Staged",
        plan: "Plan",
        cards: "dict[str, ModelCard]",
        recorded: "Recorded | None" = None,
        search: "SearchManifest | None" = None,
    ) -> None:
        """Write what is known before the first trial: data, samples, manifest; make the records what they should be.

        Args:
            staged: the dataset.
            plan: its trials are those that the manifest lists.
            cards: the model of each arm.
            recorded: what of the plan is on disk.
            search: the search that `plan` is, or confirms.
        """
        from search.data.sample import sample

        self.lock.acquire()
        staged.store()
        if (samples := sample(staged.images, staged.data.digest)) is not None:
            samples.write(self.folder)
        self.store.sweep()
        tidy_checkpoints(self.store)
        if recorded is not None:
            tidy_records(recorded, self.store, self.say)
        self.shelf = tidy_models(plan, self.store, self.say)
        write_manifest(self.folder, plan, cards, search, self.arguments.command("search.run"))

    def command_for(self, trial: PlannedTrial) -> str:
        """Return the shell command that trains exactly `trial`."""

        named = trial.arm in self.spec.study.arms and trial.fold is None
        which = (f"arm={trial.arm}", f"seed={trial.seed}") if named else (f"trial={trial.key}",)
        return masked(self.arguments.command("search.verify", *which))

    def train(
        self, agenda: "Agenda", workers: "Workers", display: "Display", *, is_base: bool = False
    ) -> "tuple[Outcome, Interruption]":
        """Train what `agenda` says, on `workers`; return how that ended, and whether it was interrupted."""
        from search.drive import Drive
        from search.interruption import Interruption
        from search.plan import engine_version

        self._report.begin()
        display.lanes = workers.lanes
        with Interruption() as interruption, display:
            drive = Drive(
                study=self.spec.study.name,
                engine=engine_version(self.spec.backend),
                agenda=agenda,
                executor=workers.executor,
                lanes=workers.lanes,
                store=self.store,
                shelf=self.shelf,
                display=display,
                interruption=interruption,
                command_for=self.command_for,
                on_record=self._tell_of_record,
                on_idle=self._report.start_early,
                on_wait=lambda: self._look_at_tracking(display),
                prune=workers.prune,
                is_base=is_base,
                under_heads=self.under_heads,
            )
            with _listening(workers, display.progress, drive.progress):
                return drive.run(), interruption

    def ask_tracking_server(self) -> None:
        """Have the user told within 10 s if the tracking server cannot be used; the study does not wait for it."""
        self._watch.ask()

    def _look_at_tracking(self, display: "Display") -> None:
        if self._publisher is not None:
            self._watch.look(self._publisher, display)

    def _tell_of_record(self) -> None:
        self.publisher.nudge()
        self._report.nudge()

    def interrupted(self, saved: str, interruption: "Interruption") -> int:
        """Say what is saved, and how to continue; return the exit code."""

        with self.busy("stopping"):
            self._report.take_back()
            self.publisher.finish(5.0)
        self.say(f"Stopped. {saved} in {self.folder}/. To continue:")
        self.say(f"  {masked(self.arguments.command('search.run'))}")
        return interruption.exit_code

    def time_is_up(self, saved: str) -> int:
        """Say what is saved, and how to continue; return the exit code."""
        from search.closing_time import EXIT_TIME_UP

        self.say(f"The time is up: {saved} in {self.folder}/. The rest waits for the next start:")
        self.say(f"  {masked(self.arguments.command('search.run'))}")
        self.pause()
        return EXIT_TIME_UP

    def pause(self) -> int:
        """End a run that has nothing to test yet: deliver what MLflow is owed; return the exit code."""
        with self.busy("writing the report"), suppress(InputError):  # Nothing is tested; what was found is written.
            self._report.write()
        self._deliver()
        return 0

    def end(self, outcome: "Outcome | None") -> int:
        """Write the report, show it, and deliver what MLflow is owed; return the exit code."""
        from tracking.render import print_summary

        try:
            with self.busy("writing the report"):
                report = self._report.write()
        except InputError as error:  # No trial is finished, though some were tried.
            self.publisher.finish(_PUBLISH_SECONDS)
            self.say(str(error))
            return 1
        self.publisher.nudge()
        print_summary(report.summary, self.console)
        show_shrinkage(report.summary, self.store, self.console)
        if outcome:
            failed = f", {outcome.failed} failed" if outcome.failed else ""
            self.say(f"{outcome.trained} trials trained{failed}.")
        self.say(f"Report:  {report.html} (and {report.report.name} beside it)")
        for line in models_shown(self.store):
            self.say(line)
        self._deliver()
        return 1 if outcome and outcome.failed else 0

    def _deliver(self) -> None:
        with self.busy("delivering to MLflow"):
            owed = self.publisher.finish(_PUBLISH_SECONDS)
        if owed:
            why = f" ({self.publisher.trouble})" if self.publisher.trouble else ""
            where = (f"study={self.spec.study.name}", f"runs_dir={self.spec.runs_dir}")
            self.say(
                f"MLflow:  {owed} items are still owed to {self.publisher.address}{why}; nothing is lost. "
                f"To deliver them:\n  {shlex.join(('python', '-m', 'tracking.publish', *where))}"
            )
        else:
            self.say(f"MLflow:  {self.publisher.ui_command}")


@contextmanager
def _listening(workers: "Workers", *listeners: "Callable[[EpochDone], None]") -> Iterator[None]:
    workers.listeners.extend(listeners)
    try:
        yield
    finally:
        for listener in listeners:
            workers.listeners.remove(listener)
