"""Records and CSV files go through one procedure, and every output of it survives odd names."""

import csv
import io
import json
import re
import unicodedata

import numpy as np
import pytest

from tracking import answer, render, tables
from tracking.analysis import ArmReplicates, Replicate, analyse
from tracking.analysis_json import to_json
from tracking.comparison import Design
from tracking.printable import printable
from tracking.results_csv import SAME_VALUE, read_results
from tracking.summary import summarize

PARTS = [
    *("=1+1", "@SUM(A1)", "+x", "-1", "<b>", "<script>alert(1)</script>", "</td>", "&lt;", "&", "[red]", "[/bold]"),
    *("\\", "\\\\", "\\input{x}", "{", "}", "$", "^", "~", "#", "%", "_", "__a__", "*", "**", "`", '"', "'", "|", "||"),
    *("\n", "\r", "\t", "\x1b[31m", "\x07", "\x00", "\x9b2J", "\u202e", "\u200b", "é", "漢字", "🙂", "--", "---"),
    *("a", "b c", "0", "nan", "None", ",", ";", "![x](y)", "[x](javascript:y)", "http://x", "<!--", "-->", "(", ")"),
]


def odd_names(count, seed):
    """Return different names, none of them blank, of pieces that some format gives a meaning."""
    rng = np.random.default_rng(seed)
    names = {"".join(rng.choice(PARTS, rng.integers(1, 6))).strip() for _ in range(3 * count)}
    return sorted(name for name in names if name)[:count]


def analysis_of(arms, metric="test_accuracy", **design):
    replicates = [
        ArmReplicates(name, tuple(Replicate(seed, value) for seed, value in enumerate(values, start=1)))
        for name, values in arms.items()
    ]
    declared = Design(control=next(iter(arms)), greater_is_better=True, **design)
    return analyse(replicates, metric, declared)


@pytest.fixture(params=range(4))
def odd(request):
    """An analysis of eight arms with odd names."""
    rng = np.random.default_rng(request.param)
    names = odd_names(8, request.param)
    return analysis_of({name: rng.normal(0.9, 0.01, 3).tolist() for name in names}, all_pairs=request.param == 0)


@pytest.mark.parametrize("paired", ["true", "false"])
def test_a_study_and_the_csv_file_of_its_trials_say_the_same(make_study, tmp_path, paired):
    metric = "train_accuracy"  # On test accuracy, records say something about new examples too.
    summary = summarize(*make_study(overrides=[f"study.paired={paired}", f"study.metric={metric}"]))
    (tmp_path / "trials.csv").write_text(render.trials_csv(summary))
    found = analyse(read_results(tmp_path / "trials.csv", metric), metric, summary.design)
    assert found == summary.analysis
    assert found.conclusion == summary.conclusion
    assert tables.means(found) == tables.details(summary, metric)


def test_the_order_of_the_rows_changes_nothing_but_the_order_of_the_arms(tmp_path):
    rows = [f"{arm},{seed},{0.9 + seed / 100 + len(arm) / 50}" for arm in ("a", "bb", "ccc") for seed in (1, 2, 3)]
    design = Design(control="bb", greater_is_better=True)
    found = []
    for order in (rows, rows[::-1]):
        (tmp_path / "r.csv").write_text("\n".join(["arm,seed,acc", *order]))
        found.append(analyse(read_results(tmp_path / "r.csv", "acc"), "acc", design))
    here, there = found
    assert sorted(here.facts) == sorted(there.facts)
    assert {arm.name: arm.description for arm in here.arms} == {arm.name: arm.description for arm in there.arms}


def test_an_arm_whose_seeds_all_agree_is_named(tmp_path):
    (tmp_path / "r.csv").write_text("arm,seed,acc\na,1,0.5\na,2,0.5\nb,1,0.5\nb,2,0.6\n")
    found = analyse(read_results(tmp_path / "r.csv", "acc"), "acc", Design(control="b", greater_is_better=True))
    assert f"a: {SAME_VALUE}." in found.claims


