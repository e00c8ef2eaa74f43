"""The forest plot: its numbers are the comparisons', and its marks stand where the numbers say."""

import re

import pytest
from labelled_study import Made, labelled_study

from tracking.html.forest import NARROW, WIDE, forest
from tracking.html.palette import Palette
from tracking.summary import summarize


@pytest.fixture
def plot_of(tmp_path_factory):
    def build(made=None, width=WIDE):
        summary = summarize(*labelled_study(tmp_path_factory.mktemp("runs"), made or Made()))
        palette = Palette([arm.name for arm in summary.arms], summary.study.control)
        return summary, forest(summary, palette, width)

    return build


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_numbers_are_those_of_the_comparisons_to_the_last_digit(plot_of, width):
    summary, plot = plot_of(width=width)
    for name in ("difference", "low", "high"):
        shown = [float(number) for number in re.findall(rf'data-{name}="([^"]+)"', plot)]
        found = [one.test.difference if name == "difference" else vars(one.test)[name] for one in summary.comparisons]
        assert shown == found
    for one in summary.comparisons:
        scale = summary.scale
        interval = scale.interval(one.test.low, one.test.high, signed=True)
        assert f">{scale.difference(one.test.difference)} {interval}<" in plot


def test_a_better_arm_stands_right_of_zero_and_a_worse_one_left(plot_of):
    summary, plot = plot_of()
    zero = float(re.search(r'x1="([\d.]+)" x2="[\d.]+" y1="[\d.]+" y2="[\d.]+" class="zero"', plot)[1])
    squares = [float(x) + 5 for x in re.findall(r'<rect x="([\d.]+)"[^>]*class="estimate"', plot)]
    assert [(square > zero) for square in squares] == [one.test.difference > 0 for one in summary.comparisons]


def test_the_side_that_is_better_is_the_left_one_for_a_loss(plot_of):
    _, accuracy = plot_of()
    _, loss = plot_of(Made(overrides=("study.metric=test_loss", "study.margin=0.01")))
    assert accuracy.index("← worse") < accuracy.index("better →")
    assert loss.index("← better") < loss.index("worse →")


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("better", [0.99, 0.80])
def test_the_two_sides_stand_beside_each_other_wherever_zero_is(plot_of, width, better):
    arms = {"original": (0.900, 0.902, 0.901), "other": (better, better + 0.002, better + 0.001)}
    _, plot = plot_of(Made(accuracies=arms, overrides=("study.margin=null",)), width)
    left, right = (float(re.search(rf'x="([\d.]+)"[^>]*class="side {side}', plot)[1]) for side in ("worse", "better"))
    assert right - left == 20
    assert left - 50 > 0
    assert right + 50 < width


def test_a_narrow_plot_has_room_for_the_name_of_the_control(plot_of):
    arms = {"a_control_with_a_name_of_some_length": (0.90, 0.91), "other": (0.92, 0.93)}
    longest = max(re.findall(r'class="label mid">([^<]*)<', plot_of(Made(accuracies=arms), NARROW)[1]), key=len)
    assert 7 * len(longest) < NARROW


def test_the_margin_is_a_band_around_zero(plot_of):
    _, plot = plot_of(Made(overrides=("study.margin=0.005",)))
    assert "equivalent: within ±0.5 pp" in plot
    left, width = map(
        float, re.search(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"[^>]*class="band"', plot).groups()
    )
    zero = float(re.search(r'x1="([\d.]+)"[^>]*class="zero"', plot)[1])
    assert left + width / 2 == pytest.approx(zero, abs=0.02)
    _, bare = plot_of(Made(overrides=("study.margin=null",)))
    assert 'class="band"' not in bare


def test_an_arm_without_an_interval_is_an_empty_square_and_one_without_trials_says_so(plot_of):
    _, plot = plot_of(Made(accuracies={"original": (0.9, 0.92), "one": (0.95, None), "none": (None, None)}))
    assert 'fill="none" class="estimate"' in plot
    assert ">no comparison<" in plot
    assert plot.count('class="estimate"') == 1


def test_an_interval_that_dwarfs_the_rest_is_cut_off_with_arrows(plot_of):
    wide = {"original": (0.93, 0.931, 0.932), "steady": (0.94, 0.941, 0.942), "wild": (0.99, 0.90, None)}
    _, plot = plot_of(Made(accuracies=wide, n_test=1000))
    assert plot.count("<polygon") >= 1
    places = [float(x) for x in re.findall(r'x[12]="(-?[\d.]+)"', plot)]
    assert min(places) >= 0
    assert max(places) <= WIDE


def test_the_interval_on_new_data_is_drawn_below_the_one_on_this_test_set(plot_of):
    summary, plot = plot_of()
    assert all(one.new_data is not None for one in summary.comparisons)
    assert plot.count('class="interval new"') == len(summary.comparisons)
    assert "on new data" in plot
