"""Drawings of models: chains, branches and shortcuts."""

import io

import numpy as np
from PIL import Image

from tracking.drawing import SHORTCUT, draw_model
from tracking.manifest import LayerCard, ModelCard


def card(*layers):
    return ModelCard(
        layers=tuple(
            LayerCard(name=name, kind=kind, output_shape=(None, 4), params=8, frozen_params=2, inputs=tuple(inputs))
            for name, kind, inputs in layers
        ),
        summary="",
        values={},
    )


def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def orange(content):
    """Return how many pixels have the colour of a shortcut."""
    return int((pixels(content) == tuple(bytes.fromhex(SHORTCUT[1:]))).all(axis=-1).sum())


CHAIN = (("x", "InputLayer", ()), ("a", "Dense", ("x",)), ("b", "Dense", ("a",)))


def test_a_chain_grows_downwards():
    short, long = draw_model(card(*CHAIN[:2]), "m"), draw_model(card(*CHAIN), "m")
    assert pixels(long).shape[0] > pixels(short).shape[0]
    assert pixels(long).shape[1] == pixels(short).shape[1]
    assert orange(long) == 0


def test_branches_stand_side_by_side():
    branches = card(*CHAIN[:2], ("c", "Dense", ("x",)), ("join", "Add", ("a", "c")))
    assert pixels(draw_model(branches, "m")).shape[1] > pixels(draw_model(card(*CHAIN), "m")).shape[1]
    assert orange(draw_model(branches, "m")) == 0


def test_a_shortcut_runs_beside_the_layers_that_it_skips():
    shortcut = draw_model(card(*CHAIN, ("join", "Concatenate", ("b", "x"))), "m")
    assert orange(shortcut) > 200
    nested = draw_model(card(*CHAIN, ("join", "Add", ("b", "x")), ("end", "Add", ("join", "x"))), "m")
    assert orange(nested) > orange(shortcut)


def test_forty_layers_are_one_small_picture():
    layers = [("l0", "InputLayer", ())] + [(f"l{n}", "Conv2D", (f"l{n - 1}",)) for n in range(1, 40)]
    content = draw_model(card(*layers), "a model with a name that is much longer than the picture is wide")
    assert len(content) < 200_000
    assert content == draw_model(card(*layers), "a model with a name that is much longer than the picture is wide")


def test_an_input_that_is_not_a_layer_and_an_empty_model_are_drawn_without_it():
    assert draw_model(card(("a", "Dense", ("elsewhere",))), "m")
    assert draw_model(card(), "m")
