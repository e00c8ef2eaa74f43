"""What a user has in the end: models, on disk and through MLflow, that predict what was recorded."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from small_study import Place

LOAD = """\
import json, sys
from pathlib import Path
import mlflow, numpy as np
mlflow.set_tracking_uri("sqlite:///runs/mlflow.db")
client = mlflow.MlflowClient()
images = np.load("images.npz")
for model in client.search_logged_models([client.get_experiment_by_name("small").experiment_id]):
    folder = Path("runs/small/trials") / model.tags["key"]
    predicted, correct = np.load(folder / "predicted.npy"), np.load(folder / "correct.npy")
    for load, uri in (
        (mlflow.pyfunc.load_model, f"models:/{model.model_id}"),
        (mlflow.pyfunc.load_model, f"runs:/{model.source_run_id}/model"),
        (mlflow.keras.load_model, f"models:/{model.model_id}"),
    ):
        now = load(uri).predict(images["x_test"]).argmax(1)
        same = np.array_equal(now, predicted) and np.array_equal(now == images["y_test"], correct)
        print(json.dumps([model.params["arm"], model.params["seed"], same]))
assert not [name for name in sys.modules if name.split(".")[0] in ("search", "my_models")]
"""


def kept(place: Place) -> set[tuple[str, int]]:
    """Arm and seed of the trials that have a model."""
    records = [json.loads((path.parent / "record.json").read_text()) for path in place.study.glob("trials/*/*.keras")]
    assert all(record["saved_model"]["needs"] == [] for record in records)
    return {(record["arm"], record["seed"]) for record in records}


def test_each_arm_has_one_model_and_the_user_is_told_where(finished: Place) -> None:
    assert kept(finished) == {("plain", 1), ("dropped", 1)}
    said = (finished.folder / "output.txt").read_text()
    assert "Models:  2 in runs/small/trials/KEY/model.keras" in said
    assert "plain seed 1: " in said


def test_loaded_through_mlflow_each_predicts_every_example_as_recorded(finished: Place, tmp_path: Path) -> None:
    shutil.copytree(finished.folder, tmp_path / "copy")
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=tmp_path / "copy",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert sorted(lines) == sorted([[arm, "1", True] for arm in ("plain", "dropped")] * 3)


def test_models_asked_for_too_late_are_named_and_nothing_is_trained_again(finished: Place, tmp_path: Path) -> None:
    shutil.copytree(finished.folder, tmp_path / "copy")
    place = Place(tmp_path / "copy")
    before = place.records()
    done = place.run("study.save_models=all")
    assert done.returncode == 0, done.stderr
    assert "Recorded without a model, and not trained again for one: " in done.stdout
    assert "nothing to train" in done.stdout
    assert place.records() == before
