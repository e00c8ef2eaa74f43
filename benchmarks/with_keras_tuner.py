"""The digits ablation with Keras Tuner: a grid over the placements, each executed three times."""

import sys
import tempfile

import keras_tuner
from plain_keras import ARMS, SEEDS, batches, build

from search.data.digits import load_digits


def main() -> None:
    epochs = int(sys.argv[1])
    images = load_digits()
    with tempfile.TemporaryDirectory() as folder:
        tuner = keras_tuner.GridSearch(
            lambda hp: build(hp.Choice("placement", ARMS)),
            objective="val_accuracy",
            max_trials=len(ARMS),
            executions_per_trial=len(SEEDS),
            directory=folder,
        )
        tuner.search(
            batches(images.x_train, images.y_train, training=True),
            validation_data=batches(images.x_test, images.y_test, training=False),
            epochs=epochs,
            verbose=0,
        )


if __name__ == "__main__":
    main()
