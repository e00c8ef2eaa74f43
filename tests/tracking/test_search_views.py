"""What is drawn of a search, what is left out, and what is said about that."""

import io
import threading
from collections.abc import Sequence

import pytest
from PIL import Image
from searched_study import SCORES, SPACE, searched

from tracking.importances import importances, study_of
from tracking.proposals import Parameter
from tracking.search_figures import DRAWINGS
from tracking.search_views import MOST_SETTINGS, VIEWS, SearchViews
from tracking.search_words import captions

ONE = (SPACE[2],)


def views_of(scores: Sequence[float | None] = SCORES, space: Sequence[Parameter] = SPACE) -> SearchViews:
    return SearchViews(searched(scores, space), tuple(space))


def test_the_optuna_study_of_a_search_has_its_settings_and_a_pruned_one_is_pruned() -> None:
    study = study_of(searched(), SPACE)
    assert [trial.state.name for trial in study.trials].count("PRUNED") == SCORES.count(None) == 2
    assert (study.direction.name, study.best_value) == ("MAXIMIZE", 0.92)
    assert study.best_trial.user_attrs == {"arm": "setting-0012"}
    assert [trial.value for trial in study.trials] == list(SCORES)


def test_the_parameter_that_alone_decides_the_score_is_the_most_important() -> None:
    space = tuple(Parameter(name=name, low=0.0, high=1.0) for name in ("idle", "decisive"))
    found = searched([0.5] * 60, space)
    values = [(number * 0.37 % 1, number * 0.61 % 1) for number in range(60)]
    rows = tuple(
        type(row)(
            row.proposal.model_copy(update={"values": {"idle": idle, "decisive": decisive}}),
            row.state,
            type(row.score)(**{**vars(row.score), "mean": decisive}),
            row.seconds,
        )
        for row, (idle, decisive) in zip(found.rows, values, strict=True)
    )
    shares = importances(type(found)(found.study, found.objective, rows, 0), space)
    assert next(iter(shares)) == "decisive"
    assert shares["decisive"] > 0.8
    assert sum(shares.values()) == pytest.approx(1)


def test_the_stair_is_the_best_score_so_far() -> None:
    steps = views_of((0.7, None, 0.6, 0.8, 0.8, 0.9)).best
    assert steps == ((1, pytest.approx(70)), (4, pytest.approx(80)), (6, pytest.approx(90)))


def test_a_choice_a_range_and_a_log_scale_have_their_places() -> None:
    dimensions = {one.name: one for one in views_of().dimensions}
    assert dimensions["placement"].place({"placement": "none"}) == 0.25
    assert dimensions["rate"].place({"rate": 0.4}) == pytest.approx(0.5)
    assert dimensions["learning_rate"].place({"learning_rate": 10**-2.5}) == pytest.approx(0.5)
    assert dimensions["rate"].place({"placement": "none"}) is None


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_a_small_sharp_picture_and_the_same_for_the_same_numbers(view: str) -> None:
    draw = DRAWINGS[view]
    content = draw(views_of())
    image = Image.open(io.BytesIO(content))
    assert (image.format, round(image.info["dpi"][0])) == ("PNG", 150)
    assert len(content) < 200_000
    assert draw(views_of()) == content


@pytest.mark.parametrize(
    ("scores", "space", "left_out"),
    [
        ((), SPACE, dict.fromkeys(VIEWS, "no setting has a score yet")),
        ((None, None), SPACE, dict.fromkeys(VIEWS, "no setting has a score yet")),
        ((0.9, None), SPACE, dict.fromkeys(VIEWS, "only one setting has a score yet")),
        ((0.9,) * 5, SPACE, {"importances": "the scores of the settings do not differ enough to tell"}),
        (SCORES, ONE, {"importances": "only learning_rate was varied", "parallel": "only learning_rate was varied"}),
        ((0.8, 0.9), SPACE, {}),
    ],
    ids=["nothing", "all pruned", "one score", "no spread", "one parameter", "two scores"],
)
@pytest.mark.filterwarnings("error")
def test_what_cannot_be_drawn_is_left_out_and_the_reason_is_said(
    scores: Sequence[float | None], space: Sequence[Parameter], left_out: dict[str, str]
) -> None:
    views = views_of(scores, space)
    assert set(views.missing) == set(left_out)
    for (view, why), line in zip(views.missing.items(), views.left_out, strict=True):
        assert why.startswith(left_out[view])
        assert line == f"{VIEWS[view]}: left out, since {why}."
    assert all(DRAWINGS[view](views) for view in views.drawn)


def test_of_many_settings_the_best_are_drawn_and_that_is_said() -> None:
    scores = [0.5 + 0.4 * (number * 0.618 % 1) for number in range(MOST_SETTINGS + 400)]
    views = views_of(scores)
    assert len(views.marks) == MOST_SETTINGS
    assert min(mark.score or 0 for mark in views.scored) == pytest.approx(100 * sorted(scores)[400])
    assert f"{MOST_SETTINGS} of 1,000 settings are drawn" in captions(views)["history"]
    assert all(len(DRAWINGS[view](views)) < 200_000 for view in views.drawn)


def test_pictures_can_be_drawn_in_a_thread_and_leave_the_style_of_others_alone() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    drawn: list[bytes] = []
    thread = threading.Thread(target=lambda: drawn.append(DRAWINGS["slices"](views_of())))
    thread.start()
    thread.join()
    assert drawn
    assert dict(matplotlib.rcParams) == before
