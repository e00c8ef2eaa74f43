"""The digits ablation as a Keras user writes it: the same images, layers and budget, without our engine."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

ARMS = ("none", "after_pooling", "after_flatten", "after_activation")
SEEDS = (1, 2, 3)
BATCH_SIZE = 64


def build(placement: str, classes: int = 10, learning_rate: float = 1e-3) -> keras.Model:
    """Return the compiled two_block_cnn for 28x28x3 images in [0, 1]."""
    layers = keras.layers
    bias = keras.initializers.TruncatedNormal(mean=0.01, stddev=0.01)
    model = keras.Sequential([keras.Input((28, 28, 3))])
    for filters in (32, 64):
        model.add(layers.Conv2D(filters, 5, bias_initializer=bias.clone()))
        model.add(layers.Activation("elu"))
        if placement == "after_activation":
            model.add(layers.Dropout(0.5))
        model.add(layers.MaxPooling2D(2))
        if placement == "after_pooling":
            model.add(layers.Dropout(0.5))
    model.add(layers.Flatten())
    if placement == "after_flatten":
        model.add(layers.Dropout(0.5))
    model.add(layers.Dense(classes, activation="softmax"))
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def batches(x: np.ndarray, y: np.ndarray, training: bool, batch_size: int = BATCH_SIZE) -> tf.data.Dataset:
    """Return batches of 28x28 windows of (n, 32, 32, 3) bytes: random ones, shuffled, in training, else the centre."""
    if not training:
        return tf.data.Dataset.from_tensor_slices((x[:, 2:30, 2:30] / np.float32(255), y)).batch(batch_size).cache()

    def window(image: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.cast(tf.image.random_crop(image, (28, 28, 3)), tf.float32) / 255, label

    images = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x))
    return images.map(window, tf.data.AUTOTUNE).batch(batch_size).prefetch(tf.data.AUTOTUNE)
