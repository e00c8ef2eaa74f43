"""An analysis for people: its sentences, its tables and the reasons for caution, on paper or on a terminal."""

import sys
from collections.abc import Iterator

from tracking import tables
from tracking.analysis import Analysis
from tracking.latex import document_tables, with_minus
from tracking.render import escaped, markdown, print_tables
from tracking.tables import Table

WIDTH = 100
"""Characters a line where there is no terminal to keep to."""


def shown_tables(analysis: Analysis) -> list[Table]:
    """Return means, comparisons, the tests behind them and, if asked for, all pairs of arms."""
    asked = [tables.pairs(analysis)] if analysis.design.all_pairs else []
    return [
        tables.means(analysis),
        tables.comparisons(analysis),
        tables.tests(analysis),
        *asked,
        tables.omnibus(analysis),
    ]


def in_markdown(analysis: Analysis, direction: str) -> str:
    """Return a page: the answer, the tables, the notes; `direction` says in words what is better."""
    blocks = [
        f"# {escaped(_title(analysis))}",
        escaped(_declared(analysis, direction)),
        "\n".join(f"- {escaped(fact)}" for fact in analysis.facts),
        escaped(" ".join(analysis.claims)),
        *(block for table in shown_tables(analysis) for block in (f"## {escaped(table.title)}", markdown(table))),
        "\n".join(f"- {escaped(note)}" for note in _notes(analysis)),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def in_latex(analysis: Analysis) -> str:
    """Return the tables as floats and the conclusion with the notes as a paragraph, to be put into a document."""
    return (
        f"{document_tables(shown_tables(analysis))}\n{with_minus(' '.join([analysis.conclusion, *_notes(analysis)]))}\n"
    )


def on_terminal(analysis: Analysis, direction: str) -> None:
    """Print tables, conclusion and notes to standard output."""
    from rich.console import Console

    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    said = (_declared(analysis, direction), *analysis.facts, *analysis.claims, *_notes(analysis))
    print_tables(_title(analysis), shown_tables(analysis), said, console)


def _title(analysis: Analysis) -> str:
    count = len(analysis.comparisons)
    return f"{tables.capital(analysis.scale.label)}: {count} arm{'s' * (count > 1)} against {analysis.design.control}"


def _declared(analysis: Analysis, direction: str) -> str:
    design = analysis.design
    test = "paired by seed" if design.paired else "independent samples"
    margin = "no margin" if design.margin is None else f"margin {analysis.scale.margin(design.margin)}"
    return f"{analysis.metric}: {direction}; {test}, alpha {design.alpha:g}, {margin}."


def _notes(analysis: Analysis) -> Iterator[str]:
    """Yield the reasons for caution."""
    for one in analysis.comparisons:
        if one.flags:
            yield f"{one.arm}: {'; '.join(one.flags)}."
    for pair in analysis.pairs:
        if pair.flags:
            yield f"{pair.first} against {pair.second}: {'; '.join(pair.flags)}."
    if analysis.omnibus.flags:
        yield f"All arms at once: {'; '.join(analysis.omnibus.flags)}."
