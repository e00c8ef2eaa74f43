"""Axes, points, curves and heat maps: values at the right places, and nothing lost in thinning out."""

import json
import re

import numpy as np
import pytest
from labelled_study import Made, labelled_study

from tracking.html import heatmap
from tracking.html.axes import Axis, tick_label
from tracking.html.curves import MOST_POINTS, curve, limits, panels
from tracking.html.markup import Html, escaped, number, tag, tied
from tracking.html.palette import Palette
from tracking.html.points import points
from tracking.summary import summarize


def test_text_is_escaped_once_and_markup_never():
    assert tag("p", "a < b & c", title='"') == '<p title="&quot;">a &lt; b &amp; c</p>'
    assert tag("p", tag("b", "x")) == "<p><b>x</b></p>"
    assert escaped(Html("<b>")) == "<b>"
    assert escaped("\x1b[31m\ud800") == "\ufffd[31m\ufffd"
    assert tag("td", "1", class_="n", data_low=None) == '<td class="n">1</td>'


def test_no_line_ends_between_a_number_and_what_it_is():
    space = "\u00a0"
    said = "a = b: -0.5 pp test accuracy, 95% CI [-1.2, +0.2], Holm p < 0.001, g = -0.9 [-2.1, 0.2]"
    assert tied(said).split(" ") == [
        *("a", "=", "b:", f"-0.5{space}pp", "test", "accuracy,", "95%", "CI", f"[-1.2,{space}+0.2],", "Holm"),
        *(f"p{space}<{space}0.001,", f"g{space}={space}-0.9", f"[-2.1,{space}0.2]"),
    ]


def test_numbers_are_short():
    assert [number(value) for value in (0, 1.0, 1.25, 1.256, -0.5, 100)] == ["0", "1", "1.25", "1.26", "-0.5", "100"]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (-2.6, 3.4, [-2, 0, 2]), (93.1, 96.4, [94, 95, 96]), (5, 5, [5])],
)
def test_ticks_are_round_values_inside_the_limits(low, high, expected):
    assert Axis(low, high, 0, 100).ticks(5) == expected


def test_a_log_axis_has_round_ticks_and_equal_steps_for_equal_ratios():
    axis = Axis(0.01, 10, 0, 300, log=True)
    assert axis.ticks(4) == [0.01, 0.1, 1.0, 10.0]
    assert axis.at(0.1) == pytest.approx(100)
    assert Axis(0.05, 0.6, 0, 1, log=True).ticks(5) == [0.05, 0.1, 0.2, 0.5]


def test_a_log_axis_of_less_than_a_power_of_ten_has_equal_steps():
    assert Axis(0.75, 2.3, 0, 100, log=True).ticks(5) == [1.0, 1.5, 2.0]
    assert Axis(0.5, 5.0, 0, 100, log=True).ticks(5) == [0.5, 1.0, 2.0, 5.0]


def test_tick_labels_have_the_decimals_that_all_of_them_need():
    assert [tick_label(tick, [0.0, 0.25, 1.0]) for tick in (0.0, 0.25, 1.0)] == ["0.00", "0.25", "1.00"]
    assert tick_label(2.0, [-2.0, 0.0, 2.0], signed=True) == "+2"


def test_thinned_curves_keep_their_ends_and_their_extremes():
    stack = np.zeros((2, 1000))
    stack[1, 437] = 5.0
    stack[0, 501] = -3.0
    thin = curve("test_loss", stack)
    assert len(thin.epochs) == MOST_POINTS
    assert (thin.epochs[0], thin.epochs[-1]) == (1, 1000)
    assert (thin.high.max(), thin.low.min()) == (5.0, -3.0)


def test_short_curves_are_drawn_whole_and_accuracies_in_percent():
    whole = curve("test_accuracy", np.array([[0.5, 0.7], [0.7, 0.9]]))
    assert whole.epochs.tolist() == [1, 2]
    assert whole.mean == pytest.approx([60, 80])
    assert (whole.low.tolist(), whole.high.tolist()) == ([50, 70], [70, 90])


def test_a_value_that_diverged_does_not_count():
    whole = curve("test_loss", np.array([[1.0, np.nan, np.inf], [3.0, 2.0, np.nan]]))
    assert whole.mean[:2].tolist() == [2.0, 2.0]
    assert np.isnan(whole.mean[2])


def test_panels_are_grouped_by_what_is_measured_with_validation_between_training_and_test(tmp_path):
    arm = summarize(*labelled_study(tmp_path / "runs", Made(epochs=2, n_test=50))).arms[0]
    histories = {**arm.histories, "validation_loss": arm.histories["test_loss"]}
    both = panels([type(arm)(**{**vars(arm), "histories": histories})])
    assert both["loss"] == ["train_loss", "validation_loss", "test_loss"]
    assert both["accuracy"] == ["train_accuracy", "test_accuracy"]


