"""A summary on paper: Markdown tables, CSV files with full precision, and the terminal."""

import csv
import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tracking import tables
from tracking.factorial_report import effect_name, effects_table, verdict
from tracking.printable import printable
from tracking.tables import Table

if TYPE_CHECKING:
    from rich.console import Console

    from tracking.analysis import Analysis, Compared
    from tracking.comparison import Comparison
    from tracking.stats import Description
    from tracking.summary import StudySummary

Cell = str | int | float | bool | None
# What Markdown would take as emphasis, code, a formula, a table's border, HTML or a link; the rest is left readable.
_MARKUP = re.compile(r"([\\`*|$]|(?<!\w)_|_(?!\w)|~(?=~)|<(?=[A-Za-z/!?])|\](?=[(\[:])|&(?=#?\w+;))")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
MEANS_COLUMNS = (
    *("metric", "arm", "planned", "n", "mean", "sd", "median", "min", "max", "ci_low", "ci_high", "flags"),
)
COMPARISON_COLUMNS = (
    *("metric", "arm", "control", "paired", "alpha", "margin", "n_arm", "n_control", "difference"),
    *("ci_low", "ci_high", "t", "df", "p", "p_holm", "hedges_g", "g_low", "g_high", "a12", "rank_p"),
    *("rank_p_holm", "rank_smallest_p", "equivalence_p", "detectable"),
    *("new_difference", "new_se", "new_df", "new_low", "new_high", "new_p", "new_p_holm"),
    *("new_seed_part", "new_example_part", "new_residual_part", "new_flags", "verdict", "flags"),
)
"""Those that begin with `new_` are for new test examples; `_part` are variances."""
EFFECTS_COLUMNS = (
    *("metric", "kind", "effect", "paired", "alpha", "n_level", "n_reference", "difference", "ci_low", "ci_high"),
    *("t", "df", "p", "p_holm", "verdict", "flags"),
)
PAIRS_COLUMNS = (*("metric", "arm", "against", "n_arm", "n_against", "difference", "ci_low", "ci_high", "p", "flags"),)


