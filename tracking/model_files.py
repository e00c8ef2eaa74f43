"""The files that a model in MLflow is made of, but for the card that MLflow itself writes."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np

from tracking.record import DamagedRecordError, RecordStore, TrialRecord
from tracking.saved_model import MODEL_FILE

DATA_FOLDER = "data"
"""Holds the model, named as MLflow's Keras flavour looks for it."""
REQUIREMENTS_FILE, PYTHON_FILE = "requirements.txt", "python_env.yaml"
EXAMPLE_FILE, SERVING_FILE = "input_example.json", "serving_input_example.json"
_EXAMPLES = 2


def put_model_files(store: RecordStore, record: TrialRecord, target: Path) -> None:
    """Fill `target` with the model of a trial, what it has to be loaded with, and images to try it on.

    Args:
        store: the study's records.
        record: of the trial.
        target: an empty folder.

    Raises:
        DamagedRecordError: the file is not what was recorded.
    """
    file = store.model_file(record.key)
    if record.saved_model is None or file is None:
        raise DamagedRecordError(f"the model of {record.key} is not there")
    copy = target / DATA_FOLDER / MODEL_FILE
    copy.parent.mkdir()
    shutil.copyfile(file, copy)
    with copy.open("rb") as content:
        if hashlib.file_digest(content, "sha256").hexdigest() != record.saved_model.sha256:
            raise DamagedRecordError(f"{file} is not what was written")
    packages = record.environment.packages
    pins = [f"{name}=={packages[name]}" for name in ("mlflow", "keras", "tensorflow", "numpy") if name in packages]
    (target / REQUIREMENTS_FILE).write_text("\n".join([*pins, ""]), encoding="utf-8")
    python = f"python: {record.environment.python}\n"
    how = f"build_dependencies:\n- pip\ndependencies:\n- -r {REQUIREMENTS_FILE}\n"
    (target / PYTHON_FILE).write_text(python + how, encoding="utf-8")
    dataset = record.saved_model.dataset or f"{record.dataset}-{record.data_digest[:12]}"
    _put_example(store.folder.parent / "data" / dataset, target)


def _put_example(data: Path, target: Path) -> None:
    """Write the first test examples in MLflow's format for arrays, as long as the prepared dataset is on disk."""
    try:
        examples = np.load(data / "x_test.npy", mmap_mode="r", allow_pickle=False)[:_EXAMPLES].tolist()
    except (OSError, ValueError, EOFError):
        return
    (target / EXAMPLE_FILE).write_text(json.dumps(examples), encoding="utf-8")
    (target / SERVING_FILE).write_text(json.dumps({"inputs": examples}), encoding="utf-8")
