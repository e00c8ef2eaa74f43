"""The digits ablation with Optuna, `model.fit` and MLflow's Keras callback, one run per trial."""

import sys
import tempfile

import keras
import mlflow
import optuna
from plain_keras import ARMS, SEEDS, batches, build

from search.data.digits import load_digits


def main() -> None:
    epochs = int(sys.argv[1])
    images = load_digits()

    def objective(trial: optuna.Trial) -> float:
        placement = trial.suggest_categorical("placement", ARMS)
        keras.utils.set_random_seed(trial.suggest_categorical("seed", SEEDS))
        model = build(placement)
        with mlflow.start_run():
            mlflow.log_params(trial.params)
            history = model.fit(
                batches(images.x_train, images.y_train, training=True),
                validation_data=batches(images.x_test, images.y_test, training=False),
                epochs=epochs,
                verbose=0,
                callbacks=[mlflow.keras.MlflowCallback()],
            )
        return float(history.history["val_accuracy"][-1])

    with tempfile.TemporaryDirectory() as folder:
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.create_experiment("digits", artifact_location=f"file://{folder}/artifacts")
        mlflow.set_experiment("digits")
        grid = {"placement": ARMS, "seed": SEEDS}
        study = optuna.create_study(
            storage=f"sqlite:///{folder}/optuna.db", direction="maximize", sampler=optuna.samplers.GridSampler(grid)
        )
        study.optimize(objective, n_trials=len(ARMS) * len(SEEDS))


if __name__ == "__main__":
    main()
