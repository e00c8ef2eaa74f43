"""Two convolutional blocks and a classifier: the control of the traffic-sign dropout ablation."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from search.models.activations import ACTIVATIONS
from search.models.dropout import Dropout
from search.models.optimizers import declared_optimizer

PLACEMENTS = ["none", "after_pooling", "after_flatten", "after_activation"]


def build(hp: Any, *, input_shape: Sequence[int], classes: int) -> keras.Model:
    """Return the compiled model that the values in `hp` describe.

    Each block is Conv 5x5 valid, [batch norm], activation, [dropout], MaxPool 2, [dropout], with 32 and 64 filters;
    then Flatten, [dropout], [Dense], Dense softmax. For 28x28x3 inputs the shapes are 24x24x32, 12x12x32, 8x8x64,
    4x4x64, 1024, classes.

    Args:
        hp: Keras Tuner hyperparameters.
        input_shape: height, width and channels of an image as the model sees it.
        classes: number of classes.
    """
    placement = hp.Choice("placement", PLACEMENTS, default="none")
    with hp.conditional_scope("placement", PLACEMENTS[1:]):
        rate = hp.Float("rate", 0.0, 0.999, default=0.5)
    activation = hp.Choice("activation", ACTIVATIONS, default="elu")
    batch_norm = hp.Boolean("batch_norm", default=False)
    dense_units = hp.Int("dense_units", 0, 4096, default=0)
    bias = keras.initializers.TruncatedNormal(
        mean=hp.Float("bias_mean", -1.0, 1.0, default=0.01),
        stddev=hp.Float("bias_stddev", 0.0, 1.0, default=0.01),
    )

    def dropout_at(place: str, x: Any, name: str) -> Any:
        return Dropout(rate, name=name)(x) if placement == place else x

    x = inputs = keras.Input(tuple(input_shape), name="image")
    for number, filters in enumerate((32, 64), start=1):
        x = layers.Conv2D(filters, 5, bias_initializer=bias.clone(), name=f"conv{number}")(x)
        if batch_norm:
            x = layers.BatchNormalization(name=f"norm{number}")(x)
        x = layers.Activation(activation, name=f"activation{number}")(x)
        x = dropout_at("after_activation", x, f"dropout{number}")
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
        x = dropout_at("after_pooling", x, f"dropout{number}")
    x = dropout_at("after_flatten", layers.Flatten(name="flatten")(x), "dropout")
    if dense_units:
        x = layers.Dense(dense_units, activation=activation, name="dense")(x)
    outputs = layers.Dense(classes, activation="softmax", name="classes")(x)

    model = keras.Model(inputs, outputs, name="two_block_cnn")
    model.compile(optimizer=declared_optimizer(hp, learning_rate=1e-3), loss="sparse_categorical_crossentropy")
    return model
