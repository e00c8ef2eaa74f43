"""The worker's side of a trial: a task comes in, a result goes out, nothing shared is written.

A worker keeps what the next trial can use again: the dataset on the device and the programs of recent settings.
Keras and TensorFlow are imported when a worker starts, never by who merely hands out the tasks.
"""

import os
import re
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from search import progress
from search.data.prepared import PreparedData
from search.models.space import Space
from search.train.checkpoint import EVERY_SECONDS, Checkpoint
from search.train.frozen import FrozenBase
from search.train.inputs import held_out, outputs, seen_shape
from search.train.result import NotFiniteError, ServedModel, TrialPrunedError, TrialResult
from studies.errors import InputError
from studies.spec import Backend, DataSpec, Setting, TrainingSpec
from tracking.manifest import ModelCard
from tracking.provenance import environment
from tracking.record import Environment

if TYPE_CHECKING:
    from search.train.batches import Split
    from search.train.program import Program
    from search.train.workbench import Workbench


@dataclass(frozen=True)
class TrialTask:
    """All that a worker needs to train one trial."""

    key: str
    arm: str
    setting: Setting
    seed: int
    model: str
    training: TrainingSpec
    data: PreparedData
    data_spec: DataSpec
    """The range of the pixels, and what is held out; its limits are in `data` already."""
    fold: int | None = None
    """Which fold is held out, from 0. None, where there are folds: nothing is."""
    scored_on: Literal["test", "validation"] = "test"
    """`validation`: the trial never meets the test set."""
    backend: Backend = "tensorflow"
    keep_model: bool = False
    """Whether the result brings the trained model along."""
    serve_model: bool = False
    """Whether the outcome brings it along as users get it, with the preprocessing inside."""
    under_head: FrozenBase | None = None
    """Whose features `data` are: then users get the base inside too, for they have images."""
    watched: bool = False
    """Whether every epoch is reported, and the trial may be asked to stop; otherwise a few a second at most are."""

    checkpoints: Path | None = None
    """Folder in which the trial leaves its state now and then, and finds it again; None: it begins anew each time."""

    @property
    def program(self) -> str:
        """What a worker can use again for another trial: equal for trials that differ in seed or fold only."""
        setting, pixels = sorted(self.setting.items()), self.data_spec.range
        return f"{self.model} {setting} {self.training.model_dump_json()} {pixels} {self.data.digest}"


@dataclass(frozen=True)
class TrialOutcome:
    """A finished trial, and what it ran on."""

    result: TrialResult
    environment: Environment
    served: ServedModel | None = None
    """The trained model, if it was asked for and Keras can save it."""
    unsaved: str = ""
    """Why there is none, though it was asked for, in one line."""


class TrialFailedError(Exception):
    """A trial that ended without a result: args are the reason in one line, and the traceback."""

    @property
    def reason(self) -> str:
        """One line."""
        return str(self.args[0])

    @property
    def details(self) -> str:
        """The traceback in the worker."""
        return str(self.args[1])


def run_trial(task: TrialTask, checkpoint_seconds: float = EVERY_SECONDS) -> TrialOutcome:
    """Train `task` in this process, on from its checkpoint if it has one.

    Args:
        task: the trial.
        checkpoint_seconds: the least time between two checkpoints.

    Raises:
        TrialPrunedError: the executor asked it to stop before the last epoch.
        TrialFailedError: the loss became NaN, memory ran out, or the model raised.
        InputError: the setting is not one that the model accepts, or the data are not for it.
    """
    if task.backend == "jax":
        from search.fused_trial import run_alone

        return run_alone(task, checkpoint_seconds)
    from search.train.engine import train

    bench = _workbench()
    try:
        parts = bench.parts(task.data, task.data_spec, task.fold, task.scored_on)
        program = bench.program(task.program, lambda: _program(task, parts.train))
        report = Reporter(task, parts.train.size)
        checkpoint = checkpoint_of(task, report, checkpoint_seconds)
        [result] = train(program, task.training, parts, [task.seed], report, task.keep_model, checkpoint)
    except (InputError, TrialPrunedError):
        raise
    except NotFiniteError as error:
        raise TrialFailedError(str(error), "") from None
    except Exception as error:
        bench.forget_programs()
        raise TrialFailedError(reason_of(error), traceback.format_exc()) from None
    served, unsaved = served_of(task, program.model) if task.serve_model else (None, "")
    return TrialOutcome(result, environment(), served, unsaved)


def served_of(task: TrialTask, model: Any) -> tuple[ServedModel | None, str]:
    """Return the trained `model` for its users, or None and why: what was trained counts without its file too."""
    from search.train.serving import on_base, served

    base = task.under_head
    try:
        if base is not None:
            whole = served(on_base(model, base), base.stored, base.seen, base.dtype, base.pixels)
            return replace(whole, dataset=base.dataset), ""
        seen, dtype = seen_shape(task.data, task.training), str(task.data.open().x_train.dtype)
        return served(model, task.data.input_shape, seen, dtype, task.data_spec.range), ""
    except Exception as error:
        return None, reason_of(error)


