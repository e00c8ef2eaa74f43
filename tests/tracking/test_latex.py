"""Tables for a paper."""

from tracking.latex import document_tables, escaped, with_minus
from tracking.tables import Table


def test_a_table_has_rules_a_caption_and_its_columns_aligned():
    table = Table("Means, %", ("arm", "mean", "verdict"), (("a_b", "-1.00", "better"),))
    assert document_tables([table]).split("\n\n")[1].splitlines() == [
        r"\begin{table}[htbp]",
        r"\centering",
        r"\caption{Means, \%}",
        r"\begin{tabular}{@{}lrl@{}}",
        r"\toprule",
        r"arm & mean & verdict \\",
        r"\midrule",
        r"a\_b & $-$1.00 & better \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def test_the_package_it_needs_is_said_at_the_top():
    assert document_tables([]).startswith("% \\usepackage{booktabs}\n")


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
