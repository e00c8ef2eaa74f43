"""A small question that a real command answers in seconds: a user's study, model and images in their own folder."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

STUDY = """\
name: small
kind: ablation
question: Does a small network need its dropout?
model: my_models:build
control: plain
arms:
  plain: {rate: 0.0}
  dropped: {rate: 0.5}
replicates: 3
training: {epochs: 3, batch_size: 32}
"""

SEARCH = """\
name: small
kind: search
question: Which rate suits a small network?
model: my_models:build
control: plain
arms:
  plain: {rate: 0.0}
search:
  sampler: random
  settings: 4
  space:
    rate: {choices: [0.0, 0.2, 0.4, 0.6]}
    learning_rate: {low: 0.001, high: 0.1, log: true}
  confirm: {settings: 2, replicates: 3}
data: {validation: {fraction: 0.25}}
training: {epochs: 3, batch_size: 32}
"""

MODELS = '''\
import os, signal, sys, time
from pathlib import Path
import keras

def may_end():
    """As many trials may end as the file says."""
    try:
        most = int(Path("stand_still").read_text())
    except FileNotFoundError:
        return True
    for number in range(most):
        try:
            Path(f"ended{number}").touch(exist_ok=False)
            return True
        except FileExistsError:
            pass
    return False

def patiently(message):
    if getattr(message, "epoch", 0) == getattr(message, "epochs", None):
        end = time.monotonic() + 600  # Nobody may be left to let it go on.
        while not may_end() and time.monotonic() < end:
            Path("standing").touch()
            time.sleep(0.02)
    send(message)

if Path("stand_still").exists():
    progress = sys.modules["search.progress"]
    send, progress.send = progress.send, patiently

def build(hp, input_shape, classes):
    rate = hp.Float("rate", 0.0, 0.9, default=0.0)
    learning_rate = hp.Float("learning_rate", 0.001, 1e38, default=0.01)
    trouble = hp.Choice("trouble", ["none", "exception", "suicide", "suicide once", "slow"], default="none")
    inputs = keras.Input(input_shape)
    x = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    x = keras.layers.Dropout(rate)(keras.layers.Flatten()(x))
    if trouble != "none":
        x = Trouble(trouble)(x)
    model = keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(x))
    model.compile(optimizer=keras.optimizers.SGD(learning_rate), loss="sparse_categorical_crossentropy")
    return model

class Trouble(keras.layers.Layer):
    """Happens in the first training step, in whatever process that is."""
    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def call(self, x, training=False):
        import tensorflow as tf
        if not training:
            return x
        tf.numpy_function(self.happen, [], [])
        return x

    def happen(self):
        once = Path("died_once")
        if self.kind == "exception":
            raise RuntimeError("the model does not feel well")
        if self.kind == "suicide" or self.kind == "suicide once" and not once.exists():
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "slow":
            Path("training").touch()
            time.sleep(0.2)
'''


PATIENCE_SECONDS = 240.0
"""How long a test waits for what should come: long enough for a machine that is busy with something else."""

NOBODY = "tracking_uri=http://127.0.0.1:9"
"""Nobody answers there. To make MLflow's database, fill it and draw for it takes a fourth of what a small study takes,
and who asks what became of the trials does not look there."""


@dataclass(frozen=True)
class Place:
    """A user's working folder."""

    folder: Path
    is_shown: bool = True
    """Whether MLflow is told of what runs here, unless a command says where it is."""

    @property
    def study(self) -> Path:
        return self.folder / "runs" / "small"

    def command(self, module: str, *arguments: str) -> list[str]:
        data = ["study=small", "dataset=npz", "dataset.dir=.", "dataset.file=images.npz", "study.name=small"]
        config = ["--config-dir", "mine"] if module.startswith("search") else []
        if module == "search.run" and not self.is_shown and not any("tracking_uri" in one for one in arguments):
            arguments = (NOBODY, *arguments)
        return [sys.executable, "-m", module, *config, *(data if config else []), *arguments]

    def run(self, *arguments: str, module: str = "search.run") -> "subprocess.CompletedProcess[str]":
        """Run to the end; with one worker, if nothing else is said, since a second one imports for longer than both
        train."""
        if module == "search.run" and not any(argument.startswith("executor") for argument in arguments):
            arguments = ("executor.workers=1", *arguments)
        return subprocess.run(
            self.command(module, *arguments), cwd=self.folder, capture_output=True, text=True, timeout=600, check=False
        )

    def stand_still(self, after: int) -> None:
        """Have the study come to a standstill after so many trials, the others in their last epoch, until it may
        `go_on`: what a test does to it then comes in time on any machine. There is a file `standing` once one waits."""
        for path in (*self.folder.glob("ended*"), self.folder / "standing"):
            path.unlink(missing_ok=True)
        (self.folder / "stand_still").write_text(str(after))

    def go_on(self) -> None:
        (self.folder / "stand_still").unlink(missing_ok=True)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command("search.run", *arguments),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def records(self) -> dict[str, bytes]:
        return {path.parent.name: path.read_bytes() for path in sorted(self.study.glob("trials/[!.]*/record.json"))}

    def table(self) -> bytes:
        """The report's tables of means and comparisons: what the study says."""
        return b"".join((self.study / "report" / name).read_bytes() for name in ("means.csv", "comparisons.csv"))

    def files(self) -> set[str]:
        return {
            str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if "__pycache__" not in path.parts
        }


def said_until(process: "subprocess.Popen[str]", text: str) -> str:
    """Return what a process says up to the line with `text`; what comes after it is to be read by `said_to_the_end`."""
    with _patience(process) as lines:
        said = ""
        for line in lines:
            said += line
            if text in line:
                return said
    raise AssertionError(f"It ended without {text!r}: {said}")


def said_to_the_end(process: "subprocess.Popen[str]") -> str:
    """Return the rest of what a process says, which has ended then."""
    with _patience(process) as lines:
        said = lines.read()
        process.wait()
    return said


@contextmanager
def _patience(process: "subprocess.Popen[str]") -> Iterator[IO[str]]:
    """Give what a process says; one that goes on for too long is killed, so that nobody waits for a line for ever."""
    assert process.stdout is not None
    timer = threading.Timer(PATIENCE_SECONDS, process.kill)
    timer.start()
    try:
        yield process.stdout
    finally:
        timer.cancel()


def make_place(folder: Path, study: str = STUDY, *, is_shown: bool = False) -> Place:
    """Fill an empty folder with `study`, the text of its file, and what it needs."""
    (folder / "mine" / "study").mkdir(parents=True)
    (folder / "mine" / "study" / "small.yaml").write_text(study)
    (folder / "my_models.py").write_text(MODELS)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 240)
    images = (rng.random((240, 10, 10, 1)) * 120 + labels[:, None, None, None] * 40).astype(np.uint8)
    np.savez(
        folder / "images.npz", x_train=images[:160], y_train=labels[:160], x_test=images[160:], y_test=labels[160:]
    )
    return Place(folder, is_shown)


def finished_place(folder: Path, study: str = STUDY, *arguments: str, is_shown: bool = False) -> Place:
    """Fill an empty folder, and run `study` with `arguments` to its end, undisturbed; its words are in output.txt."""
    place = make_place(folder, study, is_shown=is_shown)
    done = place.run(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    (place.folder / "output.txt").write_text(done.stdout)
    return place
