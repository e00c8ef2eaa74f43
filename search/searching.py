"""The steps of a search: choose on the validation part, then confirm on fresh seeds and the test set."""

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from search.ablation import Confirmation, known_cards
from search.asked import ask
from search.base import Base, find_base
from search.base_training import make_features
from search.candidate import cells
from search.confirm import confirmation
from search.data.prepared import Staged, stage
from search.exploration import Exploration
from search.plan import engine_version, make_plan
from search.proposer import Proposer
from search.recorded import Recorded, find_recorded
from search.session import Session
from search.storage import resolve as storage_of
from search.workers import Workers, open_workers
from studies.errors import InputError
from studies.search import seconds_of
from studies.secrets import masked
from studies.spec import SearchSpec, StudySpec
from tracking.manifest import SearchManifest, read_manifest
from tracking.proposals import ProposalLog
from tracking.scale import is_accuracy
from tracking.searched import Searched, objective_of, read_searched

if TYPE_CHECKING:
    from search.closing_time import ClosingTime
    from search.train.frozen import FrozenBase


def run_search(session: Session) -> int:
    """Go on with the search, confirm it when it is complete, report; return the exit code."""
    spec = session.spec
    with ExitStack() as stack:
        base = find_base(spec)
        staged = base.features() if base else stage(spec.dataset, session.runs_dir, data_spec=spec.study.data)
        if staged is not None and _is_done(session, staged):
            session.say("The search and its confirmation are recorded already: nothing to train.")
            return session.end(None)
        workers = stack.enter_context(open_workers(spec, trials_of(spec.study), session.say))
        if base is not None and staged is None:
            made = make_features(base, session, workers)
            if isinstance(made, int):
                return made
            staged = made
        assert staged is not None
        return _Search(session, staged, workers, stack, base).run()


def _is_done(session: Session, staged: Staged) -> bool:
    """Return whether the study ran to its end as it is asked now."""
    try:
        manifest = read_manifest(session.runs_dir, session.spec.study.name)
    except InputError:
        return False
    same = manifest.search is not None and manifest.search.spec.study == session.spec.study and manifest.trials
    now = (staged.data.digest, engine_version(session.spec.backend))
    if not same or now != (manifest.data_digest, manifest.engine) or not staged.is_stored:
        return False
    return not find_recorded(manifest.trials, session.store, session.runs_dir).missing


@dataclass
class _Search:
    session: Session
    staged: Staged
    workers: Workers
    stack: ExitStack
    base: Base | None = None
    """Whose features are the dataset."""
    _end: datetime | None = field(init=False)
    """When no setting is begun any more."""

    def __post_init__(self) -> None:
        assert self.session.spec.study.search is not None
        self._end = deadline(self.session.spec.study.search, datetime.now().astimezone())

    def run(self) -> int:
        session, spec = self.session, self.session.spec
        asked = ask(spec, self.staged.data, self.workers)
        search = asked.search
        session.warn_of_split(self.staged.data)
        session.begin(self.staged, asked.plan, asked.cards, self._recorded_base(), search)
        session.under_heads = self._under_heads()
        proposer = self._proposer(search)
        log = ProposalLog(session.folder, search.design)
        exploration = Exploration(
            spec, self.staged.data, proposer, session.store, log, self._is_late, self._closing_time()
        )
        interrupted = self._choose(exploration)
        if interrupted is not None:
            return interrupted
        searched = read_searched(search, session.store)
        if not exploration.is_complete:
            return self._out_of_time(searched, exploration.most)
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
        storage = storage_of(self.session.spec.storage, self.session.runs_dir)
        return Proposer(name, search.space, study.search, greatest=is_accuracy(objective), storage=storage)

    def _choose(self, exploration: Exploration) -> int | None:
        """Train proposed settings; return the exit code if the study was interrupted, else None."""
        from search.display import Display

        session, study = self.session, self.session.spec.study
        if exploration.is_complete:
            return None
        if exploration.settings:
            session.say(f"{exploration.settings} of {exploration.most} settings were proposed before.")
        if self._end is not None:
            session.say(f"No setting is begun after {self._end:%Y-%m-%d %H:%M}.")
        planned = exploration.most * len(cells(study))
        display = Display(session.console, study.name, objective_of(study), (), planned)
        for arm, scores in exploration.scores().items():
            for score in scores:
                display.reuse(arm, score)
        exploration.on_reuse = display.reuse
        _, interruption = session.train(exploration, self.workers, display)
        if interruption.stopping:
            return session.interrupted(f"{len(session.store.keys())} trials are saved", interruption)
        return None

    def _out_of_time(self, searched: Searched, planned: int) -> int:

        self._show(searched)
        tried = searched.count("complete")
        if self.session.until is not None:
            return self.session.time_is_up(f"{tried} of {planned} settings have a score")
        self.session.say(
            f"The time is up: {tried} of {planned} settings have a score. The rest waits for the next start:\n"
            f"  {masked(self.session.arguments.command('search.run'))}"
        )
        return self.session.pause()

    def _confirm(self, searched: Searched, search: SearchManifest) -> int:
        session = self.session
        spec = confirmation(session.spec, [row.proposal for row in searched.ranked])
        plan = make_plan(spec, self.staged.data)
        recorded = find_recorded(plan.trials, session.store, session.runs_dir)
        cards = known_cards(session, plan) or self.workers.describe(plan)
        session.begin(self.staged, plan, cards, recorded, search)
        chosen = [arm for arm in spec.study.arms if arm not in session.spec.study.arms]
        self._show(searched)
        session.say(f"Chosen: {', '.join(chosen)}. Now on fresh seeds, against {spec.study.control}:")
        return Confirmation(session, plan, recorded, self.workers, self.stack).run()

    def _show(self, searched: Searched) -> None:
        from tracking import search_tables
        from tracking.render import print_tables
        from tracking.score_lines import score_lines

        if (base := self._recorded_base()) is not None:
            self.session.say("\n".join(score_lines(searched, next(iter(base.finished), None))))
            return
        said = [search_tables.sentence(searched)]
        print_tables(searched.study.question, [search_tables.settings(searched)], said, self.session.console)

    def _under_heads(self) -> "FrozenBase | None":
        if self.base is None:
            return None
        store, key = self.session.store, self.base.trial.key
        model = store.read(key).base if store.has(key) else None
        if model is None:
            self.session.say("There is no model of the base any more: heads are saved without it, and take features.")
            return None
        return self.base.under_heads(model)

    def _recorded_base(self) -> Recorded | None:
        """Return where the record of the base is; with features on disk, a damaged one is not needed any more."""
        if self.base is None:
            return None
        return replace(find_recorded([self.base.trial], self.session.store, self.session.runs_dir), damaged=())

    def _is_late(self) -> bool:
        return self._end is not None and datetime.now().astimezone() >= self._end

    def _closing_time(self) -> "ClosingTime | None":
        """Return by when trials are to end, with the times of the trials so far, else one of the control's setting."""
        from search.closing_time import closing_time

        study, store = self.session.spec.study, self.session.store
        if self.session.until is None:
            return None
        known = [record for key in store.keys() if (record := store.record(key)) is not None]  # noqa: SIM118
        plan = make_plan(self.session.spec, self.staged.data)
        control = next(trial for trial in plan.trials if trial.arm == study.control)
        folds = study.data.validation.folds if study.data.validation else None
        task = replace(plan.task(control), fold=None if folds is None else 0, scored_on="validation")
        tasks = {} if known else {study.control: task}
        return closing_time(self.session.until, tasks, known, self.workers)


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
