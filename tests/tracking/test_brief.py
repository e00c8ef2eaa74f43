"""The morning brief: what is new in all studies of a runs folder."""

import dataclasses
import os
import socket
import subprocess
import sys
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from filelock import FileLock
from rich.console import Console

from tracking.brief import main
from tracking.brief_page import headline, page
from tracking.brief_terminal import print_brief
from tracking.manifest import FILE_NAME, SearchManifest
from tracking.news import read_news
from tracking.power import detectable_difference, detectable_paired_difference
from tracking.record import Failure
from tracking.summary import summarize

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
EVENING = NOW - timedelta(hours=14)
NIGHT = NOW - timedelta(hours=4)
LONG_AGO = NOW - timedelta(days=30)
NOISY_FIRST = {
    "original": [0.90, 0.94, 0.92, 0.921, 0.92, 0.919],
    "dropout1": [0.93, 0.95, 0.94, 0.941, 0.94, 0.939],
}
"""Two seeds cannot tell the arms apart, six can."""
ALIKE = {"original": [0.90, 0.92, 0.91], "dropout1": [0.91, 0.90, 0.93]}


def trained_at(store, key, start):
    """Make the record say that its training began at `start`."""
    trial = store.read(key)
    store.set_aside(key)
    store.write(dataclasses.replace(trial, record=trial.record.model_copy(update={"started": start})))


def overnight(made, seeds_before=0):
    """Let the first seeds of a made-up study be old, and all others be from last night."""
    manifest, store = made
    for trial in manifest.trials:
        if store.has(trial.key):
            trained_at(store, trial.key, LONG_AGO if trial.seed <= seeds_before else NIGHT)
    return manifest, store


def fail(store, arm, seed, reason, at=NIGHT):
    store.write_failure(Failure(key=f"{arm}-{seed}", arm=arm, seed=seed, reason=reason, attempts=1))
    os.utime(store.failed / f"{arm}-{seed}.json", (at.timestamp(), at.timestamp()))


def brief_of(store):
    return read_news(store.folder.parent, EVENING, NOW)


def printed(brief, width=100):
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        print_brief(brief, console)
    return capture.get()


def test_trials_count_as_new_by_when_they_ended(make_study):
    _, store = overnight(make_study(ALIKE), seeds_before=2)
    trained_at(store, "original-1", EVENING - timedelta(seconds=30))  # It took longer than that.
    [news] = brief_of(store).studies
    assert (news.done, news.planned, news.finished, news.state) == (6, 6, 3, "complete")
    assert news.last_ended == NIGHT + timedelta(seconds=max(seconds_of(store, f"{arm}-3") for arm in ALIKE))


def seconds_of(store, key):
    return store.read(key).record.cost.seconds


def test_a_verdict_that_the_night_changed_is_told_with_its_numbers(make_study):
    manifest, store = overnight(make_study(NOISY_FIRST), seeds_before=2)
    brief = brief_of(store)
    [change] = brief.studies[0].changes
    assert (change.before, change.now, change.interim) == ("inconclusive", "better", False)
    assert change.comparison == summarize(manifest, store).comparisons[0]
    assert "1 conclusion changed" in headline(brief)
    assert "+2.0" in printed(brief)


def test_a_verdict_that_stayed_is_no_news(make_study):
    _, store = overnight(make_study(ALIKE), seeds_before=2)
    brief = brief_of(store)
    assert brief.studies[0].changes == ()
    assert headline(brief) == "Since Fri 18:00 (14 h ago): 2 trials of 1 study finished, no conclusion changed."


def test_a_first_verdict_was_untested_before(make_study):
    _, store = overnight(make_study(NOISY_FIRST))
    [change] = brief_of(store).studies[0].changes
    assert (change.before, change.now) == ("untested", "better")


def test_a_conclusion_of_an_unfinished_study_is_marked_as_interim(make_study):
    accuracies = {arm: [*values, None] for arm, values in NOISY_FIRST.items()}
    _, store = overnight(make_study(accuracies), seeds_before=2)
    brief = brief_of(store)
    assert "better (interim)" in page(brief)
    assert brief.studies[0].prospects is None, "what comes next is planned already"
    assert brief.studies[0].state == "stopped, 2 to go"


def test_what_failed_in_the_night_is_told_once_for_each_reason(make_study):
    _, store = overnight(make_study({"original": [0.9, 0.91, 0.92, 0.9], "dropout1": [None] * 4}))
    for seed in (1, 2, 4):
        fail(store, "dropout1", seed, "NaN loss\nin epoch 3")
    fail(store, "dropout1", 3, "out of memory", at=LONG_AGO)
    brief = brief_of(store)
    assert brief.studies[0].state == "4 failed"
    assert "3 trials failed" in headline(brief)
    assert "| dropout1 | 1-2, 4 | Sat 04:00 | NaN loss in epoch 3 |" in page(brief)
    assert "out of memory" not in page(brief), "that is no news any more"


