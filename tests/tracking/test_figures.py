"""The pictures: real PNGs, small, the same for the same numbers, and complete for odd studies."""

import dataclasses
import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tracking import figures
from tracking.panels import PART_COLOURS, fit_height
from tracking.summary import summarize

PICTURES = (figures.curves, figures.points, figures.first_trials)


def opened(content):
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("draw", PICTURES)
def test_a_picture_is_a_small_sharp_png_without_a_date(make_study, draw):
    content = draw(summarize(*make_study()))
    image = opened(content)
    assert image.format == "PNG"
    assert round(image.info["dpi"][0]) == 150
    assert len(content) < 200_000
    assert not image.text


@pytest.mark.parametrize("draw", PICTURES)
def test_the_same_numbers_give_the_same_bytes(make_study, tmp_path, draw):
    here = summarize(*make_study(runs=tmp_path / "here"))
    there = summarize(*make_study(runs=tmp_path / "there", backwards=True))
    assert draw(here) == draw(there)


@pytest.mark.parametrize("draw", PICTURES)
@pytest.mark.parametrize(
    ("accuracies", "epochs"),
    [
        ({"original": [0.94], "dropout1": [0.97]}, 1),
        ({"original": [0.94, 0.94], "dropout1": [0.94, 0.94]}, 2),
        ({"original": [0.94, 0.93], "dropout1": [None, None]}, 5),
        ({"original": [None], "dropout1": [None]}, 5),
        ({"original": [0.9, 0.91], **{f"arm{number}": [0.9, 0.92] for number in range(9)}}, 3),
        ({"original": [0.9, 0.91], **{f"a_long_name_of_an_arm_{number}": [0.9, 0.92] for number in range(49)}}, 3),
    ],
    ids=["one epoch", "no spread", "an empty arm", "nothing", "ten arms", "fifty arms"],
)
@pytest.mark.filterwarnings("error")
def test_odd_studies_are_drawn_too(make_study, draw, accuracies, epochs):
    content = draw(summarize(*make_study(accuracies, epochs=epochs)))
    assert opened(content).width > 300
    assert len(content) < 200_000


def test_every_arm_has_its_own_colour_in_the_curves(make_study):
    image = opened(figures.curves(summarize(*make_study()))).convert("RGB")
    colours = {colour for _, colour in image.getcolors(1 << 24)}
    for hexadecimal in (figures.CONTROL, *figures.TREATMENTS[:3]):
        assert tuple(bytes.fromhex(hexadecimal[1:])) in colours


def test_validation_has_panels_of_its_own_between_training_and_test(make_study):
    summary = summarize(*make_study())
    arms = [
        dataclasses.replace(arm, histories={**arm.histories, "validation_loss": arm.histories["test_loss"]})
        for arm in summary.arms
    ]
    wider = dataclasses.replace(summary, arms=tuple(arms))
    assert opened(figures.curves(wider)).width > opened(figures.curves(summary)).width
    history = {"train_loss": np.array([1.0, 0.5]), "validation_loss": np.array([1.1, 0.7])}
    colours = {colour for _, colour in opened(figures.trial_curves(history, "t")).convert("RGB").getcolors(1 << 24)}
    assert tuple(bytes.fromhex(PART_COLOURS["validation"][1:])) in colours


def test_one_trial_is_drawn_from_its_history(make_study):
    summary = summarize(*make_study())
    history = {name: stack[0] for name, stack in summary.arms[0].histories.items()}
    content = figures.trial_curves(history, "original, seed 1")
    image = opened(content)
    assert (image.size, round(image.info["dpi"][0])) == ((1200, 480), 150)
    assert len(content) < 200_000
    assert content == figures.trial_curves(history, "original, seed 1")
    assert content != figures.trial_curves({**history, "test_loss": history["test_loss"] * 2}, "original, seed 1")


@pytest.mark.parametrize(("low", "high"), [(0.75, 2.3), (1.3, 2.1), (0.02, 2.3), (1e-4, 2.3)])
def test_a_loss_axis_has_ticks_enough_to_be_read(low, high):
    axes = Figure().subplots()
    fit_height(axes, "loss", [np.array([[high, low]])])
    bottom, top = axes.get_ylim()
    assert 3 <= sum(bottom <= tick <= top for tick in axes.yaxis.get_major_locator()()) <= 8


@pytest.mark.filterwarnings("error")
def test_a_trial_that_diverged_or_has_no_history_is_drawn_too():
    diverged = {"train_accuracy": np.array([0.5, np.nan]), "train_loss": np.array([1.0, np.nan])}
    assert opened(figures.trial_curves(diverged, "$x_1$ is not mathematics"))
    assert opened(figures.trial_curves({}, "nothing"))


def test_where_nothing_but_losses_is_measured_no_panel_stands_empty(make_study):
    summary = summarize(*make_study())
    losses = [
        dataclasses.replace(arm, histories={name: stack for name, stack in arm.histories.items() if "loss" in name})
        for arm in summary.arms
    ]
    regression = dataclasses.replace(summary, arms=tuple(losses))
    for draw in (figures.curves, figures.first_trials):
        with_accuracy, without = opened(draw(summary)), opened(draw(regression))
        assert without.height < 0.6 * with_accuracy.height
    colours = {colour for _, colour in opened(figures.curves(regression)).convert("RGB").getcolors(1 << 24)}
    assert tuple(bytes.fromhex(figures.TREATMENTS[0][1:])) in colours
