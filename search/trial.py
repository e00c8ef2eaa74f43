"""The worker's side of a trial: a task comes in, a result goes out, nothing shared is written.

A worker keeps what the next trial can use again: the dataset on the device and the programs of recent settings.
Keras and TensorFlow are imported when a worker starts, never by who merely hands out the tasks.
"""

import os
import re
import time
import traceback
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from search import progress
from search.data.prepared import PreparedData
from studies.errors import InputError
from studies.spec import Setting, TrainingSpec
from tracking.manifest import ModelCard
from tracking.provenance import environment
from tracking.record import Environment

if TYPE_CHECKING:
    from search.train.batches import Split
    from search.train.program import Program
    from search.train.result import TrialResult

_PROGRAMS_KEPT = 4
"""Traced settings that a worker keeps; each holds a graph, its weights and its optimizer's state."""


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

    @property
    def program(self) -> str:
        """What a worker can use again for another trial: equal for trials that differ in the seed only."""
        setting = sorted(self.setting.items())
        return f"{self.model} {setting} {self.training.model_dump_json()} {self.data.digest}"


@dataclass(frozen=True)
class TrialOutcome:
    """A finished trial, and what it ran on."""

    result: "TrialResult"
    environment: Environment


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


def start_worker() -> None:
    """Make this process a worker: one thread, a quiet TensorFlow, and everything heavy imported."""
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import tensorflow as tf

    # Two workers of one thread each train more per second than one worker of two; and with one thread every sum is
    # taken in one order, so that the same key gives the same bits.
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    from search.models import hypermodel
    from search.train import engine

    assert hypermodel and engine  # imported here so that the first trial does not wait for them


def run_trial(task: TrialTask) -> TrialOutcome:
    """Train `task` in this process.

    Raises:
        TrialFailedError: the loss became NaN, memory ran out, or the model raised.
        InputError: the setting is not one that the model accepts.
    """
    from search.train.engine import NotFiniteError, train

    try:
        train_split, test_split = _splits(task.data)
        program = _program(task, train_split)
        [result] = train(program, task.training, train_split, test_split, [task.seed], _Reporter(task))
    except InputError:
        raise
    except NotFiniteError as error:
        raise TrialFailedError(str(error), "") from None
    except Exception as error:
        _programs.clear()  # What broke may have left a half-traced graph or most of the memory behind.
        raise TrialFailedError(_reason(error), traceback.format_exc()) from None
    return TrialOutcome(result, environment())


def describe_model(
    model: str, arm: str, setting: Setting, input_shape: tuple[int, int, int], classes: int
) -> ModelCard:
    """Return what the model of an arm looks like, having checked every name and value in its setting.

    Raises:
        InputError: naming the arm, and the hyperparameter that its model does not accept.
    """
    from search.models.hypermodel import HyperModel

    try:
        return HyperModel(model, input_shape, classes).card(setting)
    except InputError as error:
        raise InputError(f"Arm {arm!r}: {error}") from None
    except Exception as error:
        raise InputError(f"Arm {arm!r}: `study.model` {model!r} cannot be built: {_reason(error)}") from None


def seconds_per_epoch(task: TrialTask, batches: int = 6) -> float:
    """Return the measured time of one epoch of `task`, evaluation included, from a few batches of it."""
    from search.train.batches import on_device

    images = task.data.open()
    count = min(len(images.y_train), batches * task.training.batch_size)
    train_split = on_device(images.x_train[:count], images.y_train[:count])
    test_split = on_device(images.x_test[:count], images.y_test[:count])
    program = _build(task, train_split)
    program.reset(task.seed)
    program.train_epoch(task.seed, 0)
    program.evaluate(test_split)
    clock = time.perf_counter()
    program.train_epoch(task.seed, 1)
    trained = time.perf_counter()
    program.evaluate(test_split)
    evaluated = time.perf_counter()
    per_image = (trained - clock) / train_split.size, (evaluated - trained) / test_split.size
    return per_image[0] * task.data.n_train + per_image[1] * task.data.n_test


_programs: "OrderedDict[str, Program]" = OrderedDict()
_data: "dict[str, tuple[Split, Split]]" = {}


def _program(task: TrialTask, train_split: "Split") -> "Program":
    program = _programs.pop(task.program, None) or _build(task, train_split)
    _programs[task.program] = program
    while len(_programs) > _PROGRAMS_KEPT:
        _programs.popitem(last=False)
    return program


def _build(task: TrialTask, train_split: "Split") -> "Program":
    from search.models.hypermodel import HyperModel
    from search.train.program import Program

    hypermodel = HyperModel(task.model, seen_shape(task.data, task.training), len(task.data.class_names))
    return Program(lambda seed: hypermodel.build(task.setting, seed), task.training, train_split)


def _splits(data: PreparedData) -> "tuple[Split, Split]":
    from search.train.batches import on_device

    if data.digest not in _data:
        _data.clear()
        images = data.open()
        _data[data.digest] = (
            on_device(images.x_train, images.y_train),
            on_device(images.x_test, images.y_test),
        )
    return _data[data.digest]


def seen_shape(data: PreparedData, training: TrainingSpec) -> tuple[int, int, int]:
    """Return height, width and channels of an image as the model sees it.

    Raises:
        InputError: the crop is larger than the images.
    """
    height, width, channels = data.image_shape
    side = training.augmentation.crop
    if side is not None and side > min(height, width):
        raise InputError(
            f"`study.training.augmentation.crop` must be at most {min(height, width)}, the side of the images of "
            f"dataset {data.name!r}. Received: {side}."
        )
    return (side, side, channels) if side else (height, width, channels)


@dataclass
class _Reporter:
    """Sends a message after each epoch, a few times a second at most."""

    task: TrialTask
    sent: float = 0.0
    epoch: int = 0

    def __post_init__(self) -> None:
        self.sent = time.perf_counter()

    def __call__(self, epoch: int) -> None:
        now = time.perf_counter()
        if now - self.sent < 0.2 and epoch < self.task.training.epochs:
            return
        speed = self.task.data.n_train * (epoch - self.epoch) / (now - self.sent)
        progress.send(progress.EpochDone(self.task.key, epoch, self.task.training.epochs, speed))
        self.sent, self.epoch = now, epoch


def _reason(error: Exception) -> str:
    """Return an exception in one line; of a failed graph, what failed in it."""
    inside = re.findall(r"^(\w+(?:Error|Exception): .+)$", str(error), re.MULTILINE)
    lines = str(error).strip().splitlines() or [""]
    if inside and "Graph execution error" in lines[0]:
        return str(inside[0])[:200]
    return f"{type(error).__name__}: {lines[0][:200]}".rstrip(": ")