def test_a_failure_of_a_trial_that_is_no_longer_planned_is_no_news(make_study):
    _, store = make_study(ALIKE)
    fail(store, "dropout1", 77, "a setting that was given up")
    assert "nothing changed" in headline(brief_of(store))


def test_a_damaged_record_is_told_until_it_is_trained_again(make_study):
    _, store = make_study(ALIKE)
    (store.trials / "dropout1-3" / "predicted.npy").write_bytes(b"")
    brief = brief_of(store)
    assert "1 trial failed" in headline(brief)
    assert "its record is damaged" in page(brief)


def test_a_study_that_cannot_be_read_does_not_hide_the_others(make_study):
    _, store = overnight(make_study(ALIKE))
    for name, content in (("broken", b"{"), ("lost", None)):
        folder = store.folder.parent / name
        (folder / "trials").mkdir(parents=True)
        if content is not None:
            (folder / FILE_NAME).write_bytes(content)
    brief = brief_of(store)
    assert [news.study for news in brief.studies] == ["dropout_ablation"]
    text = printed(brief, width=300)
    assert "6 trials of 1 study finished" in text
    assert "broken cannot be read: " in text
    assert "lost cannot be read: " in text and "study.json is missing" in text


def test_where_nothing_happened_one_line_says_so(make_study):
    _, store = make_study(ALIKE)
    assert printed(brief_of(store)) == "Since Fri 18:00 (14 h ago) nothing changed in 1 study.\n"


def test_a_folder_in_which_no_study_has_run_says_so(tmp_path):
    assert printed(read_news(tmp_path, EVENING, NOW)) == "Since Fri 18:00 (14 h ago): no study has run here.\n"


def test_a_quiet_study_that_is_not_complete_is_named(make_study):
    _, store = make_study({"original": [0.9, 0.91], "dropout1": [0.9, None]})
    assert headline(brief_of(store)).endswith("Not complete: dropout_ablation: stopped, 1 to go.")


@pytest.mark.parametrize(
    ("process", "host", "is_held", "state"),
    [
        (7, socket.gethostname(), True, f"running, 1 to go (process 7 on {socket.gethostname()})"),
        (os.getpid(), socket.gethostname(), False, "stopped, 1 to go"),
        (7, "another-machine", False, "running, 1 to go (process 7 on another-machine)"),
    ],
    ids=["here, perhaps in a container", "gone, its number another's", "elsewhere"],
)
def test_a_study_runs_while_its_coordinator_is_there(make_study, process, host, is_held, state):
    _, store = make_study({"original": [0.9, 0.91], "dropout1": [0.9, None]})
    (store.folder / "coordinator.txt").write_text(f"process {process} on {host}")
    with FileLock(store.folder / "coordinator.lock") if is_held else nullcontext():
        assert brief_of(store).studies[0].state == state


def test_more_seeds_buy_the_difference_that_the_power_of_the_test_says(make_study):
    manifest, store = overnight(make_study(ALIKE))
    offered = brief_of(store).studies[0].prospects
    [one] = offered.comparisons
    sds = tuple(float(np.std(ALIKE[arm], ddof=1)) for arm in ("dropout1", "original"))
    assert one.detectable == summarize(manifest, store).comparisons[0].detectable
    assert one.with_more == pytest.approx([detectable_difference(sds, (3 + more, 3 + more), 0.05) for more in (2, 4)])
    assert one.detectable > one.with_more[0] > one.with_more[1]
    assert offered.trials == 4
    assert offered.seconds == pytest.approx(4 * np.mean([seconds_of(store, trial.key) for trial in manifest.trials]))


def test_who_is_offered_more_seeds_is_told_what_a_second_test_costs(make_study):
    _, store = overnight(make_study(ALIKE))
    for text in (page(brief_of(store)), printed(brief_of(store), width=400)):
        assert "To test again after more seeds is to look twice, which raises the error rate" in text


def test_in_a_paired_study_the_differences_by_seed_count(make_study):
    _, store = overnight(make_study(ALIKE, overrides=["study.paired=true"]))
    [one] = brief_of(store).studies[0].prospects.comparisons
    sd = float(np.std(np.subtract(ALIKE["dropout1"], ALIKE["original"]), ddof=1))
    assert one.with_more == pytest.approx([detectable_paired_difference(sd, 3 + more, 0.05) for more in (2, 4)])


