"""The page as a whole: what is in it, in which order, and that nothing can break it or reach outside."""

import base64
import dataclasses
import hashlib
import html
import re
from datetime import UTC, datetime

import numpy as np
import pytest
from labelled_study import Made, labelled_study

from tracking.html.page import CONTENTS, html_page
from tracking.html.watch import without_reload
from tracking.record import Failure
from tracking.summary import summarize

HOSTILE = ("<script>alert(1)</script>", "=1+1", '"><img src=x onerror=alert(2)>', "a & b")


def test_the_parts_come_in_the_order_in_which_one_asks(page_of):
    page = page_of()
    assert [found["id"] for found in page.all("section")] == list(CONTENTS)
    assert page.source.index("<h1>") < page.source.index('id="answer"')
    assert [found["href"] for found in page.all("a")] == [f"#{name}" for name in CONTENTS]


def test_the_question_and_the_answer_come_first(page_of):
    text = page_of().text
    assert "Which dropout placement" in text[:400]
    assert text.index("dropout1 is better than original") < text.index("Mean ± standard deviation")


def test_nothing_is_fetched_from_anywhere(page_of):
    page = page_of()
    assert not re.search(r"https?:|[\"'(=]//|@import|url\(", page.source)
    assert {found["src"][:22] for found in page.all("img")} == {"data:image/png;base64,"}
    assert not page.all("link")
    assert not page.all("iframe")


def test_a_browser_may_run_and_apply_nothing_but_the_two_texts_of_the_page(page_of):
    page = page_of()
    policy = page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page.source, re.DOTALL)
        assert f"{tag}-src 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'")
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]


def test_names_are_shown_as_they_are_and_never_obeyed(tmp_path):
    made = Made(class_names=HOSTILE, question=f"Is {HOSTILE[0]} better?", n_test=80)
    manifest, store = labelled_study(tmp_path / "runs", made)
    store.write_failure(Failure(key="0001-1", arm="dropout1", seed=1, reason=HOSTILE[2], attempts=1))
    summary = summarize(manifest, store)
    renamed = dict(zip((arm.name for arm in summary.arms[1:]), HOSTILE, strict=False))
    arms = [dataclasses.replace(arm, name=renamed.get(arm.name, arm.name)) for arm in summary.arms]
    compared = [dataclasses.replace(one, arm=renamed[one.arm]) for one in summary.comparisons]
    analysis = dataclasses.replace(summary.analysis, comparisons=tuple(compared))
    source = html_page(store.folder, manifest, dataclasses.replace(summary, arms=tuple(arms), analysis=analysis))
    assert source.count("<script>") == 1
    assert "onerror=alert(2)>" not in source
    for name in HOSTILE:
        assert html.escape(name) in source


def test_every_tag_is_closed_whatever_the_names(page_of):
    assert page_of(Made(class_names=("<b>", "</div>", "\x00\x1b[31m", "a\nb"), n_test=80)).all("table")


def test_a_page_loads_itself_again_while_trials_are_trained_and_stands_still_otherwise(page_of):
    refresh = {"http-equiv": "refresh"}
    written = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    half = Made(accuracies={"original": (0.9, 0.92, None), "dropout1": (0.8, None, None)})
    assert not page_of(written=written).all("meta", **refresh)
    page = page_of(half, written=written)
    assert page.all("meta", **refresh)
    assert "Running: 3 of 6 trials done. Written 2026-01-02 03:04:05 UTC" in page.text
    assert "refresh" not in without_reload(page.source)
    stopped = page_of(half)
    assert not stopped.all("meta", **refresh)
    assert "Interim: 3 of 6 trials done." in stopped.text


def test_failed_trials_are_named_and_do_not_make_a_study_interim(tmp_path):
    made = Made(accuracies={"original": (0.9, 0.92, 0.91), "dropout1": (0.8, 0.82, None)})
    manifest, store = labelled_study(tmp_path / "runs", made)
    store.write_failure(Failure(key="0001-3", arm="dropout1", seed=3, reason="NaN loss", attempts=2))
    source = html_page(store.folder, manifest, summarize(manifest, store))
    assert "dropout1, seed 3: failed, NaN loss" in source
    assert "1 failed or were lost" in source
    assert "Interim" not in source


@pytest.mark.parametrize(
    "accuracies",
    [
        {"original": (0.9,), "dropout1": (0.8,)},
        {"original": (0.9, 0.9), "dropout1": (0.9, 0.9)},
        {"original": (0.9, 0.91), "dropout1": (None, None)},
        {"original": (None, None), "dropout1": (0.9, 0.91)},
        {"original": (None, None), "dropout1": (None, None)},
    ],
    ids=["one seed", "no spread", "an empty arm", "an empty control", "nothing"],
)
@pytest.mark.filterwarnings("error")
def test_odd_studies_have_a_whole_page_too(page_of, accuracies):
    page = page_of(Made(accuracies=accuracies, epochs=1, n_test=100))
    assert [found["id"] for found in page.all("section")] == list(CONTENTS)
    assert not re.search(r"\b(nan|inf)\b", page.source, re.IGNORECASE)


def test_without_the_dataset_the_page_says_what_it_leaves_out(page_of):
    text = page_of(with_data=False).text
    assert "The confusions are left out: the true classes are needed for it" in text
    assert "Worst confusions" not in text


def test_curves_that_end_elsewhere_than_the_tables_say_why(page_of):
    assert "the tables measure the training set once more after the last epoch" in page_of().text


def test_each_trial_has_the_command_that_repeats_it(page_of):
    page = page_of()
    commands = [text for tag, text in page.texts if tag == "code"]
    assert len(commands) == 24
    assert "python -m search.verify study=dropout_ablation arm=dropout3 seed=6" in commands


def test_a_thousand_trials_of_a_hundred_epochs_are_a_page_of_under_two_megabytes(tmp_path):
    manifest, store = labelled_study(tmp_path, Made(epochs=100))
    summary = summarize(manifest, store)
    arms = tuple(replicated(arm, 250) for arm in summary.arms)
    source = html_page(store.folder, manifest, dataclasses.replace(summary, arms=arms))
    assert "All 1,000 trials" in source
    assert len(source.encode()) < 2_000_000


def replicated(arm, count):
    """Return `arm` as if its trials had been repeated, which writing to disk would take long for."""
    rows = tuple(dataclasses.replace(arm.trials[seed % arm.planned], seed=seed) for seed in range(count))
    histories = {name: np.resize(stack, (count, stack.shape[1])) for name, stack in arm.histories.items()}
    return dataclasses.replace(arm, trials=rows, histories=histories)


def test_many_arms_are_in_the_tables_and_some_of_them_in_the_figures(page_of):
    accuracies = {f"arm{number}": (0.9, 0.92) for number in range(45)}
    page = page_of(Made(accuracies=accuracies, epochs=2, n_test=60))
    assert "The first 40 of 45 arms" in page.text
    assert "37 more arms" not in page.text
    assert "36 more arms" in page.text
    assert len(page.source.encode()) < 5_000_000


def test_the_command_that_writes_the_page_again_names_the_folder_that_it_is_in(tmp_path):
    manifest, store = labelled_study(tmp_path / "elsewhere", Made())
    summary = summarize(manifest, store)
    spec = manifest.spec.model_copy(update={"runs_dir": "else where"})
    moved = manifest.model_copy(update={"spec": spec})
    page = html.unescape(html_page(store.folder, moved, summary))
    assert "python -m tracking.report study=dropout_ablation runs_dir='else where'" in page
    assert "python -m tracking.report study=dropout_ablation<" in html_page(store.folder, manifest, summary)
