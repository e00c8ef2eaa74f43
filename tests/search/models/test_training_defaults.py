"""How the models are trained unless a setting says otherwise: optimizers, learning rates and losses as published."""

import math

import keras
import numpy as np
import pytest

from search.models import BUILT_IN
from search.models.hypermodel import HyperModel
from search.models.optimizers import OPTIMIZERS

SHAPES = {"two_block_cnn": (28, 28, 3), "challenge_cnn": (28, 28, 3), "dense_shortcut": (1,), "dense_head": (64,)}
RATES = {
    "two_block_cnn": 0.001,
    "challenge_cnn": 0.05,
    "naive_convnet": 0.0002,
    "batchnorm_convnet": 0.0005,
    "cifar_small": 0.001,
    "vgg_small": 0.001,
    "dense_head": 0.001,
}


def model_of(name: str) -> HyperModel:
    return HyperModel(name, SHAPES.get(name, (16, 16, 3)), 1 if name == "dense_shortcut" else 10)


@pytest.mark.parametrize("name", RATES)
def test_the_optimizer_is_adam_at_the_published_rate(name: str) -> None:
    optimizer = model_of(name).build({}, seed=1).optimizer
    assert type(optimizer) is keras.optimizers.Adam
    assert float(optimizer.learning_rate) == pytest.approx(RATES[name])


def test_six_conv_is_trained_by_gradient_descent_with_momentum() -> None:
    optimizer = model_of("six_conv").build({}, seed=1).optimizer
    assert type(optimizer) is keras.optimizers.SGD
    assert float(optimizer.learning_rate) == pytest.approx(0.001)
    assert optimizer.momentum == 0.5
    faster = model_of("six_conv").build({"momentum": 0.9, "learning_rate": 0.01}, seed=1).optimizer
    assert float(faster.learning_rate) == pytest.approx(0.01)
    assert faster.momentum == 0.9


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_model_without_a_published_rate_takes_that_of_keras_for_the_chosen_optimizer(name: str) -> None:
    optimizer = model_of("dense_head").build({"optimizer": name}, seed=1).optimizer
    assert type(optimizer) is OPTIMIZERS[name]
    assert float(optimizer.learning_rate) == pytest.approx(float(OPTIMIZERS[name]().learning_rate))


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_model_lets_a_study_choose_optimizer_rate_and_activation(name: str) -> None:
    card = model_of(name).card({"optimizer": "rmsprop", "learning_rate": 0.003, "activation": "tanh"})
    assert card.values["optimizer"] == "rmsprop"
    assert card.values["learning_rate"] == 0.003
    assert card.values["activation"] == "tanh"


def test_cifar_small_scores_in_logits_and_its_loss_knows() -> None:
    model = model_of("cifar_small").build({}, seed=1)
    logits = np.array([[3.0, -1.0, 0.5]], np.float32)
    expected = -3.0 + math.log(math.exp(3.0) + math.exp(-1.0) + math.exp(0.5))
    assert float(model.loss(np.array([0]), logits)) == pytest.approx(expected, rel=1e-5)


def test_the_loss_under_a_sigmoid_head_divides_the_scores_by_their_sum() -> None:
    model = HyperModel("dense_head", (8,), 3).build({"head": "sigmoid"}, seed=1)
    x = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    y = np.array([0, 1, 2, 1])
    scores = np.array(model(x, training=False))
    assert not np.allclose(scores.sum(axis=1), 1, rtol=0.01)
    expected = -np.log(scores[np.arange(4), y] / scores.sum(axis=1)).mean()
    assert float(model.compute_loss(x, y, model(x))) == pytest.approx(expected, rel=1e-5)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5), "in a graph too"
    softmax = HyperModel("dense_head", (8,), 3).build({"head": "softmax"}, seed=1)
    assert float(softmax.compute_loss(x, y, softmax(x))) != pytest.approx(expected, rel=1e-3)


def test_the_shortcut_network_learns_a_line_by_its_squared_error() -> None:
    model = model_of("dense_shortcut").build({"learning_rate": 0.03}, seed=1)
    x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
    y = 2 * x + 1
    assert float(model.compute_loss(x, y, model(x))) == pytest.approx(float(np.mean((np.array(model(x)) - y) ** 2)))
    losses = model.fit(x, y, epochs=30, batch_size=64, verbose=0).history["loss"]
    assert losses[-1] < 0.05 < losses[0]


def test_leaky_relu_of_the_published_network_leaks_three_tenths_and_can_be_another_activation() -> None:
    hypermodel = model_of("batchnorm_convnet")
    assert hypermodel.build({}, seed=1).get_layer("activation1").negative_slope == pytest.approx(0.3)
    kinds = {layer.kind for layer in hypermodel.card({"activation": "relu"}).layers}
    assert "LeakyReLU" not in kinds


def test_a_trained_base_gives_the_features_on_which_its_own_head_predicts() -> None:
    from search.train.features import up_to

    model = HyperModel("vgg_small", (32, 32, 3), 100).build({"dropout": 0.5, "second_dense_units": 128}, seed=1)
    x = np.random.default_rng(0).random((2, 32, 32, 3), np.float32)
    base = up_to(model, None)
    features = np.array(base(x, training=False))
    assert features.shape == (2, 2048)
    head = HyperModel("dense_head", (2048,), 100).build({"dropout": 0.5, "second_dense_units": 128}, seed=2)
    head.set_weights(model.get_weights()[len(base.get_weights()) :])
    np.testing.assert_allclose(np.array(head(features, training=False)), np.array(model(x, training=False)), rtol=1e-4)
