"""The steps of an ablation: plan, train what has no record, report."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from search.data.prepared import stage
from search.plan import Plan, interleaved, make_plan, recipe
from search.recorded import Recorded, find_recorded
from search.session import Session
from search.workers import Workers, open_workers
from studies.errors import InputError
from studies.spec import RunSpec
from tracking.manifest import FILE_NAME, ModelCard, read_manifest
from tracking.record import TrialRecord

if TYPE_CHECKING:
    from search.agenda import AblationAgenda
    from search.display import Display
    from search.sampler import CellQueue


def run_ablation(session: Session) -> int:
    """Train what is missing, write the report, hand everything to MLflow; return the exit code.

    Nothing is written before everything is known to be valid.
    """
    spec = session.spec
    study = spec.study
    with ExitStack() as stack:

        def start() -> Workers:
            return stack.enter_context(open_workers(spec, len(study.arms) * study.planned_replicates, session.say))

        # TensorFlow's import takes seconds: where there is surely something to train, it begins at once.
        early = None if (session.folder / FILE_NAME).exists() else start()
        staged = stage(spec.dataset, session.runs_dir, data_spec=study.data)
        session.warn_of_split(staged.data)
        plan = make_plan(spec, staged.data)
        recorded = find_recorded(plan.trials, session.store, session.runs_dir)
        cards = known_cards(session, plan)
        if cards and not recorded.missing:
            session.begin(staged, plan, cards, recorded)
            session.say(f"All {len(plan.trials)} trials are recorded already: nothing to train.")
            return session.end(None)
        workers = early or start()
        with session.busy("starting workers"):
            _import_the_rest()
            cards = workers.describe(plan)
        session.begin(staged, plan, cards, recorded)
        del staged  # The images are on disk now, where the workers map them; here they only take up memory.
        return Confirmation(session, plan, recorded, workers, stack).run()


def _import_the_rest() -> None:
    """Import what is needed from the first trial on: half a second, in which the workers still import TensorFlow."""
    import alembic.command
    import sqlalchemy.orm

    from search import display, drive, sampler

    assert alembic.command and sqlalchemy.orm  # Optuna's storage imports both when it is opened.
    assert display and drive and sampler


@dataclass
class Confirmation:
    """Arms against a control, trained on workers that are there: all of an ablation, and the end of a search."""

    session: Session
    plan: Plan
    recorded: Recorded
    workers: Workers
    stack: ExitStack
    """Ends the workers."""

    def run(self) -> int:
        """Train, report; return the exit code."""
        from search.display import Display
        from search.sampler import CellQueue
        from search.storage import resolve

        session, plan = self.session, self.plan
        study, store = plan.spec.study, session.store
        queue = CellQueue(study, resolve(session.spec.storage, session.runs_dir))
        finished = [store.read(trial.key).record for trial in plan.trials if store.has(trial.key)]
        queue.synchronise(finished)
        display = Display(session.console, study.name, study.metric, list(study.arms), len(plan.trials))
        arm_of = {trial.key: trial.arm for trial in plan.trials}
        for record in finished:
            display.reuse(arm_of[record.key], record.metrics[study.metric])
        if finished:
            done, missing = len(finished), len(self.recorded.missing)
            session.say(f"{done} of {len(plan.trials)} trials are recorded already; {missing} to go.")
        agenda = self._agenda(queue, finished, display)
        outcome, interruption = session.train(agenda, self.workers, display)
        self.stack.close()
        saved = f"{sum(store.has(trial.key) for trial in plan.trials)} of {len(plan.trials)} trials are saved"
        if interruption.stopping:
            return session.interrupted(saved, interruption)
        if not agenda.is_over():
            return session.time_is_up(saved)
        return session.end(outcome)

    def _agenda(self, queue: "CellQueue", finished: Sequence[TrialRecord], display: "Display") -> "AblationAgenda":
        from search.agenda import AblationAgenda, LooksAgenda
        from search.closing_time import closing_time

        tasks = {trial.arm: self.plan.task(trial) for trial in self.recorded.missing}
        closing = closing_time(self.session.until, tasks, finished, self.workers)
        if self.plan.spec.study.sequential is not None:
            return LooksAgenda(self.plan, finished, queue, self.workers.lanes, display.say, closing)
        return AblationAgenda(self.plan, interleaved(self.recorded.missing, self.workers.lanes), queue, closing)


def known_cards(session: Session, plan: Plan) -> dict[str, ModelCard]:
    """Return the models of the study as it last ran, if its arms and its images were these."""
    try:
        manifest = read_manifest(session.runs_dir, session.spec.study.name)
    except InputError:
        return {}
    same = (manifest.engine, manifest.data_digest) == (plan.engine, plan.data.digest)
    arms = plan.spec.study.arms
    known = same and all(arm in manifest.models and _same_arm(manifest.spec, plan, arm) for arm in arms)
    return {arm: manifest.models[arm] for arm in arms} if known else {}


def _same_arm(before: RunSpec, now: Plan, arm: str) -> bool:
    return arm in before.study.arms and recipe(before, arm) == now.recipes[arm]
