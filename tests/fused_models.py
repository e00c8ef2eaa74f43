"""Networks that the tests of fused trials build, each with something that the models of `search/models` lack."""

from typing import Any

import numpy as np


def smoothed(hp: Any, input_shape: Any, classes: int) -> Any:
    """Build a network whose loss smooths its labels."""
    import keras

    model = keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Flatten(),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )
    share = hp.Float("label_smoothing", 0.0, 0.5, default=0.0)
    model.compile(keras.optimizers.SGD(0.05), keras.losses.CategoricalCrossentropy(label_smoothing=share))
    return model


def normalised(hp: Any, input_shape: Any, classes: int) -> Any:
    """Build a network with a state of each kind, trainable or not and of an optimizer, and a dropout at one of two
    places; no larger, since XLA takes longer for it than its training does."""
    import keras

    where = hp.Choice("placement", ["none", "after_activation", "after_flatten"], default="none")
    rate = hp.Float("rate", 0.0, 0.9, default=0.5)

    def dropped(place: str) -> list[Any]:
        return [keras.layers.Dropout(rate)] if where == place else []

    model = keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Conv2D(4, 3, strides=2),
            keras.layers.BatchNormalization(),
            keras.layers.Activation("elu"),
            *dropped("after_activation"),
            keras.layers.Flatten(),
            *dropped("after_flatten"),
            keras.layers.Dense(classes, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.001), "sparse_categorical_crossentropy")
    return model


def unmappable(hp: Any) -> Any:
    """Build a network with an operation for which JAX has no mapped form."""
    import jax
    import keras

    class OnTheHost(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            still = jax.lax.stop_gradient(x)
            return x + jax.pure_callback(np.zeros_like, jax.ShapeDtypeStruct(x.shape, x.dtype), still)

    model = keras.Sequential(
        [
            keras.Input((16, 16, 1), batch_size=None),
            keras.layers.Flatten(),
            keras.layers.Dense(8, activation="relu"),
            OnTheHost(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.SGD(hp.Float("learning_rate", 0.01, 1.0, default=0.1)), "sparse_categorical_crossentropy"
    )
    return model


def without_a_graph(hp: Any, input_shape: Any, classes: int) -> Any:
    """Build a network that Keras cannot look into, whose function a number and a word decide."""
    import keras

    class Net(keras.Model):
        def __init__(self, activation: str, factor: float) -> None:
            super().__init__()
            self._flatten, self._dense = keras.layers.Flatten(), keras.layers.Dense(classes)
            self._activation, self._factor = keras.activations.get(activation), factor

        def call(self, x: Any) -> Any:
            return keras.ops.softmax(self._activation(self._dense(self._flatten(x))) * self._factor)

    model = Net(hp.Choice("activation", ["relu", "tanh"]), hp.Float("factor", 0.0, 4.0, default=1.0))
    model.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
    model(np.zeros((1, *input_shape), np.float32))
    return model