def test_odd_names_stay_cells_of_a_csv_file_and_are_no_formulas(odd):
    means, comparisons, *_ = (list(csv.reader(io.StringIO(part))) for part in render.analysis_csv(odd).split("\n\n"))
    assert [len(row) for row in means] == [len(render.MEANS_COLUMNS)] * (1 + len(odd.arms))
    assert [len(row) for row in comparisons] == [len(render.COMPARISON_COLUMNS)] * len(odd.arms)
    assert not [row for row in means if row[1].startswith(render.FORMULA)]
    assert_printable(render.analysis_csv(odd))


def test_odd_names_stay_cells_of_a_markdown_table_and_text_elsewhere(odd):
    text = answer.in_markdown(odd, "greater is better")
    assert_printable(text)
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("| ---"):
            columns = line.count("|")
            end = next(n for n in range(number, len(lines) + 1) if n == len(lines) or not lines[n])
            assert [bars(row) for row in lines[number - 1 : end]] == [columns] * (end - number + 1)
    assert not re.search(r"(?<!\\)(\\\\)*<[A-Za-z/!]", text)
    assert not re.search(r"(?<!\\)(\\\\)*\]\(", text)


def test_odd_names_are_words_for_latex(odd):
    text = answer.in_latex(odd)
    assert_printable(text)
    for environment in re.findall(r"\\begin\{tabular\}\{@\{\}([lr]+)@\{\}\}\n(.*?)\\end\{tabular\}", text, re.DOTALL):
        for row in environment[1].splitlines():
            if row not in (r"\toprule", r"\midrule", r"\bottomrule"):
                assert row.endswith(r" \\")
                assert_words(row.removesuffix(r" \\"))
                assert len(re.findall(r"(?<!\\)&", row)) == len(environment[0]) - 1
                assert not row.startswith(("[", "*"))
    assert_words(text[text.rindex(r"\end{table}") + len(r"\end{table}") :])


def test_odd_names_neither_style_nor_steer_a_terminal(odd, capsys):
    answer.on_terminal(odd, "greater is better")
    text = capsys.readouterr().out
    assert_printable(text)
    assert max(map(width, text.splitlines())) <= answer.WIDTH
    plain = "".join(text.split())
    for said in (*(arm.name for arm in odd.arms), *odd.facts, *odd.claims):
        assert "".join(printable(said).split()) in plain


def test_odd_names_come_back_from_json(odd):
    text = to_json(odd)
    assert_printable(text)
    assert [arm["name"] for arm in json.loads(text)["arms"]] == [arm.name for arm in odd.arms]


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1.0, 1e12, 1e300])
def test_numbers_of_any_size_are_shown_and_written(scale):
    arms = {"a": [scale, 1.01 * scale, 1.02 * scale], "b": [1.5 * scale, 1.49 * scale, 1.51 * scale]}
    found = analysis_of(arms, metric="loss", margin=scale / 10)
    for text in (answer.in_markdown(found, ""), answer.in_latex(found), render.analysis_csv(found), to_json(found)):
        assert not re.search(r"(?i)\b(nan|inf|infinity)\b", text)
        assert max(map(len, re.findall(r"[0-9.]+", text))) < 30


def test_a_metric_with_few_digits_is_shown_with_few():
    assert "| 45.0 |" in answer.in_markdown(analysis_of({"a": [41.0, 45.0, 49.0], "b": [5.0, 7.0, 9.0]}, "bleu"), "")


def bars(row):
    return len(re.findall(r"(?<!\\)(?:\\\\)*\|", row))


def width(line):
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def assert_printable(text):
    assert [character for character in text if not character.isprintable() and character != "\n"] == []


def assert_words(text):
    """Assert that TeX finds no command here but those that stand for a character, and balanced braces."""
    characters = r"\\text(backslash|asciitilde|asciicircum|less|greater|bar|asciigrave)\{\}|\{\\char34\}|\$(\\pm|-)\$"
    text = re.sub(r"\\ifdefined\\Umathchardef [^\x00-\x7f]\\else U\+[0-9A-F]{4,6}\\fi\{\}", "", text)
    left = re.sub(rf"{characters}|\\[{{}}$&#_%]", "", text)
    assert not set(left) & set('\\$#_%^~<>|"`'), left
    assert re.sub(r"\{\}", "", left).count("{") == re.sub(r"\{\}", "", left).count("}") == 0
    assert "--" not in left