def test_losses_are_on_a_log_scale_and_accuracies_start_where_the_first_tenth_has_led(tmp_path):
    arms = summarize(*labelled_study(tmp_path / "runs", Made(n_test=100))).arms
    assert limits("loss", ["train_loss", "test_loss"], arms)[2]
    low, high, log = limits("accuracy", ["test_accuracy"], arms)
    settled = min(float(arm.histories["test_accuracy"][:, 3:].min()) for arm in arms)
    assert not log
    assert low == pytest.approx(100 * settled, abs=4)
    assert high <= 100.5


def test_every_trial_is_a_dot_with_its_value(tmp_path):
    summary = summarize(*labelled_study(tmp_path / "runs", Made()))
    drawing = points(summary, "test_accuracy", summary.arms, Palette([a.name for a in summary.arms], "original"))
    assert drawing.count("<circle") == 24
    for arm in summary.arms:
        for row in arm.trials:
            shown = summary.scales["test_accuracy"].value(row.metrics["test_accuracy"])
            assert f"{arm.name}, seed {row.seed}: {shown}%" in drawing


def test_many_arms_differ_in_colour_or_dash():
    palette = Palette([f"arm{number}" for number in range(25)], "arm0")
    looks = {(palette.colour(f"arm{number}"), palette.dash(f"arm{number}")) for number in range(25)}
    assert len(looks) == 25
    assert palette.colour("arm0") == "a0"


SHARES = np.array([[0.9, 0.1, 0.0], [0.0, 1.0, 0.0], [0.004, 0.0, 0.996]])


def test_a_cell_has_the_colour_of_its_share():
    drawn = heatmap.of_shares(SHARES, [0, 1, 2], ("a", "b", "c"))
    assert drawn.levels.tolist() == [[0, 5, 0], [0, 0, 0], [2, 0, 0]]
    picture = heatmap.drawn(drawn, "t")
    assert '<path d="M1 0h1v1h-1z" class="l5"/>' in picture
    assert '<path d="M0 2h1v1h-1z" class="l2"/>' in picture
    values = re.search(r'data-values="([^"]*)"', picture)[1]
    assert values == "0:9000 1:1000;1:10000;0:40 2:9960"


def test_a_cell_with_room_for_it_says_its_value():
    picture = heatmap.drawn(heatmap.of_shares(SHARES, [0, 1, 2], ("a", "b", "c")), "t")
    values = re.search(r'<g class="values">(.*?)</g>', picture)[1]
    assert re.findall(r">([\d.]+)</text>", values) == ["90.0", "10.0", "100.0", "0.4", "99.6"]
    change = heatmap.of_change(SHARES + 0.0321, SHARES, [0, 1, 2], ("a", "b", "c"))
    assert heatmap.drawn(change, "t").count(">+3.2</text>") == 9
    many = heatmap.of_shares(np.full((40, 40), 1 / 40), range(40), tuple(map(str, range(40))))
    assert "values" not in heatmap.drawn(many, "t").replace("data-values", "")


def test_the_order_of_the_classes_moves_rows_and_columns_alike():
    drawn = heatmap.of_shares(SHARES, [2, 0, 1], ("a", "b", "c"))
    assert drawn.names == ("c", "a", "b")
    assert drawn.values[1, 2] == 0.1


def test_a_change_is_better_on_the_diagonal_when_it_grows_and_elsewhere_when_it_shrinks():
    arm = np.array([[0.95, 0.05, 0.0], [0.02, 0.98, 0.0], [0.004, 0.0, 0.996]])
    levels = heatmap.of_change(arm, SHARES, [0, 1, 2], ("a", "b", "c")).levels
    assert np.sign(levels).tolist() == [[1, 1, 0], [-1, -1, 0], [0, 0, 0]]


def test_neighbouring_cells_of_one_colour_are_one_rectangle():
    shares = np.array([[0.8, 0.1, 0.1], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert 'd="M1 0h2v1h-2z"' in heatmap.drawn(heatmap.of_shares(shares, [0, 1, 2], ("a", "b", "c")), "t")


def test_a_hundred_classes_are_named_and_take_few_bytes():
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 3, (100, 100)) + 90 * np.eye(100)
    names = tuple(f"class {number}" for number in range(100))
    picture = heatmap.drawn(heatmap.of_shares(counts / counts.sum(axis=1, keepdims=True), range(100), names), "t")
    assert len(picture) < 250_000
    assert all(picture.count(f">{name}</text>") == 2 for name in names)
    assert json.loads(re.search(r'data-names="([^"]*)"', picture)[1].replace("&quot;", '"')) == list(names)
    assert int(re.search(r'height="(\d+)"', picture)[1]) < 1000
