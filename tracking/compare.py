"""Compare arms from a CSV file of any tool: `python -m tracking.compare file=FILE control=ARM metric=COLUMN`."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from studies.errors import InputError, unknown
from studies.leaving import leave
from tracking.arguments import named_values
from tracking.direction import Direction, guess

if TYPE_CHECKING:
    from tracking.analysis import Analysis, ArmReplicates

USAGE = """\
Compare the arms of an experiment with a control, from a CSV file of any tool.

    python -m tracking.compare file=results.csv control=original metric=test_accuracy [name=value ...]

    file=FILE         one row per trial: columns `arm`, `seed`, and one for each metric
    control=ARM       the arm that the others are compared with
    metric=COLUMN     the column that the conclusion rests on
    paired=true       compare seed by seed (default: false, independent samples)
    margin=NUMBER     ask for equivalence within this difference, in the unit of the column
    alpha=NUMBER      family-wise error rate, intervals cover 1 - alpha (default: 0.05)
    all_pairs=true    also every arm against every other (default: false; not part of the JSON)
    direction=max|min whether more or less is better (default: guessed from the metric's name, and printed)
    format=FORMAT     rich, markdown, csv, latex or json (default: rich)

An empty cell, NaN or an infinity is a failed trial: counted, and left out.
csv: the tables of means, of comparisons and, if asked for, of all pairs, an empty line between them.
"""
Format = Literal["rich", "markdown", "csv", "latex", "json"]
REQUIRED = ("file", "control", "metric")
ARGUMENTS = (*REQUIRED, "paired", "margin", "alpha", "all_pairs", "direction", "format")
MOST_ARMS_IN_PAIRS = 40
"""780 pairs, which take most of a minute."""


@dataclass(frozen=True)
class Options:
    """What was asked, judged as far as that needs no file."""

    file: Path
    control: str
    metric: str
    paired: bool
    margin: float | None
    alpha: float
    all_pairs: bool
    direction: Direction | None
    """None where it is not given and the metric's name does not tell."""
    direction_source: str
    format: str

    @property
    def direction_note(self) -> str:
        """The direction in words, and where it comes from."""
        better = "less is better" if self.direction == "min" else "greater is better"
        return f"{better} (direction={self.direction}, {self.direction_source})"


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit code, 2 for bad input."""
    if any(argument in ("-h", "--help") for argument in arguments):
        print(USAGE, end="")
        return 0
    try:
        options = options_of(arguments)
        arms = _read(options)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    from tracking.analysis import analyse
    from tracking.comparison import Design

    design = Design(
        control=options.control,
        greater_is_better=options.direction == "max",
        paired=options.paired,
        alpha=options.alpha,
        margin=options.margin,
        all_pairs=options.all_pairs,
    )
    _print(analyse(arms, options.metric, design), options)
    return 0


def options_of(arguments: Sequence[str]) -> Options:
    """Return the options that the arguments `name=value` give.

    Raises:
        InputError: an argument is unknown, missing, given twice, or not of its kind.
    """
    given = _parsed(arguments)
    alpha = _number(given, "alpha", 0.05)
    if not 0 < alpha < 0.5:
        raise InputError(f"`alpha` must be between 0 and 0.5. Received: {given['alpha']!r}.")
    margin = _number(given, "margin", math.inf)
    if not margin > 0:
        raise InputError(f"`margin` must be positive, in the metric's unit. Received: {given['margin']!r}.")
    return Options(
        file=Path(given["file"]),
        control=given["control"],
        metric=given["metric"],
        paired=_choice(given, "paired", ("true", "false"), "false") == "true",
        margin=margin if "margin" in given else None,
        alpha=alpha,
        all_pairs=_choice(given, "all_pairs", ("true", "false"), "false") == "true",
        direction=_direction(given),
        direction_source="as given" if "direction" in given else "guessed from the name",
        format=_choice(given, "format", get_args(Format), "rich"),
    )


def _parsed(arguments: Sequence[str]) -> dict[str, str]:
    given = named_values(arguments, ARGUMENTS)
    missing = [name for name in REQUIRED if name not in given]
    if missing:
        raise InputError(
            f"`{missing[0]}=` is missing. The least is: file=results.csv control=ARM metric=COLUMN (--help has more)."
        )
    return given


def _choice(given: dict[str, str], name: str, valid: Sequence[str], default: str) -> str:
    value = given.get(name, default)
    if name in given and value not in valid:
        raise unknown(name, value, valid)
    return value


def _direction(given: dict[str, str]) -> Direction | None:
    if not _choice(given, "direction", get_args(Direction), ""):
        return guess(given["metric"])
    return "max" if given["direction"] == "max" else "min"


def _number(given: dict[str, str], name: str, default: float) -> float:
    if name not in given:
        return default
    try:
        value = float(given[name])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"`{name}` must be a number, such as {name}=0.01. Received: {given[name]!r}.")
    return value


def _read(options: Options) -> "tuple[ArmReplicates, ...]":
    from tracking.printable import printable
    from tracking.results_csv import read_results

    arms = read_results(options.file, options.metric)
    if len(arms) < 2:
        raise InputError(f"Column `arm` must hold at least two arms. Received: only {arms[0].name!r}.")
    names = [arm.name for arm in arms]
    if options.control not in names:
        raise unknown("control", options.control, map(printable, names))
    if options.all_pairs and len(arms) > MOST_ARMS_IN_PAIRS:
        raise InputError(f"`all_pairs` can be asked of at most {MOST_ARMS_IN_PAIRS} arms. Received: {len(arms)} arms.")
    if options.direction is None:  # Asked for last: of a column that is misspelt nobody knows a direction.
        raise InputError(
            f"`direction` must be given where the metric's name does not tell: direction=max if greater is better, "
            f"direction=min if less is. Received: metric={options.metric!r}."
        )
    return arms


def _print(analysis: "Analysis", options: Options) -> None:
    """Print to standard output in the format asked for; what is no part of it goes to standard error."""
    from tracking import answer

    if options.format in ("csv", "latex", "json"):
        print(f"{options.metric}: {options.direction_note}", file=sys.stderr)
    match options.format:
        case "json":
            from tracking.analysis_json import to_json

            print(to_json(analysis))
        case "csv":
            from tracking.render import analysis_csv

            print(analysis_csv(analysis), end="")
        case "latex":
            print(answer.in_latex(analysis), end="")
        case "markdown":
            print(answer.in_markdown(analysis, options.direction_note), end="")
        case _:
            answer.on_terminal(analysis, options.direction_note)


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
