"""One arm of the traffic-sign ablation trained for a few epochs in this process, by our engine or by `model.fit`."""

import time
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from studies.compose import compose
from studies.spec import StudySpec

OURS, FIT, KERAS_LAYER = "ours", "fit", "ours with Keras's Dropout"
SEED = 1


@dataclass(frozen=True)
class Job:
    """What is trained, and how."""

    side: str
    """OURS, FIT or KERAS_LAYER."""
    arm: str
    data: str
    epochs: int
    images: int | None
    """Training images, the first ones, with the same share of the test images. None: all."""

    @property
    def study(self) -> StudySpec:
        """The study, with one epoch on top, in which the graph is traced."""
        overrides = [f"dataset.dir={Path(self.data).parent}", f"study.training.epochs={self.epochs + 1}"]
        return compose(["study=dropout_ablation", "dataset=gtsrb", *overrides]).study


@dataclass
class Clock:
    """Wall and CPU time at the start and after each epoch."""

    wall: list[float] = field(default_factory=lambda: [time.perf_counter()])
    cpu: list[float] = field(default_factory=lambda: [time.process_time()])

    def tick(self, *_: object) -> None:
        """Note the end of an epoch."""
        self.wall.append(time.perf_counter())
        self.cpu.append(time.process_time())


@dataclass(frozen=True)
class Measurement:
    """How one job went."""

    clock: Clock
    n_train: int
    flop: float
    """Floating-point operations of an epoch, in the products of convolutions and dense layers alone."""
    test_accuracy: float

    @property
    def seconds(self) -> float:
        """An epoch, on average, without the first."""
        return _per_epoch(self.clock.wall)

    @property
    def cpu_seconds(self) -> float:
        """The same in CPU time of all threads, which suffers less from other work on the machine."""
        return _per_epoch(self.clock.cpu)

    def __str__(self) -> str:
        return (
            f"{self.n_train / self.seconds:,.0f} images/s, {self.flop / self.seconds / 1e9:.0f} GFLOP/s on "
            f"{self.cpu_seconds / self.seconds:.2f} cores, test accuracy {self.test_accuracy:.3f}"
        )


def measure(job: Job) -> Measurement:
    """Train `job` in this process, and evaluate all test images after each epoch."""
    from search.data.gtsrb import read_gtsrb

    images = read_gtsrb(Path(job.data))
    share = min(1.0, (job.images or len(images.x_train)) / len(images.x_train))
    n_train, n_test = round(share * len(images.x_train)), round(share * len(images.x_test))
    train = images.x_train[:n_train], images.y_train[:n_train]
    test = images.x_test[:n_test], images.y_test[:n_test]
    model, clock, accuracy = (_fit if job.side == FIT else _engine)(job, train, test)
    forward, step = _flop(model)
    return Measurement(clock, n_train, n_train * step + n_test * forward, accuracy)


def _engine(job: Job, train_arrays: Any, test_arrays: Any) -> tuple[Any, Clock, float]:
    """Return the model that our engine trained, its times, and its accuracy on the test images."""
    import plain_keras

    from search.models.hypermodel import HyperModel
    from search.train.batches import on_device
    from search.train.engine import train
    from search.train.parts import Parts
    from search.train.program import Program

    study = job.study
    setting, hypermodel = study.setting(job.arm), HyperModel(study.model, (28, 28, 3), classes=43)
    train_split, test_split = on_device(*train_arrays), on_device(*test_arrays)

    def build(seed: int) -> Any:
        if job.side == KERAS_LAYER:
            return plain_keras.build(str(setting["placement"]), classes=43)
        return hypermodel.build(setting, seed)

    clock = Clock()

    def tick(epoch: int, values: Any) -> bool:
        clock.tick(epoch, values)
        return False

    program = Program(build, study.training, train_split)
    [result] = train(program, study.training, Parts(train_split, test=test_split), [SEED], tick)
    return program.model, clock, result.metrics["test_accuracy"]


def _fit(job: Job, train_arrays: Any, test_arrays: Any) -> tuple[Any, Clock, float]:
    """Return the model that Keras trained, its times, and its accuracy on the test images."""
    import keras
    import plain_keras

    training, placement = job.study.training, str(job.study.setting(job.arm)["placement"])
    keras.utils.set_random_seed(SEED)
    batches = plain_keras.batches(*train_arrays, training=True, batch_size=training.batch_size)
    test_batches = plain_keras.batches(*test_arrays, training=False, batch_size=training.batch_size)
    clock = Clock()
    model = plain_keras.build(placement, classes=43)
    timing = keras.callbacks.LambdaCallback(on_epoch_end=clock.tick)
    history = model.fit(batches, validation_data=test_batches, epochs=training.epochs, verbose=0, callbacks=[timing])
    return model, clock, history.history["val_accuracy"][-1]


def _per_epoch(moments: list[float]) -> float:
    return (moments[-1] - moments[1]) / (len(moments) - 2)


def _flop(model: Any) -> tuple[int, int]:
    """Return the operations of evaluating one image, and of training on one; a multiply-add counts as two."""
    layers = [layer for layer in model.layers if hasattr(layer, "kernel")]
    products = [2 * prod(layer.kernel.shape) * prod(layer.output.shape[1:-1]) for layer in layers]
    # Going back costs two products for each one going forward: the gradients of the weights and of the inputs. The
    # first layer's inputs are the images, whose gradient nobody asks for.
    return sum(products), 3 * sum(products) - products[0]
