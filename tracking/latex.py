"""Tables for a paper, with booktabs."""

import re
from collections.abc import Iterable

from tracking.printable import printable
from tracking.tables import Table

PREAMBLE = r"""% \usepackage{booktabs,graphicx}
% \usepackage[T1]{fontenc} for letters such as those of Polish or Icelandic. What pdflatex has no letter for is set as
% its number in Unicode, and as it is by lualatex and xelatex with a font that has it.
"""
WIDTH = r"\ifdim\width>\linewidth\linewidth\else\width\fi"
"""A table that is too wide is shrunk; others keep their size."""
_COMMANDS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\char34}",
    "`": r"\textasciigrave{}",
    "±": r"$\pm$",
    **{character: f"\\{character}" for character in "{}$&#_%"},
}
_SPECIAL = re.compile("|".join(map(re.escape, _COMMANDS)))
# Beyond Latin-1, Latin Extended-A and these signs, pdflatex stops with an error.
_FOREIGN = re.compile("[^\x00-\u017e–—‘’“”…†‡•€™]")  # noqa: RUF001
_LIGATURE = re.compile(r"-(?=-)")
_MINUS = re.compile(r"(?<![\w.-])-(?=[0-9])")


def document_tables(tables: Iterable[Table]) -> str:
    """Return `tables` to be put into a document, one float each; the document needs booktabs and graphicx."""
    return PREAMBLE + "".join(f"\n{latex(table)}" for table in tables)


def latex(table: Table) -> str:
    """Return `table` as a float, with its title as the caption."""
    columns = "".join("l" if table.is_text(column) else "r" for column in range(len(table.headings)))
    lines = [
        r"\begin{table}[htbp]",
        r"\centering",
        rf"\caption{{{escaped(table.title)}}}",
        rf"\resizebox{{{WIDTH}}}{{!}}{{%",
        rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
        r"\toprule",
        _row(escaped(heading) for heading in table.headings),
        r"\midrule",
        *(_row(_cell(table, column, cell) for column, cell in enumerate(row)) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """Return `text` so that LaTeX sets it as it is, on one line."""
    words = _LIGATURE.sub("-{}", _SPECIAL.sub(lambda found: _COMMANDS[found[0]], printable(text)))
    return _FOREIGN.sub(_foreign, words)


def with_minus(text: str) -> str:
    """Return `text` like `escaped`, the hyphen in front of a number as a minus."""
    return _MINUS.sub("$-$", escaped(text))


def _foreign(found: "re.Match[str]") -> str:
    """Return a letter for the engines that know it; not by a command, which a list of tables would meet undefined."""
    return rf"\ifdefined\Umathchardef {found[0]}\else U+{ord(found[0]):04X}\fi{{}}"


def _row(cells: Iterable[str]) -> str:
    text = " & ".join(cells)
    # The `\\` of the row above would take these two as its own.
    return rf"{{}}{text} \\" if text.startswith(("[", "*")) else rf"{text} \\"


def _cell(table: Table, column: int, text: str) -> str:
    return escaped(text) if table.is_text(column) else with_minus(text)
