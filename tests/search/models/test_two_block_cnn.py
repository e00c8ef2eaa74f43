"""System A's network, against the published parameter counts and shapes."""

import numpy as np
import pytest

from search.models.hypermodel import HyperModel
from studies.errors import InputError
from tracking.manifest import ModelCard

MODEL = HyperModel("two_block_cnn", (28, 28, 3), 43)


def shapes(card: ModelCard) -> list[tuple[int | None, ...]]:
    return [layer.output_shape[1:] for layer in card.layers]


def params(card: ModelCard) -> list[int]:
    return [layer.params for layer in card.layers if layer.params]


def kinds(card: ModelCard) -> list[str]:
    return [layer.kind for layer in card.layers]


def test_the_control_has_the_published_shapes_and_parameters() -> None:
    card = MODEL.card({"placement": "none"})
    assert params(card) == [2432, 51264, 44075]
    assert list(dict.fromkeys(shapes(card))) == [
        (28, 28, 3),
        (24, 24, 32),
        (12, 12, 32),
        (8, 8, 64),
        (4, 4, 64),
        (1024,),
        (43,),
    ]
    assert "Dropout" not in kinds(card)


def test_batch_norm_stands_between_each_convolution_and_its_activation() -> None:
    card = MODEL.card({"placement": "none", "batch_norm": True})
    assert params(card) == [2432, 64, 51264, 128, 44075]
    assert sum(layer.frozen_params for layer in card.layers) == 192
    assert kinds(card)[1:4] == ["Conv2D", "BatchNormalization", "Activation"]


@pytest.mark.parametrize(
    ("placement", "before_each_dropout"),
    [
        ("after_pooling", ["MaxPooling2D", "MaxPooling2D"]),
        ("after_flatten", ["Flatten"]),
        ("after_activation", ["Activation", "Activation"]),
    ],
)
def test_dropout_stands_where_the_arm_says_and_adds_no_parameters(
    placement: str, before_each_dropout: list[str]
) -> None:
    card = MODEL.card({"placement": placement, "rate": 0.5})
    found = [before for before, kind in zip(kinds(card), kinds(card)[1:], strict=False) if kind == "Dropout"]
    assert found == before_each_dropout
    assert params(card) == [2432, 51264, 44075]


def test_biases_of_the_convolutions_are_drawn_as_specified_and_the_classifier_starts_at_zero() -> None:
    model = MODEL.build({"bias_mean": 0.5, "bias_stddev": 0.01}, seed=1)
    biases = {layer.name: layer.bias.numpy() for layer in model.layers if hasattr(layer, "bias")}
    for name in ("conv1", "conv2"):
        assert abs(biases[name].mean() - 0.5) < 0.01
        assert 0 < biases[name].std() < 0.02
        assert np.abs(biases[name] - 0.5).max() <= 0.02 + 1e-6, "truncated at two standard deviations"
    assert not biases["classes"].any()


def test_training_is_adam_at_one_thousandth_unless_the_setting_says_otherwise() -> None:
    model = MODEL.build({}, seed=1)
    assert (type(model.optimizer).__name__, float(model.optimizer.learning_rate)) == ("Adam", pytest.approx(0.001))
    other = MODEL.build({"optimizer": "sgd", "learning_rate": 0.1, "dense_units": 7, "activation": "relu"}, seed=1)
    assert (type(other.optimizer).__name__, float(other.optimizer.learning_rate)) == ("SGD", pytest.approx(0.1))
    assert other.get_layer("dense").units == 7


def test_the_seed_decides_the_weights() -> None:
    first, again, other = (MODEL.build({}, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"rat": 0.5}, "must be one of: activation, .*'rat'. Did you mean 'rate'"),
        ({"placement": "after_pool"}, "`placement` must be one of: .*Did you mean 'after_pooling'"),
        ({"optimizer": "adma"}, "`optimizer` must be one of: .*Did you mean 'adam'"),
        ({"activation": "rellu"}, "`activation` must be one of: .*Did you mean 'relu'"),
        ({"placement": "after_pooling", "rate": 1.0}, "`rate` must be a number from 0.0 to 0.999. Received: 1.0"),
        ({"placement": "after_pooling", "rate": -0.1}, "`rate` must be a number from .* Received: -0.1"),
        ({"placement": "after_pooling", "rate": "0.5"}, "`rate` must be a number from .* Received: '0.5'"),
        ({"placement": "none", "rate": 0.5}, "`rate` applies only where placement is one of"),
        ({"batch_norm": "yes"}, "`batch_norm` must be true or false. Received: 'yes'"),
        ({"dense_units": 64.5}, "`dense_units` must be a whole number from 0 to 4096. Received: 64.5"),
    ],
)
def test_a_name_or_value_that_the_model_does_not_know_is_refused(setting: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MODEL.card(setting)  # type: ignore[arg-type]
