"""One of `keras.datasets` as an npz file: `python -m search.data.keras_download NAME FILE`, a process of its own.

Keras needs seconds to import and holds threads and memory ever after; the coordinator has use for none of it.
"""

import socket
import sys
from collections.abc import Sequence

_SILENCE_SECONDS = 30.0
"""Keras itself would wait for ever for a server that falls silent."""


def main(argv: Sequence[str]) -> int:
    """Write the dataset `argv[0]` to the file `argv[1]`; the last line of standard error says why if it cannot be."""
    import keras
    import numpy as np

    name, file = argv
    loaders = {
        "cifar10": keras.datasets.cifar10,
        "cifar100": keras.datasets.cifar100,
        "fashion_mnist": keras.datasets.fashion_mnist,
    }
    keras.config.set_image_data_format("channels_last")  # A user's keras.json may say otherwise.
    socket.setdefaulttimeout(_SILENCE_SECONDS)
    try:
        (x_train, y_train), (x_test, y_test) = loaders[name].load_data()
    except Exception as error:  # Keras raises bare Exceptions for what a network or a disk does.
        reason = " ".join(str(error).split()).replace(": None -- ", ": ")  # An error number that there is not.
        print(reason or type(error).__name__, file=sys.stderr)
        return 1
    np.savez(file, x_train=x_train, y_train=y_train.reshape(-1), x_test=x_test, y_test=y_test.reshape(-1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
