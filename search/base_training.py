"""The first step of a search over heads: the base is trained, and its features are computed, both once."""

from dataclasses import replace

from search.asked import ask
from search.base import Base, said_of_the_base
from search.closing_time import closing_time
from search.data.prepared import Staged, on_disk
from search.executors import WorkerDiedError
from search.progress import EpochDone
from search.recorded import find_recorded
from search.session import Session
from search.train.frozen import count_features, prepare_features
from search.train.inputs import outputs
from search.trial import TrialTask, describe_model
from search.workers import Workers
from studies.errors import InputError
from tracking.manifest import ModelCard, PlannedTrial
from tracking.record import TrialRecord
from tracking.searched import objective_of


class BaseAgenda:
    """One trial."""

    look_ahead = 1

    def __init__(self, base: Base) -> None:
        self._base = base
        self._waiting = [base.trial]

    def next(self) -> PlannedTrial | None:
        """Return the trial, once."""
        return self._waiting.pop() if self._waiting else None

    def task(self, trial: PlannedTrial) -> TrialTask:
        """Return what a worker needs to train it."""
        del trial
        return self._base.task()

    def is_over(self) -> bool:
        """Return False: the heads follow, and a worker that idles now will be needed."""
        return False

    def recorded(self, trial: PlannedTrial, record: TrialRecord) -> None:
        """Nobody is to be told."""

    def failed(self, trial: PlannedTrial, reason: str) -> None:
        """Nobody is to be told."""

    def progress(self, event: EpochDone) -> bool:
        """Return False: the base is not judged."""
        del event
        return False


def describe_base(base: Base, workers: Workers) -> tuple[ModelCard, int]:
    """Return the base's model, built in a worker, and how many features it will leave of an image.

    Raises:
        InputError: its setting is not one that the model accepts, or it has no layer that gives features.
    """
    model, setting = base.declared.model, base.declared.fixed
    shape, classes = base.input_shape, outputs(base.data)
    with said_of_the_base():
        try:
            card = workers.executor.submit(describe_model, model, base.trial.arm, setting, shape, classes).result()
            layer = base.declared.layer
            return card, workers.executor.submit(count_features, model, setting, shape, classes, layer).result()
        except WorkerDiedError as error:
            raise InputError(f"`study.base.model` {model!r} cannot be built: {error}.") from None


def make_features(base: Base, session: Session, workers: Workers) -> Staged | int:
    """Train the base, if it is not recorded, and compute its features, once all that heads are asked is sound.

    Returns:
        The features; or the exit code, if there are none.
    """
    _, count = describe_base(base, workers)
    asked = ask(session.spec, base.expected(count), workers)
    recorded = find_recorded([base.trial], session.store, session.runs_dir)
    session.begin(base.staged, replace(asked.plan, data=base.data), asked.cards, recorded, asked.search)
    code = _train(base, session, workers)
    if code is not None:
        return code
    model = session.store.read(base.trial.key).base
    assert model is not None
    session.say("Now its features, once for all heads.")
    try:
        return on_disk(workers.executor.submit(prepare_features, base.features_task(model)).result())
    except WorkerDiedError as error:
        session.say(f"The features of the base could not be computed: {error}.")
        session.pause()
        return 1


def _train(base: Base, session: Session, workers: Workers) -> int | None:
    """Train the base if there is no record of it with its model; return the exit code if that failed, else None."""
    from search.display import Display

    store, key = session.store, base.trial.key
    if store.has(key):
        if store.read(key).base is not None:
            return None
        session.say(f"The record of the base has no model beside it: set aside as {store.set_aside(key)}.")
    session.say(
        f"The base: {base.declared.model}, trained once on {len(base.held.train):,} of {base.data.n_train:,} examples. "
        f"The other {len(base.held.validation):,}, which it never meets, are for the heads."
    )
    closing = closing_time(session.until, {base.trial.arm: base.task()}, (), workers)
    if closing is not None and not closing.fits(base.trial):
        return session.time_is_up("of the base nothing is saved yet")
    display = Display(session.console, session.spec.study.name, objective_of(session.spec.study), (), 1)
    outcome, interruption = session.train(BaseAgenda(base), workers, display, is_base=True)
    if interruption.stopping:
        saved = "The base is saved" if outcome.trained else "Nothing of the base is saved yet"
        return session.interrupted(saved, interruption)
    if outcome.failed:
        session.pause()
        return 1
    return None
