"""Wall time of the whole digits ablation, 4 arms x 3 seeds, three ways: `whole_study.py [epochs=30] [rounds=1]`.

They take turns. All start Python anew, use the cores they find, report train and test metrics after each epoch, and
keep them.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent


def seconds(*command: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, capture_output=True, cwd=HERE.parent)
    return time.perf_counter() - started


def main() -> None:
    given = dict(text.split("=", 1) for text in sys.argv[1:])
    epochs, rounds = given.get("epochs", "30"), int(given.get("rounds", 1))
    times: dict[str, list[float]] = {"search.run": [], "Keras Tuner": [], "Optuna and fit": []}
    for number in range(1, rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            study = ["study=dropout_ablation", "study.replicates=3", f"study.training.epochs={epochs}"]
            times["search.run"].append(seconds("-m", "search.run", *study, f"runs_dir={folder}/runs"))
        times["Keras Tuner"].append(seconds(str(HERE / "with_keras_tuner.py"), epochs))
        times["Optuna and fit"].append(seconds(str(HERE / "with_optuna.py"), epochs))
        latest = ", ".join(f"{name} {values[-1]:.1f} s" for name, values in times.items())
        print(f"round {number} of {rounds}: {latest}", flush=True)
    best = {name: min(values) for name, values in times.items()}
    for name in ("Keras Tuner", "Optuna and fit"):
        print(f"{name} takes {best[name] / best['search.run']:.2f} times as long (best of {rounds} each)")


if __name__ == "__main__":
    main()
