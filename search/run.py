"""Run a study: `python -m search.run study=NAME`. Finished trials are kept; the rest is trained."""

import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studies.command import Arguments, guarded, parse, print_configuration
from studies.compose import compose
from studies.errors import InputError
from studies.spec import RunSpec

if TYPE_CHECKING:
    from rich.console import Console

    from search.data.prepared import Staged
    from search.drive import Outcome
    from search.interruption import Interruption
    from search.lock import StudyLock
    from search.plan import Plan
    from search.recorded import Recorded
    from search.workers import Workers
    from tracking.manifest import ModelCard
    from tracking.publish import Publisher

_PUBLISH_SECONDS = 60.0
"""How long the end of a run waits for a tracking server to take what it is owed."""


def main(argv: Sequence[str]) -> int:
    """Run the study that `argv` names.

    Returns:
        0; 1 if trials failed; 2 for bad input; 130 after Ctrl-C and 143 after SIGTERM.
    """
    # Before and after the trials, which have their own way to stop, SIGTERM unwinds what is open, workers included.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    arguments = parse(argv, "search.run", "Run a study: train what is not recorded yet, then test and report.")
    if arguments.show_config:
        return guarded(lambda: print_configuration(arguments))
    return guarded(lambda: _run(arguments))


def _run(arguments: Arguments) -> int:
    spec = compose(arguments.overrides, arguments.config_dirs)

    from search.lock import StudyLock
    from tracking.address import resolve

    resolve(spec.tracking_uri, Path(spec.runs_dir))  # An address that is none is said before anything trains.
    lock = StudyLock(Path(spec.runs_dir) / spec.study.name)
    try:
        lock.acquire_if_contended()
        return _Run(arguments, spec, _console(), lock).run()
    finally:
        lock.release()


def _console() -> "Console":
    from rich.console import Console

    # Without a terminal there is no width to keep to; tables need about this much.
    return Console(highlight=False, width=None if sys.stdout.isatty() else 100)