def describe_model(model: str, arm: str, setting: Setting, input_shape: tuple[int, ...], classes: int) -> ModelCard:
    """Return what the model of an arm looks like, having checked every name and value in its setting.

    Raises:
        InputError: naming the arm, and the hyperparameter that its model does not accept.
    """
    from search.models.hypermodel import HyperModel

    # Keras cuts its table at the width of the terminal, 80 where there is none, and the parameters stand at the right.
    os.environ["COLUMNS"] = "100"
    try:
        return HyperModel(model, input_shape, classes).card(setting)
    except InputError as error:
        raise InputError(f"Arm {arm!r}: {error}") from None
    except Exception as error:
        given = f"{'vectors of ' * (len(input_shape) == 1)}{'x'.join(map(str, input_shape))}"
        reason = f"{reason_of(error)} (the dataset gives it {given})"
        raise InputError(f"Arm {arm!r}: `study.model` {model!r} cannot be built: {reason}") from None


def declared_by(
    model: str, input_shape: tuple[int, ...], classes: int, branches: Mapping[str, Setting] = MappingProxyType({})
) -> Space:
    """Return the hyperparameters that `model` declares (see `declared_space` for `branches`).

    Raises:
        InputError: it cannot be built.
    """
    from search.models.discovery import declared_space
    from search.models.hypermodel import HyperModel

    try:
        return declared_space(HyperModel(model, input_shape, classes), branches)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"`study.model` {model!r} cannot be built: {reason_of(error)}") from None


def seconds_per_epoch(task: TrialTask, batches: int = 6) -> float:
    """Return the measured time of one epoch of `task`, evaluations included, from a few batches of it."""
    import numpy as np

    parts = _workbench().parts(task.data, task.data_spec, task.fold, "validation")
    held = held_out(task.data, task.data_spec, task.fold)
    n_held = 0 if held is None else len(held.validation)
    n_train, n_evaluated = task.data.n_train - n_held, n_held + task.data.n_test * (task.scored_on == "test")
    few = parts.train.part(np.asarray(parts.train.rows)[: batches * task.training.batch_size])
    program = _program(task, few)
    program.reset(task.seed)
    program.train_epoch(few, task.seed, 0)
    program.evaluate(few)
    clock = time.perf_counter()
    program.train_epoch(few, task.seed, 1)
    trained = time.perf_counter()
    program.evaluate(few)
    evaluated = time.perf_counter()
    return ((trained - clock) * n_train + (evaluated - trained) * n_evaluated) / few.size


@cache
def _workbench() -> "Workbench":
    from search.train.workbench import Workbench

    return Workbench()


def _program(task: TrialTask, like: "Split") -> "Program":
    from search.models.hypermodel import HyperModel
    from search.train.program import Program

    hypermodel = HyperModel(task.model, seen_shape(task.data, task.training), outputs(task.data))
    return Program(lambda seed: hypermodel.build(task.setting, seed), task.training, like, task.data_spec.range)


@dataclass
class Reporter:
    """Sends a message after each epoch; unless the trial is watched, a few times a second at most."""

    task: TrialTask
    images: int
    """In an epoch."""
    sent: float = field(default_factory=time.perf_counter)
    epoch: int = 0

    def __call__(self, epoch: int, scores: Mapping[str, float]) -> bool:
        """Report; return whether the trial is asked to stop."""
        task, now = self.task, time.perf_counter()
        if task.watched or now - self.sent >= 0.2 or epoch == task.training.epochs:
            speed = self.images * (epoch - self.epoch) / (now - self.sent)
            progress.send(progress.EpochDone(task.key, epoch, task.training.epochs, speed, dict(scores)))
            self.sent, self.epoch = now, epoch
        return task.watched and progress.stop_asked(task.key)

    def resumed(self, history: Mapping[str, Sequence[float]]) -> None:
        """Report the epochs that were done before a kill: all of them, if the trial is watched, else the last."""
        task, done = self.task, len(next(iter(history.values())))
        for epoch in range(1 if task.watched else done, done + 1):
            scores = {name: values[epoch - 1] for name, values in history.items()}
            progress.send(progress.EpochDone(task.key, epoch, task.training.epochs, 0.0, scores))
        self.say(f"goes on after epoch {done} of {task.training.epochs}")
        self.sent, self.epoch = time.perf_counter(), done

    def say(self, text: str) -> None:
        """Tell the user something about the trial."""
        progress.send(progress.Said(f"{self.task.arm} seed {self.task.seed}: {text}"))


def checkpoint_of(task: TrialTask, report: Reporter, every_seconds: float) -> Checkpoint | None:
    """Return the checkpoint of `task`, if it is to have one."""
    if task.checkpoints is None:
        return None
    return Checkpoint(task.checkpoints, task.key, report.resumed, report.say, every_seconds)


def reason_of(error: Exception) -> str:
    """Return an exception in one line; of a failed graph, what failed in it."""
    inside = re.findall(r"^(\w+(?:Error|Exception): .+)$", str(error), re.MULTILINE)
    plain = re.sub("\x1b\\[\\d*m", "", str(error))
    lines = [line for line in plain.splitlines() if line.strip()] or [""]
    if inside and "Graph execution error" in lines[0]:
        return str(inside[0])[:200]
    if lines[0].startswith("Exception encountered when calling") and len(lines) > 1:
        del lines[0]  # Keras says where first, and then what.
    return f"{type(error).__name__}: {lines[0][:200]}".rstrip(": ")