def markdown(table: Table) -> str:
    """Return `table` in Markdown, its columns aligned in the source too."""
    rows = [tuple(escaped(cell) for cell in row) for row in (table.headings, *table.rows)]
    widths = [max(3, *(len(row[column]) for row in rows)) for column in range(len(table.headings))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if table.is_text(column) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(f"| {' | '.join(cells)} |")
    rule = ["-" * width if table.is_text(column) else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return "\n".join([lines[0], f"| {' | '.join(rule)} |", *lines[1:]])


def escaped(text: str) -> str:
    """Return `text` so that Markdown shows it as it is, on one line."""
    return _MARKUP.sub(r"\\\1", printable(text))


def means_csv(summary: "StudySummary") -> str:
    """Return the description of every arm and metric; nothing in it depends on when or where the trials ran."""
    rows: list[list[Cell]] = [[*MEANS_COLUMNS]]
    for metric in summary.metrics:
        rows += [_mean(metric, arm.name, arm.planned, arm.metrics[metric], arm.flags) for arm in summary.arms]
    return _csv(rows)


def analysis_csv(analysis: "Analysis") -> str:
    """Return means, comparisons and, if asked for, all pairs: tables of their own, an empty line between them."""
    rows: list[list[Cell]] = [[*MEANS_COLUMNS]]
    for arm in analysis.arms:
        replicates = arm.replicates
        rows.append(_mean(analysis.metric, arm.name, replicates.planned, arm.description, replicates.flags))
    parts = [_csv(rows), comparisons_csv(analysis)]
    return "\n".join([*parts, pairs_csv(analysis)] if analysis.design.all_pairs else parts)


def comparisons_csv(found: "Compared") -> str:
    """Return every number of the comparisons; nothing in it depends on when or where the trials ran."""
    rows: list[list[Cell]] = [[*COMPARISON_COLUMNS]]
    design = found.design
    for one in found.comparisons:
        test, effect, rank = one.test, one.effect, one.rank
        declared: list[Cell] = [found.scale.metric, one.arm, one.control, design.paired, design.alpha, design.margin]
        tested: list[Cell] = [test.n_treatment, test.n_control, test.difference, test.low, test.high]
        tested += [test.t, test.df, test.p, one.p_holm]
        effects: list[Cell] = [effect.value, effect.low, effect.high, one.a12]
        others: list[Cell] = [rank.p, one.rank_p_holm, rank.smallest_p, one.equivalence_p, one.detectable]
        new = _new_data(one)
        rows.append([*declared, *tested, *effects, *others, *new, one.verdict, "; ".join(one.flags)])
    return _csv(rows)


def effects_csv(summary: "StudySummary") -> str:
    """Return the effects of a factorial study's components."""
    rows: list[list[Cell]] = [[*EFFECTS_COLUMNS]]
    design = summary.design
    for one in summary.effects:
        test = one.test
        names: list[Cell] = [summary.scale.metric, one.kind, effect_name(one), design.paired, design.alpha]
        tested: list[Cell] = [test.n_treatment, test.n_control, test.difference, test.low, test.high]
        tested += [test.t, test.df, test.p, one.p_holm]
        rows.append([*names, *tested, verdict(one, design), "; ".join(test.flags)])
    return _csv(rows)


def pairs_csv(found: "Compared") -> str:
    """Return every arm against every other; p and interval hold for all pairs together."""
    rows: list[list[Cell]] = [[*PAIRS_COLUMNS]]
    for one in found.pairs:
        names: list[Cell] = [found.scale.metric, one.first, one.second, one.n_first, one.n_second]
        rows.append([*names, one.difference, one.low, one.high, one.p, "; ".join(one.flags)])
    return _csv(rows)


def trials_csv(summary: "StudySummary") -> str:
    """Return every planned trial; an unfinished one has empty metrics. The time, which no two runs share, is last."""
    rows: list[list[Cell]] = [["arm", "seed", "key", "state", *summary.metrics, "reason", "seconds"]]
    for arm in summary.arms:
        for row in arm.trials:
            values = [row.metrics.get(metric) for metric in summary.metrics]
            rows.append([row.arm, row.seed, row.key, row.state, *values, row.reason, row.seconds])
    return _csv(rows)


def print_summary(summary: "StudySummary", console: "Console") -> None:
    """Print means and comparisons as tables that fit 100 columns, and the conclusion as a paragraph."""
    shown = [tables.overview(summary), tables.details(summary, summary.study.metric), tables.comparisons(summary)]
    if summary.effects:
        shown.append(effects_table(summary.effects, summary.design, summary.scale))
    print_tables(summary.study.question, shown, (*summary.facts, "", " ".join(summary.claims)), console)


def print_tables(title: str, shown: Sequence[Table], sentences: Sequence[str], console: "Console") -> None:
    """Print a title, some tables, and what is said about them."""
    from rich.padding import Padding
    from rich.text import Text

    console.print()
    console.print(Text(printable(title), style="bold"))
    for table in shown:
        _print_table(table, console)
    for sentence in sentences:
        console.print(Padding(Text(printable(sentence)), (0, 0, 0, 1)))
    console.print()


def _print_table(table: Table, console: "Console") -> None:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title=Text(printable(table.title), style="bold"))
    drawn.title_justify = "left"
    widths = _widths(table, console.width)
    for column, heading in enumerate(table.headings):
        drawn.add_column(
            Text(heading), justify="left" if table.is_text(column) else "right", width=widths[column], overflow="fold"
        )
    for row in table.rows:
        drawn.add_row(*(Text(printable(cell)) for cell in row))
    console.print(drawn)


def _widths(table: Table, available: int) -> list[int | None]:
    """Return the width of each column: as wide as its text, else headings, verdict and then names wrap.

    Numbers wrap last, between words: an interval in two lines. None leaves it to Rich, where even that has no room.
    """
    whole = [max(map(len, column)) for column in zip(table.headings, *table.rows, strict=True)]
    room = available - 2 * len(whole) - 1
    if sum(whole) <= room:
        return [*whole]
    tight, words = [], []
    for heading, *cells in list(zip(table.headings, *table.rows, strict=True))[table.names :]:
        parts = [len(word) for cell in cells for word in cell.split()]
        longest = max(map(len, heading.split()), default=0)
        words.append(max([longest, *parts]))
        tight.append(words[-1] if heading == "verdict" else max([longest, *map(len, cells)]))
    least = 8 * table.names
    numbers = _widened(words, tight, room - least)
    if sum(numbers) > room - least:
        return [None] * len(whole)
    return [*(min(width, (room - sum(numbers)) // table.names) for width in whole[: table.names]), *numbers]


def _widened(least: Sequence[int], wanted: Sequence[int], room: int) -> list[int]:
    """Return the widths `wanted` of as many columns, from the first on, as there is `room` for; of others the least."""
    widths = list(least)
    for column, width in enumerate(wanted):
        if sum(widths) - widths[column] + width <= room:
            widths[column] = width
    return widths


def _mean(metric: str, arm: str, planned: int, found: "Description", flags: tuple[str, ...]) -> list[Cell]:
    numbers = [found.mean, found.sd, found.median, found.minimum, found.maximum, found.low, found.high]
    return [metric, arm, planned, found.n, *numbers, "; ".join((*found.flags, *flags))]


def _new_data(one: "Comparison") -> list[Cell]:
    new = one.new_data
    if new is None:
        return [None] * 11
    numbers: list[Cell] = [new.difference, new.se, new.df, new.low, new.high, new.p, one.new_data_p_holm]
    return [*numbers, new.seed_part, new.example_part, new.residual_part, "; ".join(new.flags)]


def _csv(rows: Sequence[Sequence[Cell]]) -> str:
    """Return rows as CSV; floats are written so that reading them gives the same bits, None as an empty cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in rows:
        writer.writerow([_cell(cell) for cell in row])
    return buffer.getvalue()


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        # A spreadsheet would run a text that starts like a formula.
        text = printable(cell)
        return f"'{text}" if text.startswith(FORMULA) else text
    if isinstance(cell, bool):
        return str(cell).lower()
    return "" if cell is None else repr(cell)
