"""A small question that a real command answers in seconds: a user's study, model and images in their own folder."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

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

MODELS = '''\
import os, signal, time
from pathlib import Path
import keras

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
            time.sleep(0.2)
'''


@dataclass(frozen=True)
class Place:
    """A user's working folder."""

    folder: Path

    @property
    def study(self) -> Path:
        return self.folder / "runs" / "small"

    def command(self, module: str, *arguments: str) -> list[str]:
        data = ["study=small", "dataset=npz", "dataset.dir=.", "dataset.file=images.npz", "study.name=small"]
        config = ["--config-dir", "mine"] if module.startswith("search") else []
        return [sys.executable, "-m", module, *config, *(data if config else []), *arguments]

    def run(self, *arguments: str, module: str = "search.run") -> "subprocess.CompletedProcess[str]":
        """Run to the end; with one worker, if nothing else is said, since a second one imports for longer than both
        train."""
        if module == "search.run" and not any(argument.startswith("executor") for argument in arguments):
            arguments = ("executor.workers=1", *arguments)
        return subprocess.run(
            self.command(module, *arguments), cwd=self.folder, capture_output=True, text=True, timeout=600, check=False
        )

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


def make_place(folder: Path, study: str = STUDY) -> Place:
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
    return Place(folder)


def finished_place(folder: Path, study: str = STUDY, *arguments: str) -> Place:
    """Fill an empty folder, and run `study` with `arguments` to its end, undisturbed; its words are in output.txt."""
    place = make_place(folder, study)
    done = place.run(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    (place.folder / "output.txt").write_text(done.stdout)
    return place
