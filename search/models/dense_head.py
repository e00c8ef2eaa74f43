"""One or two dense layers and a classifier, on features: alone, or as the end of a convolutional network."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from search.models.activations import ACTIVATIONS
from search.models.dropout import Dropout
from search.models.optimizers import declared_optimizer


def build(hp: Any, *, input_shape: Sequence[int], classes: int) -> keras.Model:
    """Return the compiled head for features that a frozen base has computed.

    Args:
        hp: Keras Tuner hyperparameters.
        input_shape: number of features, as a shape of length 1.
        classes: number of classes.
    """
    inputs = keras.Input(tuple(input_shape), name="features")
    return with_head(hp, inputs=inputs, features=inputs, classes=classes, name="dense_head")


def with_head(hp: Any, *, inputs: Any, features: Any, classes: int, name: str) -> keras.Model:
    """Return the compiled model from `inputs` to the scores of a head on `features`.

    The head is [dropout], Dense, [a second Dense], Dense over the classes. The loss is categorical cross-entropy under
    the sigmoid too, so that losses of the two compare (see `NormalisedCrossentropy`).

    Args:
        hp: Keras Tuner hyperparameters.
        inputs: Keras tensor that the model takes.
        features: (batch, features) Keras tensor made from `inputs`.
        classes: number of classes.
        name: of the model.
    """
    dropout = hp.Float("dropout", 0.0, 0.999, default=0.0)
    units = hp.Int("dense_units", 1, 4096, default=512)
    second_units = hp.Int("second_dense_units", 0, 4096, default=0)
    activation = hp.Choice("activation", ACTIVATIONS, default="relu")

    x = Dropout(dropout, name="dropout")(features) if dropout else features
    x = layers.Dense(units, activation=activation, name="dense1")(x)
    if second_units:
        x = layers.Dense(second_units, activation=activation, name="dense2")(x)
    head = hp.Choice("head", ["softmax", "sigmoid"], default="softmax")
    outputs = layers.Dense(classes, activation=head, name="classes")(x)

    model = keras.Model(inputs, outputs, name=name)
    loss = NormalisedCrossentropy() if head == "sigmoid" else "sparse_categorical_crossentropy"
    model.compile(optimizer=declared_optimizer(hp), loss=loss)
    return model


@keras.saving.register_keras_serializable(package="search")
class NormalisedCrossentropy(keras.losses.SparseCategoricalCrossentropy):  # type: ignore[misc]  # Keras has no types
    """Categorical cross-entropy of scores s that need not sum to one: -log(s_y / sum of s).

    That is what Keras documents for any scores. But on TensorFlow it looks behind a sigmoid, takes the logits there
    for a softmax's, and a sigmoid head trains exactly as a softmax head does (Keras 3.15, `_keras_logits`).
    """

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return (batch,) losses of (batch,) labels and (batch, classes) scores above zero."""
        return super().call(y_true, y_pred / keras.ops.sum(y_pred, axis=-1, keepdims=True))
