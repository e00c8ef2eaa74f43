"""Numbers from any tool: a CSV file with the columns arm and seed, and one for each metric."""

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studies.errors import InputError, nearest, unknown
from tracking.analysis import ArmReplicates, Replicate
from tracking.printable import printable
from tracking.stats import constant

ARM, SEED = "arm", "seed"
LARGEST_FILE = 32 * 2**20
"""Bytes; a row per trial stays far below, and what is longer is no table of trials."""
MOST_ROWS = 100_000
MOST_ARMS = 200
"""Each takes some hundredths of a second to compare; more are names of another kind, put in the wrong column."""
NO_RESULT = ("", "na", "null", "none")
"""How tools write that there is no number, besides NaN and infinities."""
SAME_VALUE = "all seeds have the same value: the seed may not reach the training"
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_WHOLE = re.compile(r"[+-]?[0-9]{1,300}(\.0*)?")


@dataclass(frozen=True)
class _Row:
    number: int
    """Counted from 1, the header included, as a spreadsheet does."""
    cells: tuple[str, ...]


@dataclass(frozen=True)
class _Result:
    arm: str
    seed: str
    value: float | None
    reason: str = ""
    """Why there is no value."""


def read_results(path: Path, metric: str) -> tuple[ArmReplicates, ...]:
    """Return the arms of a CSV file in the order of their first rows, each with one trial per row.

    An empty or non-finite cell is a failed trial. A seed is any text; it serves to pair trials, `3` and `3.0`
    being the same. Seeds that are not whole numbers are numbered in their alphabetical order.

    Raises:
        InputError: the file cannot be read as such a table; the message names column and row.
    """
    rows = _rows(_text(path))
    header = next(rows, None)
    if header is None:
        raise InputError("`file` must hold a header and rows below it. Received: an empty file.")
    columns = _columns(header.cells, metric)
    found: dict[tuple[str, str], _Result] = {}
    first_rows: dict[tuple[str, str], int] = {}
    for row in rows:
        if len(first_rows) == MOST_ROWS:
            raise InputError(f"`file` must have at most {MOST_ROWS:,} rows, one per trial. Received: more.")
        result = _result(row, header.cells, columns, metric)
        trial = (result.arm, result.seed)
        if trial in found:
            raise InputError(
                f"Columns `arm` and `seed`, row {row.number}: each pair may stand in one row. "
                f"Received: {result.arm!r} with seed {result.seed!r} again, as in row {first_rows[trial]}."
            )
        found[trial], first_rows[trial] = result, row.number
    if not found:
        raise InputError("`file` must hold rows below its header. Received: a header only.")
    return _arms(list(found.values()))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise InputError(f"`file` must be a file to read. Received: {str(path)!r}. {error.strerror}.") from None
    if len(content) > LARGEST_FILE:
        limit = LARGEST_FILE // 2**20
        raise InputError(
            f"`file` must be at most {limit} MiB, with one row per trial. Received: {str(path)!r}, larger."
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"`file` must be text in UTF-8. Received: other bytes in row {row}.") from None


def _rows(text: str) -> Iterator[_Row]:
    """Yield the rows that are not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            stripped = tuple(cell.strip() for cell in cells)
            if any(stripped):
                yield _Row(number, stripped)
    except csv.Error as error:
        raise InputError(f"`file` must be comma-separated values. Received, in row {number + 1}: {error}.") from None


def _columns(header: Sequence[str], metric: str) -> dict[str, int]:
    """Return the positions of the three columns that are read."""
    _check_separator(header)
    for name in (ARM, SEED):
        if name not in header:
            raise InputError(f"`file` must have a column `{name}`. Received: {_shown(header)}.{nearest(name, header)}")
    metrics = [name for name in header if name and name not in (ARM, SEED)]
    if metric not in metrics:
        if not metrics:
            raise InputError(f"`file` must have a column {metric!r}. Received: {_shown(header)}.")
        raise unknown("metric", metric, map(printable, metrics))
    for name in (ARM, SEED, metric):
        if header.count(name) > 1:
            raise InputError(f"`file` must have one column {name!r}. Received: {header.count(name)}, {_shown(header)}.")
    return {name: header.index(name) for name in (ARM, SEED, metric)}


def _check_separator(header: Sequence[str]) -> None:
    if len(header) > 1:
        return
    for separator, name in _SEPARATORS.items():
        if separator in header[0]:
            raise InputError(f"`file` must be separated by commas. Received: a header with {name}, {header[0][:80]!r}.")


def _shown(header: Sequence[str]) -> str:
    return ", ".join(printable(name)[:40] for name in header[:12]) + (", ..." if len(header) > 12 else "")


def _result(row: _Row, header: Sequence[str], columns: dict[str, int], metric: str) -> _Result:
    if len(row.cells) != len(header):
        raise InputError(f"Row {row.number} must have {len(header)} cells, as the header. Received: {len(row.cells)}.")
    arm, seed, text = (row.cells[columns[name]] for name in (ARM, SEED, metric))
    for name, cell in ((ARM, arm), (SEED, seed)):
        if not cell:
            raise InputError(f"Column `{name}`, row {row.number}: must not be empty.")
    value = _number(text)
    if value is None:
        raise InputError(
            f"Column {metric!r}, row {row.number}: must be a number, or empty where the trial failed. "
            f"Received: {text[:80]!r}."
        )
    seed = str(int(seed.partition(".")[0])) if _WHOLE.fullmatch(seed) else seed
    if math.isfinite(value):
        return _Result(arm, seed, value)
    return _Result(arm, seed, None, f"{printable(metric)} is {text if text else 'empty'}")


def _number(text: str) -> float | None:
    """Return the number that a cell holds, NaN for one without a result, None for what is no number."""
    if text.lower() in NO_RESULT:
        return math.nan
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _arms(results: Sequence[_Result]) -> tuple[ArmReplicates, ...]:
    numbers = _numbers({result.seed for result in results})
    trials: dict[str, list[Replicate]] = {}
    for result in results:
        trials.setdefault(result.arm, []).append(_trial(result, numbers[result.seed]))
    if len(trials) > MOST_ARMS:
        raise InputError(f"Column `arm` must hold at most {MOST_ARMS} arms. Received: {len(trials):,}.")
    return tuple(_arm(name, sorted(rows, key=lambda row: row.seed)) for name, rows in trials.items())


def _trial(result: _Result, number: int) -> Replicate:
    if result.value is not None:
        return Replicate(number, result.value)
    # Where the seed is a name, its number says nothing to the reader.
    name = "" if result.seed == str(number) else f"{printable(result.seed)}, "
    return Replicate(number, None, "failed", name + result.reason)


def _numbers(seeds: set[str]) -> dict[str, int]:
    """Return a number for each seed: its own if all are whole numbers."""
    if all(_WHOLE.fullmatch(seed) for seed in seeds):
        return {seed: int(seed) for seed in seeds}
    return {seed: number for number, seed in enumerate(sorted(seeds), start=1)}


def _arm(name: str, trials: Sequence[Replicate]) -> ArmReplicates:
    values = [trial.value for trial in trials if trial.value is not None]
    same = len(values) > 1 and constant(np.array(values))
    return ArmReplicates(name, tuple(trials), (SAME_VALUE,) if same else ())
