"""The report's files and its command."""

import csv
import re
import subprocess
import sys

import pytest

from studies.errors import InputError
from tracking.record import Failure
from tracking.report import main
from tracking.report_writer import write_report
from tracking.summary import summarize

FILES = (
    *("report.html", "report.md", "tables.tex", "means.csv", "comparisons.csv", "trials.csv"),
    *("curves.png", "first_trials.png", "points.png"),
)


def test_a_report_has_all_its_files_and_nothing_else(make_study):
    _, store = make_study()
    files = write_report(store.folder)
    assert {path.name for path in (store.folder / "report").iterdir()} == set(FILES)
    assert files.report == store.folder / "report" / "report.md"


def test_the_page_opens_with_the_question_and_the_answer_and_links_what_is_there(make_study):
    manifest, store = make_study()
    text = write_report(store.folder).report.read_text()
    lines = [line for line in text.splitlines() if line]
    assert lines[0] == f"# {manifest.spec.study.question}"
    assert lines[1].startswith("- dropout1 against original: ")
    assert lines[4].startswith("dropout1 is better than original")
    headings = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    assert headings == [
        "Means",
        "Comparisons",
        "Figures",
        "Images and confusions",
        "What this study could have shown",
        "Trials",
        "Design and provenance",
    ]
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert sorted(links) == ["curves.png", "first_trials.png", "points.png"]
    for expected in (manifest.data_digest, manifest.command, "24 trials: a CPU, 2 cores", "keras 3.15.0"):
        assert expected in text


def test_the_page_says_what_speaks_against_its_numbers(make_study):
    accuracies = {"original": [0.90, 0.901, 0.902, 0.903, 0.70], "dropout1": [0.95, 0.951, 0.953, 0.95, 0.952]}
    text = write_report(make_study(accuracies)[1].folder).report.read_text()
    caution = text.partition("## What this study could have shown")[2].partition("## Trials")[0]
    assert "95% interval, new data" in caution
    assert "- original, seed 5 lies far from the rest of its arm: 70.00%." in caution
    assert "- original is skewed to the left: G1 = -2.2, with a standard error of 0.9." in caution
    assert "under strong skew its error rate can reach twice" in caution


def test_an_interval_that_misses_zero_beside_no_verdict_is_explained_where_there_is_one(make_study, tmp_path):
    said = "beside an inconclusive verdict is no contradiction"
    first = {"original": [0.90, 0.91, 0.92], "dropout1": [0.925, 0.935, 0.94], "dropout2": [0.90, 0.91, 0.925]}
    manifest, store = make_study(first, runs=tmp_path / "apart")
    assert [one.verdict for one in summarize(manifest, store).comparisons] == ["inconclusive", "inconclusive"]
    files = write_report(store.folder)
    assert said in files.report.read_text()
    assert said in files.html.read_text()
    _, store = make_study()
    files = write_report(store.folder)
    assert said not in files.report.read_text() + files.html.read_text()


def test_two_runs_of_one_study_give_the_same_tables_bit_for_bit(make_study, tmp_path):
    _, here = make_study(runs=tmp_path / "here")
    _, there = make_study(runs=tmp_path / "there", backwards=True, host="elsewhere")
    write_report(there.folder)
    one, other = write_report(here.folder), write_report(there.folder)
    for name in ("means", "comparisons", "tex", "curves", "points", "first_trials"):
        assert getattr(one, name).read_bytes() == getattr(other, name).read_bytes()


def test_failed_trials_are_named_in_the_page(make_study):
    _, store = make_study({"original": [0.90, 0.91, 0.95], "dropout1": [0.8, 0.81, None]})
    store.write_failure(Failure(key="dropout1-3", arm="dropout1", seed=3, reason="out of memory", attempts=2))
    text = write_report(store.folder).report.read_text()
    assert "2 of 3" in text
    assert "- dropout1, seed 3: failed, out of memory" in text


def test_a_report_is_written_again_and_again_while_trials_finish(make_study):
    _, store = make_study({"original": [0.90, 0.91, 0.95], "dropout1": [0.8, 0.81, 0.82]})
    kept = store.folder / "later"
    store.trials.rename(kept)
    seen = []
    for key in ("original-1", "dropout1-1", "original-2", "dropout1-2", "original-3", "dropout1-3"):
        store.trials.mkdir(exist_ok=True)
        (kept / key).rename(store.trials / key)
        page = write_report(store.folder).html.read_text()
        seen.append(next((f"{n} of 6" for n in range(7) if f"Interim: {n} of 6 trials done." in page), "whole"))
    assert seen == ["1 of 6", "2 of 6", "3 of 6", "4 of 6", "5 of 6", "whole"]


def test_the_tables_for_a_paper_hold_the_comparisons(make_study):
    _, store = make_study()
    text = write_report(store.folder).tex.read_text()
    assert text.count(r"\begin{table}") == 4
    assert "dropout1 & +2.89" in text


