"""What a study still has to train: the drive asks for the next trial and says how each one ended."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from search.closing_time import ClosingTime
from search.plan import Plan, interleaved
from search.progress import EpochDone
from search.sampler import CellQueue
from search.trial import TrialTask
from tracking.looks import decide_by_now, looks_of
from tracking.manifest import PlannedTrial
from tracking.record import TrialRecord
from tracking.summary import design_of


class Agenda(Protocol):
    """The trials to come, of which a study may know the next ones only when it has seen the last."""

    @property
    def look_ahead(self) -> int:
        """Trials in flight per worker: some choice for a worker that prefers what it has traced, little to undo on a
        stop; one where the next trial is the better chosen the more is known, or is to end in time."""

    def next(self) -> PlannedTrial | None:
        """Return the next trial to start, or None if none is to start now."""

    def task(self, trial: PlannedTrial) -> TrialTask:
        """Return what a worker needs to train `trial`."""

    def is_over(self) -> bool:
        """Return whether no trial will follow, however those in flight end."""

    def recorded(self, trial: PlannedTrial, record: TrialRecord) -> None:
        """Learn that `trial` has its record."""

    def failed(self, trial: PlannedTrial, reason: str) -> None:
        """Learn that `trial` ended without one."""

    def progress(self, event: EpochDone) -> bool:
        """Learn where a running trial is; return whether it should be ended, as hopeless."""


class AblationAgenda:
    """Cells that are known from the start; how some end changes nothing for the others."""

    def __init__(
        self, plan: Plan, missing: Iterable[PlannedTrial], queue: CellQueue, closing: ClosingTime | None = None
    ) -> None:
        """Plan to train `missing`, in this order; `queue` is Optuna's side of the study."""
        self._plan = plan
        self._waiting = deque(missing)
        self._queue = queue
        self._closing = closing

    @property
    def look_ahead(self) -> int:
        """Trials in flight per worker; near the end of a window one, which starts when it is handed out."""
        return 3 if self._closing is None or self._closing.has_time(4) else 1

    def next(self) -> PlannedTrial | None:
        """Return the next trial to start, or None."""
        trial = next((one for one in self._waiting if self._closing is None or self._closing.fits(one)), None)
        if trial is not None:
            self._waiting.remove(trial)
            self._queue.ask(trial)
        return trial

    def task(self, trial: PlannedTrial) -> TrialTask:
        """Return what a worker needs to train `trial`."""
        return self._plan.task(trial)

    def is_over(self) -> bool:
        """Return whether no trial will follow."""
        return not self._waiting

    def recorded(self, trial: PlannedTrial, record: TrialRecord) -> None:
        """Tell Optuna that `trial` has its record."""
        del trial
        self._queue.tell(record)
        if self._closing is not None:
            self._closing.learn(record)

    def failed(self, trial: PlannedTrial, reason: str) -> None:
        """Tell Optuna that `trial` ended without a record."""
        self._queue.tell_failed(trial.key, reason)

    def progress(self, event: EpochDone) -> bool:
        """Return False: an ablation ends no trial early."""
        del event
        return False


class LooksAgenda(AblationAgenda):
    """The cells of a study with looks: those up to the next look, of the arms that go on.

    A look is decided when all its trials have ended, so that the decision does not depend on the order in which
    they did.
    """

    def __init__(
        self,
        plan: Plan,
        finished: Iterable[TrialRecord],
        queue: CellQueue,
        lanes: int,
        say: Callable[[str], None],
        closing: ClosingTime | None = None,
    ) -> None:
        """Go on from the records in `finished`; `say` is given a line about each look that stops an arm."""
        super().__init__(plan, (), queue, closing)
        study, looks = plan.spec.study, looks_of(plan.spec.study)
        assert looks is not None
        self._study, self._looks, self._lanes, self._say = study, looks, lanes, say
        self._cells = {trial.key: trial for trial in plan.trials}
        self._samples: dict[str, dict[int, float]] = {arm: {} for arm in study.arms}
        self._ended: dict[str, set[int]] = {arm: set() for arm in study.arms}
        self._outstanding: set[str] = set()
        self._over = False
        self._stopped: set[str] = set()
        for record in finished:
            self._take(self._cells[record.key], record)

    def next(self) -> PlannedTrial | None:
        """Return the next trial up to the present look, or None while trials of that look run."""
        if not self._waiting and not self._outstanding and not self._over:
            self._decide()
        trial = super().next()
        if trial is not None:
            self._outstanding.add(trial.key)
        return trial

    def is_over(self) -> bool:
        """Return whether every arm has stopped or come to the last look."""
        return self._over and not self._waiting

    def recorded(self, trial: PlannedTrial, record: TrialRecord) -> None:
        """Take the value of `trial` into account."""
        super().recorded(trial, record)
        self._take(trial, record)

    def failed(self, trial: PlannedTrial, reason: str) -> None:
        """Go on without `trial`."""
        super().failed(trial, reason)
        self._outstanding.discard(trial.key)
        self._ended[trial.arm].add(trial.seed)

    def _take(self, trial: PlannedTrial, record: TrialRecord) -> None:
        self._outstanding.discard(trial.key)
        self._ended[trial.arm].add(trial.seed)
        self._samples[trial.arm][trial.seed] = record.metrics[self._study.metric]

    def _decide(self) -> None:
        """Put the trials up to the next look in line, of the control and the arms that go on."""
        study = self._study
        decision = decide_by_now(self._samples, self._ended, study.seeds, design_of(study), self._looks)
        for one in decision.arms:
            if one.state in ("rejected", "futile") and one.arm not in self._stopped:
                self._stopped.add(one.arm)
                why = "a difference is shown" if one.state == "rejected" else "it has little chance of showing one"
                self._say(f"{one.arm} stops after {one.look} replicates: {why}.")
        look = decision.next_look
        if look is None:
            self._over = True
            return
        arms, seeds = {study.control, *decision.running}, set(study.seeds[:look])
        due = [
            trial
            for trial in self._cells.values()
            if trial.arm in arms and trial.seed in seeds and trial.seed not in self._ended[trial.arm]
        ]
        self._waiting.extend(interleaved(due, self._lanes))
