"""Tables as Markdown, CSV and on the terminal."""

import csv
import io
import math

import pytest
from rich.console import Console

from tracking import render, tables
from tracking.record import Failure
from tracking.summary import summarize
from tracking.tables import Table


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def printed(summary, width=100):
    console = Console(file=io.StringIO(), width=width, highlight=False)
    render.print_summary(summary, console)
    return console.file.getvalue()


def test_on_80_columns_no_word_of_the_comparisons_is_cut_and_the_conclusion_is_a_paragraph(make_study):
    summary = summarize(*make_study())
    text = printed(summary, width=80)
    words = {word for row in tables.comparisons(summary).rows for cell in row for word in cell.split()}
    assert words | {"difference,", "interval", "verdict"} <= set(text.split())
    assert max(map(len, text.splitlines())) <= 80
    paragraph = text.strip("\n").rpartition("\n" + " " * 80 + "\n")[2]
    assert " ".join(paragraph.split()) == " ".join(summary.claims)


def test_csv_files_hold_full_precision(make_study):
    summary = summarize(*make_study())
    means = rows_of(render.means_csv(summary))
    assert len(means) == 4 * 4
    row = next(row for row in means if (row["metric"], row["arm"]) == ("test_accuracy", "dropout1"))
    found = summary.arms[1].metrics["test_accuracy"]
    assert (float(row["mean"]), float(row["sd"]), float(row["ci_low"])) == (found.mean, found.sd, found.low)
    first = rows_of(render.comparisons_csv(summary))[0]
    assert float(first["p_holm"]) == summary.comparisons[0].p_holm
    assert (first["verdict"], first["paired"]) == ("better", "false")
    trials = rows_of(render.trials_csv(summary))
    assert [float(row["test_accuracy"]) for row in trials[:6]] == [0.9410, 0.9385, 0.9435, 0.9398, 0.9423, 0.9373]


def test_the_time_is_the_only_column_that_two_runs_do_not_share_and_stands_last(make_study, tmp_path):
    here = summarize(*make_study(runs=tmp_path / "here"))
    there = summarize(*make_study(runs=tmp_path / "there", backwards=True, host="elsewhere"))
    assert render.means_csv(here) == render.means_csv(there)
    assert render.comparisons_csv(here) == render.comparisons_csv(there)
    assert render.trials_csv(here).splitlines()[0].split(",")[-1] == "seconds"


@pytest.mark.parametrize(
    "accuracies",
    [
        {"original": [0.9], "dropout1": [0.8]},
        {"original": [0.9, 0.9], "dropout1": [0.8, 0.8]},
        {"original": [0.9, 0.8], "dropout1": [None, None]},
        {"original": [None, None], "dropout1": [None, None]},
    ],
)
def test_what_is_not_defined_is_empty_and_never_nan(make_study, accuracies):
    summary = summarize(*make_study(accuracies))
    for text in (render.means_csv(summary), render.comparisons_csv(summary), render.trials_csv(summary)):
        for row in rows_of(text):
            for cell in row.values():
                assert cell.lower() not in ("nan", "inf", "-inf", "none")
    assert "nan" not in printed(summary).lower()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_a_text_like_a_formula_is_disarmed_and_a_negative_number_is_not(make_study, text):
    manifest, store = make_study({"original": [0.9, 0.91], "dropout1": [0.8, None]})
    store.write_failure(Failure(key="dropout1-2", arm="dropout1", seed=2, reason=text, attempts=1))
    summary = summarize(manifest, store)
    failed = rows_of(render.trials_csv(summary))[-1]
    assert failed["reason"] == ("x" if text == "\tx" else f"'{text}")
    assert failed["test_accuracy"] == ""
    assert float(rows_of(render.comparisons_csv(summary))[0]["difference"]) < 0


def test_markdown_cells_are_aligned_and_cannot_break_the_table():
    table = Table("t", ("arm", "mean"), (("a|b", "1.00"), ("<b>*x*</b>\nline", "-10.00"), ("a_b [x](y)", "")))
    lines = render.markdown(table).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1].endswith("-: |")
    assert "a\\|b" in lines[2]
    assert "\\<b>\\*x\\*\\</b> line" in lines[3]
    assert "a_b [x\\](y)" in lines[4]
    assert lines[2].endswith("   1.00 |")


def test_the_terminal_shows_means_tests_and_conclusion_in_100_columns(make_study):
    text = printed(summarize(*make_study()))
    assert max(map(len, text.splitlines())) <= 100
    for expected in ("94.04 ± 0.23", "<0.001", "+2.89", "[+2.58, +3.19]", "better", "could reliably detect"):
        assert expected in text


def test_long_names_wrap_before_any_number_does(make_study):
    arms = {"original": [0.90, 0.92, 0.91], "augmentation_and_dropout_and_more_of_it": [0.97, 0.96, 0.98]}
    summary = summarize(*make_study(arms))
    text = printed(summary)
    assert max(map(len, text.splitlines())) <= 100
    for table in (tables.overview(summary), tables.comparisons(summary)):
        for cell in table.rows[-1][1:]:
            assert cell in text


def test_arm_names_are_printed_as_they_are(make_study):
    manifest, store = make_study()
    text = printed(summarize(manifest, store), width=60)
    assert max(map(len, text.splitlines())) <= 60
    named = Table("[bold]t[/bold]", ("arm",), (("[red]x[/red]",),))
    console = Console(file=io.StringIO(), width=60)
    render._print_table(named, console)
    assert "[red]x[/red]" in console.file.getvalue()


def test_the_table_of_trials_has_mean_and_median_rows_and_reasons(make_study):
    manifest, store = make_study({"original": [0.90, 0.91, 0.95], "dropout1": [0.8, 0.81, None]})
    store.write_failure(Failure(key="dropout1-3", arm="dropout1", seed=3, reason="killed by signal 9", attempts=2))
    rows = tables.trials(summarize(manifest, store)).rows
    assert [row[:2] for row in rows[:5]] == [
        ("original", "1"),
        ("original", "2"),
        ("original", "3"),
        ("original", "mean"),
        ("original", "median"),
    ]
    assert math.isclose(float(rows[3][5]), 92.0)
    assert math.isclose(float(rows[4][5]), 91.0)
    assert rows[7][2] == "failed: killed by signal 9"
    assert [row[:2] for row in rows[-2:]] == [("all", "mean"), ("all", "median")]


def test_a_missing_trial_shows_in_the_number_of_trials(make_study):
    summary = summarize(*make_study({"original": [0.90, 0.91], "dropout1": [0.8, None]}))
    assert [row[1] for row in tables.overview(summary).rows] == ["2", "1 of 2"]
