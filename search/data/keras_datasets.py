"""CIFAR-10, CIFAR-100 and Fashion-MNIST: from a file `NAME.npz` of the user's, or through `keras.datasets`."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from search.data.check import check_images
from search.data.class_names import PUBLISHED
from search.data.images import Images
from search.data.npz import read_arrays
from search.data.progress import Notify
from studies.errors import InputError

RECIPE = 1
"""To be raised with any change of what `load_published` returns. What Keras downloads does not change."""


def source_stamp() -> str:
    """Return what the arrays that Keras downloads depend on."""
    return f"recipe {RECIPE}"


def read_published(name: str, path: Path) -> Images:
    """Return the dataset `name` in the npz file `path`, with the names of its classes.

    Raises:
        InputError: the file does not hold valid images (see `check_images`).
    """
    return check_images({**read_arrays(path), "class_names": np.array(PUBLISHED[name])}, str(path))


def load_published(name: str, folder: Path | None, notify: Notify) -> Images:
    """Return the dataset `name` from Keras's cache (`KERAS_HOME`, else ~/.keras), downloaded if it is not there.

    Keras checks the hashes of both CIFARs and not of Fashion-MNIST. Takes about 4 s, besides the download.

    Args:
        name: `cifar10`, `cifar100` or `fashion_mnist`.
        folder: where the user's own file was looked for, if anywhere.
        notify: takes a line about what is done.

    Raises:
        InputError: it can neither be found nor downloaded.
    """
    absent = f"{folder}/ holds no {name}.npz: " if folder else ""
    notify(f"{absent}Reading {name} through keras.datasets, which downloads it unless its cache has it")
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / f"{name}.npz"
        reason = _run(name, file)
        if reason is not None:
            place = f"into {folder}/" if folder else "into a folder and name that with dataset.dir"
            raise InputError(
                f"{name} could not be read through keras.datasets ({reason}). "
                f"Put {name}.npz (x_train, y_train, x_test, y_test) {place}; `dataset=digits` needs no download."
            )
        return read_published(name, file)


def _run(name: str, file: Path) -> str | None:
    """Have a process of its own write `file`; return why it could not, None if it did."""
    quiet = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        [sys.executable, "-m", "search.data.keras_download", name, str(file)],
        env={**os.environ, **quiet},
        # Keras draws its bar on standard output, which here is for results; off a terminal it is noise.
        stdout=sys.stderr if sys.stderr.isatty() else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return None
    said = done.stderr.strip().splitlines()
    return said[-1][:300] if said else f"its process ended with code {done.returncode}"