def test_the_command_for_more_seeds_replaces_the_number_it_had(make_study):
    manifest, store = overnight(make_study(ALIKE))
    ran = "python -m search.run --config-dir 'my studies' study=dropout_ablation study.replicates=3 runs_dir=x"
    manifest.model_copy(update={"command": ran}).write(store.folder)
    wanted = "python -m search.run --config-dir 'my studies' study=dropout_ablation runs_dir=x study.replicates=5\n"
    assert wanted in printed(brief_of(store), width=60)


def test_a_search_is_offered_a_longer_confirmation(make_study):
    manifest, store = overnight(make_study(ALIKE))
    search = SearchManifest(spec=manifest.spec, space=(), design="abc")
    manifest.model_copy(update={"search": search}).write(store.folder)
    assert "study.search.confirm.replicates=5" in page(brief_of(store))


def test_a_search_that_still_chooses_counts_its_trials_and_compares_nothing(make_study):
    manifest, store = overnight(make_study(ALIKE))
    search = SearchManifest(spec=manifest.spec, space=(), design="abc")
    manifest.model_copy(update={"search": search, "trials": ()}).write(store.folder)
    fail(store, "setting7", 1, "out of memory")
    [news] = brief_of(store).studies
    assert (news.finished, news.planned, news.changes, news.prospects) == (6, 0, (), None)
    assert news.state == "stopped while choosing settings"
    assert [trouble.reason for trouble in news.troubles] == ["out of memory"]


def test_a_sequential_study_is_offered_no_seeds_after_its_last_look(make_study):
    manifest, store = overnight(make_study(ALIKE))
    looks = {**manifest.spec.study.model_dump(exclude_unset=True), "replicates": {"looks": [2, 3]}}
    study = type(manifest.spec.study).model_validate(looks)
    manifest.model_copy(update={"spec": manifest.spec.model_copy(update={"study": study})}).write(store.folder)
    assert brief_of(store).studies[0].prospects is None


def test_what_is_decided_needs_no_seeds(make_study):
    _, store = overnight(make_study(NOISY_FIRST))
    assert brief_of(store).studies[0].prospects is None


@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_the_terminal_and_break_no_number_and_no_name(make_study, width):
    accuracies = {"original": [0.9, 0.92, 0.91], "augmentation_and_all_of_dropout": [0.91, 0.9, 0.93]}
    _, store = overnight(make_study(accuracies, overrides=["study.name=a_question_about_many_traffic_signs"]))
    text = printed(brief_of(store), width)
    assert max(len(line) for line in text.splitlines() if "python -m" not in line) <= width
    for whole in ("a_question_about_many_traffic_signs\n", "augmentation_and_all_of_dropout ", "[-", "+0.33 pp "):
        assert whole.strip() in text
    [row] = [line for line in text.splitlines() if "inconclusive" in line]
    assert "untested" in row and "]" in row


def test_the_command_prints_markdown_on_request(make_study, capsys):
    manifest, store = make_study(NOISY_FIRST)
    for trial in manifest.trials:
        trained_at(store, trial.key, datetime.now(UTC) - timedelta(hours=2))
    runs = f"runs_dir={store.folder.parent}"
    assert main(["since=3h", runs, "format=markdown"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# Brief\n\nSince ")
    assert "| dropout_ablation | dropout1 | untested | better |" in out
    assert main(["since=1h", runs]) == 0
    assert capsys.readouterr().out.endswith("(60 min ago) nothing changed in 1 study.\n")


def test_names_that_look_like_markup_are_shown_as_they_are(make_study):
    _, store = overnight(make_study({"original": [0.9, 0.91], "dropout1": [0.92, None]}))
    fail(store, "dropout1", 2, "<b>broke</b> [bold]")
    brief = brief_of(store)
    assert "<b>broke</b> [bold]" in printed(brief)
    assert "<b>" not in page(brief).replace("\\<b>", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["since=tomorrow"], "`since` must be a date"),
        (["since=2999-01-01"], "`since` must be in the past"),
        (["sinse=12h"], "Did you mean 'since'?"),
        (["since"], "Received: 'since'"),
        (["format=html"], "`format` must be one of: markdown, rich. Received: 'html'."),
        (["runs_dir=nowhere"], "`runs_dir` must be a folder in which studies have run. Received: 'nowhere'."),
    ],
)
def test_a_wrong_argument_is_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err
    assert len(output.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_help_and_a_quiet_night_import_nothing_heavy(make_study):
    _, store = make_study(ALIKE)
    code = (
        "import sys; from tracking.brief import main; "
        f"main(['--help']); main(['runs_dir={store.folder.parent}', 'format=markdown']); "
        "heavy = {'tensorflow', 'keras', 'mlflow', 'optuna', 'hydra', 'scipy', 'matplotlib'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "since=TIME" in done.stdout
