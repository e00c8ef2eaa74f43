"""What `python -m search.plan` says of a search, which it does not train."""

import re
from pathlib import Path

from searched_study import spec_of
from small_study import SEARCH, Place, make_place

from search.space import as_asked

FOLDED = SEARCH.replace("settings: 4\n", "settings: 4\n  duration: 90m\n").replace("{fraction: 0.25}", "{folds: 4}")


def said(place: Place, *arguments: str) -> str:
    """Return what the plan says, on one line, with the white space of tables and wrapped lines taken out."""
    done = place.run(*arguments, module="search.plan")
    assert done.returncode == 0, done.stdout + done.stderr
    return re.sub(r"\s+", " ", done.stdout)


def test_a_plan_says_space_trials_and_confirmation_without_asking_the_model(tmp_path: Path) -> None:
    place = make_place(tmp_path, FOLDED)
    before = place.files()
    output = said(place, "counts=false")
    assert "rate 0, 0.2, 0.4, 0.6 choice" in output
    assert "learning_rate 0.001 to 0.1 numbers, log" in output
    assert (
        "sampler random (seed 0), pruner none; 4 settings x 1 seed x 4 folds = 16 trials, judged by validation "
        "accuracy on each fold in turn"
    ) in output
    assert "It ends early after 90m." in output
    assert "the best 2 settings and plain (control plain) x 3 fresh seeds = 9 trials, on test accuracy." in output
    assert "25 trials in all." in output
    assert "Estimated time: not known before a trial has run (counts=true measures one)." in output
    assert re.search(r"Smallest detectable difference of the confirmation: \d\.\d standard deviations", output)
    assert "over 2 comparisons" in output
    assert place.files() == before


def test_the_model_is_asked_where_the_study_names_no_space_and_a_trial_is_timed(tmp_path: Path) -> None:
    start, end = FOLDED.index("  space:"), FOLDED.index("  confirm:")
    place = make_place(tmp_path, FOLDED[:start] + FOLDED[end:])
    before = place.files()
    output = said(place)
    assert re.search(r"rate [\d.]+ to [\d.]+ numbers always", output)
    assert re.search(r"Estimated time: .* Judged by a trial of plain \(\d+\.\d s\), measured now", output)
    assert place.files() == before


def test_a_plan_knows_how_far_the_search_has_come(searched: Place) -> None:
    output = said(searched)
    assert "13 trials in all; 4 of 4 settings have ended, 0 trials to go." in output
    assert "Estimated time: none, everything is recorded." in output
    more = said(searched, "counts=false", "study.search.settings=6")
    assert "15 trials in all; 4 of 6 settings have ended, 2 trials to go." in more
    assert "Judged by its trials so far" in more


def test_the_space_of_the_study_file_is_shown_as_it_is_written() -> None:
    space = {one.name: one for one in as_asked(spec_of().study)}
    assert space["placement"].choices == ("none", "after_pooling", "after_flatten", "after_activation")
    assert (space["learning_rate"].low, space["learning_rate"].high, space["learning_rate"].log) == (0.0001, 0.03, True)