def test_all_pairs_are_in_every_form_where_the_study_asks_for_them(make_study):
    _, store = make_study(overrides=["study.all_pairs=true"])
    files = write_report(store.folder)
    for path in (files.html, files.report, files.tex):
        assert "Games-Howell" in path.read_text().replace("-{}", "-")


def test_a_study_without_a_finished_trial_has_no_report_and_says_why(make_study):
    _, store = make_study({"original": [None, None], "dropout1": [None, None]})
    with pytest.raises(InputError, match="is finished yet, of 4 planned"):
        write_report(store.folder)
    store.write_failure(Failure(key="original-1", arm="original", seed=1, reason="NaN loss", attempts=2))
    with pytest.raises(InputError, match=r"1 failed, the first \(original, seed 1\): NaN loss"):
        write_report(store.folder)
    assert not (store.folder / "report").exists()


def test_a_report_that_cannot_be_written_says_so(make_study):
    _, store = make_study()
    (store.folder / "report").write_text("a file where the folder should be")
    with pytest.raises(InputError, match="`runs_dir` must be writable"):
        write_report(store.folder)


def test_the_command_writes_the_report_and_prints_the_summary(make_study, capsys):
    _, store = make_study()
    assert main(["study=dropout_ablation", f"runs_dir={store.folder.parent}"]) == 0
    printed = capsys.readouterr().out
    assert "dropout1 against original" in printed
    assert str(store.folder / "report" / "report.html") in printed


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "`study=NAME` is missing"),
        (["study=dropout_ablatoin"], "Did you mean 'dropout_ablation'?"),
        (["stduy=dropout_ablation"], "Did you mean 'study'?"),
        (["study"], "Received: 'study'"),
        (["study=../elsewhere"], "not a path"),
        (["study=.."], "not a path"),
    ],
)
def test_a_wrong_argument_is_one_line_and_exit_code_2(make_study, capsys, arguments, expected):
    _, store = make_study()
    assert main([*arguments, f"runs_dir={store.folder.parent}"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert expected in output.err
    assert len(output.err.splitlines()) <= 2
    assert not (store.folder / "report").exists()


def test_help_says_what_the_command_does(capsys):
    assert main(["--help"]) == 0
    assert "study=NAME" in capsys.readouterr().out


def test_a_report_needs_no_training_library(make_study):
    _, store = make_study()
    code = (
        "import sys; from tracking.report import main; "
        f"code = main(['study=dropout_ablation', 'runs_dir={store.folder.parent}']); "
        "heavy = {'tensorflow', 'keras', 'mlflow', 'optuna', 'hydra'} & set(sys.modules); "
        "assert not heavy, heavy; sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_study_with_looks_shows_the_error_rate_that_its_looks_declare(make_study):
    _, store = make_study(overrides=["study.replicates={looks:[3,6],alpha:0.1}", "study.alpha=0.05"])
    files = write_report(store.folder)
    for page in (files.report.read_text(), files.html.read_text()):
        assert "alpha 0.1, equivalence" in page
        assert "90% interval" in page
        assert "95%" not in page
        assert "comparisons at 0.1 and allow for looks after 3, 6 replicates" in page
        # A p on new data would not allow for the looks, and be smaller than the one that does.
        assert "90% interval, new data" in page
        assert "p (Holm), new data" not in page


def test_a_factorial_study_reports_the_effects_of_its_components_in_every_form(make_study):
    means = {"original": 0.90, "dropout1": 0.905, "dropout2": 0.90, "dropout3": 0.89}
    with_norm = {"batch_norm": 0.93, "dropout1+batch_norm": 0.94, "dropout2+batch_norm": 0.93}
    noise = (-0.003, 0.001, 0.002, 0.0)
    arms = {
        arm: [mean + part for part in noise]
        for arm, mean in {**means, **with_norm, "dropout3+batch_norm": 0.92}.items()
    }
    _, store = make_study(arms, study="batchnorm_ablation")
    files = write_report(store.folder)
    for path in (files.html, files.report, files.tex):
        text = path.read_text().replace(r"\_", "_")
        assert "Effects of the components on test accuracy" in text
        assert "dropout=dropout1 x batch_norm" in text
    assert "batch_norm is better than no batch_norm (+3.12 pp [" in files.report.read_text()
    rows = list(csv.DictReader((files.folder / "effects.csv").open()))
    assert [(row["effect"], row["kind"]) for row in rows][3:5] == [
        ("batch_norm", "main effect"),
        ("dropout=dropout1 x batch_norm", "interaction"),
    ]
    assert float(rows[3]["difference"]) == pytest.approx((0.03 + 0.035 + 0.03 + 0.03) / 4)
    assert [float(row["p_holm"]) for row in rows] == [one.p_holm for one in files.summary.effects]
