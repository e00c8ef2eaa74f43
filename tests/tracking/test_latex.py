"""Tables for a paper."""

import shutil
import subprocess

import pytest

from tracking.latex import document_tables, escaped, with_minus
from tracking.tables import Table


def test_a_table_has_rules_a_caption_and_its_columns_aligned():
    table = Table("Means, %", ("arm", "mean", "verdict"), (("a_b", "-1.00", "better"),))
    assert document_tables([table]).split("\n\n")[1].splitlines() == [
        r"\begin{table}[htbp]",
        r"\centering",
        r"\caption{Means, \%}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        r"\begin{tabular}{@{}lrl@{}}",
        r"\toprule",
        r"arm & mean & verdict \\",
        r"\midrule",
        r"a\_b & $-$1.00 & better \\",
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table}",
    ]


def test_the_packages_it_needs_are_said_at_the_top():
    assert document_tables([]).startswith("% \\usepackage{booktabs,graphicx}\n")


def test_pdflatex_gets_the_number_of_a_letter_that_it_does_not_know():
    assert escaped("漢 łé “x”") == r"\ifdefined\Umathchardef 漢\else U+6F22\fi{} łé “x”"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex is installed")
def test_pdflatex_sets_a_table_with_any_name(tmp_path):
    names = [r"\input{x}", "50% #1 & $x$ {", "^~_<|>", "[1cm]", "--a---", "漢字 🙂 \u03b1", "“é” ł…", "`'\"", "a" * 200]
    table = Table("A " + names[5], ("arm", "mean"), tuple((name, "-1.00") for name in names))
    (tmp_path / "tables.tex").write_text(document_tables([table]), encoding="utf-8")
    page = (r"\documentclass{article}", r"\usepackage[T1]{fontenc}", r"\usepackage{booktabs,graphicx}")
    body = (r"\begin{document}", r"\listoftables", r"\input{tables}", r"\end{document}")
    (tmp_path / "paper.tex").write_text("\n".join((*page, *body)))
    command = ("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex")
    for _ in range(2):  # The second time it reads the list of tables.
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
        assert done.returncode == 0, done.stdout[-1000:]
    assert "Overfull" not in done.stdout


def test_what_tex_would_obey_is_set_as_it_is():
    assert escaped(r"\input{x} 50% #1 a&b $y$ ^~_") == (
        r"\textbackslash{}input\{x\} 50\% \#1 a\&b \$y\$ \textasciicircum{}\textasciitilde{}\_"
    )
    assert escaped("a--b---c") == "a-{}-b-{}-{}-c"
    assert escaped("a\n\n\\end") == r"a \textbackslash{}end"


def test_a_minus_is_one_only_in_front_of_a_number():
    assert with_minus("[-0.53, -0.10] of Games-Howell 3-4") == "[$-$0.53, $-$0.10] of Games-Howell 3-4"


def test_a_row_that_begins_like_an_option_is_none():
    table = Table("t", ("arm",), (("[1cm]",), ("*",)))
    assert document_tables([table]).splitlines()[-5:-3] == [r"{}[1cm] \\", r"{}* \\"]