@dataclass
class _Run:
    """The steps of one run; nothing is written before everything is known to be valid."""

    arguments: Arguments
    spec: RunSpec
    console: "Console"
    lock: "StudyLock"

    def __post_init__(self) -> None:
        self.runs_dir = Path(self.spec.runs_dir)
        self.folder = self.runs_dir / self.spec.study.name
        # Written on a processor that has nothing left to train; what it imports, the final report need not.
        self._early_report = threading.Thread(target=self._write_early_report, name="report")

    def run(self) -> int:
        """Train what is missing, write the report, hand everything to MLflow; return the exit code."""
        from search.data.prepared import stage
        from search.plan import make_plan
        from search.recorded import find_recorded
        from search.workers import open_workers
        from tracking.manifest import FILE_NAME
        from tracking.record import RecordStore

        study = self.spec.study
        with ExitStack() as stack:

            def start() -> "Workers":
                return stack.enter_context(open_workers(self.spec.executor, len(study.arms) * study.replicates))

            # TensorFlow's import takes seconds: where there is surely something to train, it begins at once.
            early = None if (self.folder / FILE_NAME).exists() else start()
            staged = stage(self.spec.dataset, self.runs_dir)
            plan = make_plan(self.spec, staged.data)
            recorded = find_recorded(plan.trials, RecordStore(self.folder), self.runs_dir)
            cards = self._known_cards(plan)
            if cards and not recorded.missing:
                self._begin(staged, plan, recorded, cards)
                self._say(f"All {len(plan.trials)} trials are recorded already: nothing to train.")
                return self._end(None, self._publisher(), 0)
            workers = early or start()
            self._begin(staged, plan, recorded, workers.describe(plan))
            del staged  # The images are on disk now, where the workers map them; here they only take up memory.
            publisher = self._publisher()
            outcome, interruption = self._train(plan, recorded, workers, publisher)
        if interruption.stopping:
            return self._interrupted(plan, interruption, publisher)
        return self._end(outcome, publisher, 1 if outcome.failed else 0)

    def _known_cards(self, plan: "Plan") -> "dict[str, ModelCard]":
        """Return the models of the study as it last ran, if its arms, its model and its images were these."""
        from tracking.manifest import read_manifest

        try:
            manifest = read_manifest(self.runs_dir, self.spec.study.name)
        except InputError:
            return {}
        before, now = manifest.spec.study, self.spec.study
        same = (before.model, before.training, manifest.data_digest) == (
            now.model,
            now.training,
            plan.data.digest,
        )
        arms_same = all(arm in before.arms and before.setting(arm) == now.setting(arm) for arm in now.arms)
        known = manifest.engine == plan.engine and same and arms_same
        return (
            {arm: manifest.models[arm] for arm in now.arms} if known and set(now.arms) <= set(manifest.models) else {}
        )

    def _begin(self, staged: "Staged", plan: "Plan", recorded: "Recorded", cards: "dict[str, ModelCard]") -> None:
        """Write what is known before the first trial: data, lock, manifest; make the records what they should be."""
        from tracking.manifest import StudyManifest
        from tracking.provenance import masked
        from tracking.record import RecordStore

        self.lock.acquire()
        staged.store()
        store = RecordStore(self.folder)
        for trial in recorded.damaged:
            where = store.set_aside(trial.key)
            self._say(f"The record of {trial.arm} seed {trial.seed} is damaged: set aside as {where}, trained again.")
        for trial, other in recorded.elsewhere:
            store.adopt(trial.key, other)
        if recorded.elsewhere:
            self._say(f"{len(recorded.elsewhere)} trials were finished by another study and are taken from there.")
        StudyManifest(
            spec=self.spec.model_copy(update={"tracking_uri": self._public_uri()}),
            data_digest=plan.data.digest,
            class_names=plan.data.class_names,
            n_train=plan.data.n_train,
            n_test=plan.data.n_test,
            engine=plan.engine,
            trials=plan.trials,
            models=cards,
            command=masked(self.arguments.command("search.run")),
        ).write(self.folder)

    def _public_uri(self) -> str | None:
        """Return the tracking address as it may be written down."""
        from tracking.provenance import without_credentials

        return without_credentials(self.spec.tracking_uri) if self.spec.tracking_uri else None

    def _train(
        self, plan: "Plan", recorded: "Recorded", workers: "Workers", publisher: "Publisher"
    ) -> "tuple[Outcome, Interruption]":
        from search.display import Display
        from search.drive import Drive
        from search.interruption import Interruption
        from search.plan import interleaved
        from search.sampler import CellQueue, default_storage
        from tracking.provenance import masked
        from tracking.record import RecordStore

        study, store = self.spec.study, RecordStore(self.folder)
        queue = CellQueue(study, default_storage(self.runs_dir))
        finished = [store.read(trial.key).record for trial in plan.trials if store.has(trial.key)]
        queue.synchronise(finished)
        arm_of = {trial.key: trial.arm for trial in plan.trials}
        display = Display(self.console, study.name, study.metric, list(study.arms), len(plan.trials))
        for record in finished:
            display.reuse(arm_of[record.key], record.metrics[study.metric])
        if finished:
            self._say(
                f"{len(finished)} of {len(plan.trials)} trials are recorded already; {len(recorded.missing)} to go."
            )
        workers.listeners.append(display.progress)
        with Interruption() as interruption, display:
            drive = Drive(
                plan=plan,
                executor=workers.executor,
                lanes=workers.lanes,
                store=store,
                queue=queue,
                display=display,
                interruption=interruption,
                command_for=lambda trial: masked(
                    self.arguments.command("search.verify", f"arm={trial.arm}", f"seed={trial.seed}")
                ),
                on_record=publisher.nudge,
                on_idle=self._early_report.start,
            )
            return drive.run(interleaved(recorded.missing, workers.lanes)), interruption

    def _write_early_report(self) -> None:
        from tracking.report import write_report

        with suppress(InputError):  # Nothing is finished yet.
            write_report(self.folder)

    def _publisher(self) -> "Publisher":
        from tracking.publish import Publisher

        return Publisher(self.folder, self.spec.tracking_uri)

    def _interrupted(self, plan: "Plan", interruption: "Interruption", publisher: "Publisher") -> int:
        from tracking.record import RecordStore

        store = RecordStore(self.folder)
        saved = sum(store.has(trial.key) for trial in plan.trials)
        publisher.finish(5.0)
        self._say(f"Stopped. {saved} of {len(plan.trials)} trials are saved in {self.folder}/. To continue:")
        self._say(f"  {self.arguments.command('search.run')}")
        return interruption.exit_code

    def _end(self, outcome: "Outcome | None", publisher: "Publisher", exit_code: int) -> int:
        """Write the report, show it, and deliver what MLflow is owed."""
        from tracking.render import print_summary
        from tracking.report import write_report

        if self._early_report.ident is not None:
            self._early_report.join()
        try:
            report = write_report(self.folder)
        except InputError as error:  # No trial is finished, though some were tried.
            publisher.finish(_PUBLISH_SECONDS)
            self._say(str(error))
            return 1
        publisher.nudge()
        print_summary(report.summary, self.console)
        if outcome:
            failed = f", {outcome.failed} failed" if outcome.failed else ""
            self._say(f"{outcome.trained} trials trained{failed}.")
        self._say(f"Report:  {report.report}")
        owed = publisher.finish(_PUBLISH_SECONDS)
        if owed:
            self._say(
                f"MLflow:  {owed} items are still owed to {publisher.address}; nothing is lost. To deliver them:\n"
                f"  python -m tracking.publish study={self.spec.study.name} runs_dir={self.spec.runs_dir}"
            )
        else:
            self._say(f"MLflow:  {publisher.ui_command}")
        return exit_code

    def _say(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
