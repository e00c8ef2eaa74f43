"""The steps of a search: choose on the validation part, then confirm on fresh seeds and the test set."""

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from search.ablation import Confirmation, known_cards
from search.confirm import confirmation
from search.data.prepared import Staged, stage
from search.exploration import Exploration, cells
from search.plan import Plan, engine_version, make_plan
from search.proposer import Proposer, check_proposable
from search.recorded import find_recorded
from search.sampler import default_storage
from search.session import Session, public
from search.space import resolve
from search.workers import Workers, open_workers
from studies.errors import InputError
from studies.search import seconds_of
from studies.spec import RunSpec, SearchSpec, StudySpec
from tracking.manifest import SearchManifest, read_manifest
from tracking.proposals import Parameter, ProposalLog
from tracking.scale import is_accuracy
from tracking.searched import Searched, objective_of, read_searched


def run_search(session: Session) -> int:
    """Go on with the search, confirm it when it is complete, report; return the exit code."""
    spec = session.spec
    with ExitStack() as stack:
        staged = stage(spec.dataset, session.runs_dir, data_spec=spec.study.data)
        if _is_done(session, staged):
            session.say("The search and its confirmation are recorded already: nothing to train.")
            return session.end(None)
        workers = stack.enter_context(open_workers(spec.executor, trials_of(spec.study)))
        return _Search(session, staged, workers, stack).run()


def _is_done(session: Session, staged: Staged) -> bool:
    """Return whether the study ran to its end as it is asked now."""
    try:
        manifest = read_manifest(session.runs_dir, session.spec.study.name)
    except InputError:
        return False
    same = manifest.search is not None and manifest.search.spec.study == session.spec.study and manifest.trials
    now = (staged.data.digest, engine_version())
    if not same or now != (manifest.data_digest, manifest.engine) or not staged.is_stored:
        return False
    return not find_recorded(manifest.trials, session.store, session.runs_dir).missing


@dataclass
class _Search:
    session: Session
    staged: Staged
    workers: Workers
    stack: ExitStack

    def run(self) -> int:
        session, spec = self.session, self.session.spec
        session.warn_of_split(self.staged.data)
        choosing = Plan(spec, self.staged.data, engine_version(), ())
        cards = self.workers.describe(choosing)
        space = resolve(self.workers.declared(choosing), spec.study)
        search = SearchManifest(spec=public(spec), space=space, design=design_of(spec, space))
        assert spec.study.search is not None
        check_proposable(space, spec.study.search)
        session.begin(self.staged, choosing, cards, search=search)
        proposer = self._proposer(search)
        log = ProposalLog(session.folder, search.design)
        exploration = Exploration(spec, choosing.data, proposer, session.store, log, self._lateness())
        interrupted = self._choose(exploration)
        if interrupted is not None:
            return interrupted
        searched = read_searched(search, session.store)
        if not exploration.is_complete:
            return self._out_of_time(searched)
        if not searched.ranked:
            session.say("No setting has a score: nothing to confirm.")
            self._show(searched)
            session.pause()
            return 1
        return self._confirm(searched, search)

    def _proposer(self, search: SearchManifest) -> Proposer:
        study = self.session.spec.study
        assert study.search is not None
        objective = objective_of(study)
        name = f"{study.name}-{search.design}"
        storage = default_storage(self.session.runs_dir)
        return Proposer(name, search.space, study.search, greatest=is_accuracy(objective), storage=storage)

    def _choose(self, exploration: Exploration) -> int | None:
        """Train proposed settings; return the exit code if the study was interrupted, else None."""
        from search.display import Display

        session, study = self.session, self.session.spec.study
        if exploration.is_complete:
            return None
        assert study.search is not None
        if exploration.settings:
            session.say(f"{exploration.settings} of {study.search.settings} settings were proposed before.")
        display = Display(session.console, study.name, objective_of(study), (), trials_of(study))
        for arm, scores in exploration.scores().items():
            for score in scores:
                display.reuse(arm, score)
        _, interruption = session.train(exploration, self.workers, display)
        if interruption.stopping:
            return session.interrupted(f"{len(session.store.keys())} trials are saved", interruption)
        return None

    def _out_of_time(self, searched: Searched) -> int:
        assert searched.study.search is not None
        self._show(searched)
        tried, planned = searched.count("complete"), searched.study.search.settings
        self.session.say(
            f"The time is up: {tried} of {planned} settings have a score. The rest waits for the next start:\n"
            f"  {self.session.arguments.command('search.run')}"
        )
        return self.session.pause()

    def _confirm(self, searched: Searched, search: SearchManifest) -> int:
        session = self.session
        spec = confirmation(session.spec, [row.proposal for row in searched.ranked])
        data = stage(spec.dataset, session.runs_dir, data_spec=spec.study.data)
        plan = make_plan(spec, data.data)
        recorded = find_recorded(plan.trials, session.store, session.runs_dir)
        cards = known_cards(session, plan) or self.workers.describe(plan)
        session.begin(data, plan, cards, recorded, search)
        chosen = [arm for arm in spec.study.arms if arm not in session.spec.study.arms]
        self._show(searched)
        session.say(f"Chosen: {', '.join(chosen)}. Now on fresh seeds, against {spec.study.control}:")
        return Confirmation(session, plan, recorded, self.workers, self.stack).run()

    def _show(self, searched: Searched) -> None:
        from tracking import search_tables
        from tracking.render import print_tables

        said = [search_tables.sentence(searched)]
        print_tables(searched.study.question, [search_tables.settings(searched)], said, self.session.console)

    def _lateness(self) -> Callable[[], bool]:
        study = self.session.spec.study
        assert study.search is not None
        end = deadline(study.search, datetime.now().astimezone())
        return lambda: end is not None and datetime.now().astimezone() >= end


def deadline(search: SearchSpec, now: datetime) -> datetime | None:
    """Return when no new trial starts any more, or None; `now` and the result have a time zone."""
    ends = []
    if search.duration is not None:
        ends.append(now + timedelta(seconds=seconds_of(search.duration)))
    if search.stop_at is not None:
        clock = time.fromisoformat(search.stop_at)
        today = datetime.combine(now.date(), clock).astimezone()
        ends.append(today if today > now else datetime.combine(now.date() + timedelta(days=1), clock).astimezone())
    return min(ends, default=None)


def trials_of(study: StudySpec) -> int:
    """Return how many trials the choosing phase of a search takes."""
    assert study.search is not None
    return study.search.settings * len(cells(study))


def design_of(spec: RunSpec, space: tuple[Parameter, ...]) -> str:
    """Return a short hash of what a search's proposals depend on: another one has proposals of its own."""
    study = spec.study
    assert study.search is not None
    said = [
        study.model,
        [one.model_dump_json() for one in space],
        study.search.model_dump_json(include={"sampler", "seed", "pruner", "replicates"}),
        study.model_dump_json(include={"fixed", "data", "training", "metric", "first_seed"}),
    ]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:8]
