"""How often the shipped procedure errs, how often it finds what is there, and what looks save: `error_rates.py`.

Each made-up study goes the way of a real one: `tracking.looks.decide_by_now` says which arms go on, and
`tracking.analysis.analyse` what may be concluded. Writes docs/error-rates.md, the same text each time.
"""

import math
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from tracking.analysis import ArmReplicates, Replicate, analyse
from tracking.comparison import Comparison, Design
from tracking.looks import decide_by_now
from tracking.sequential import SequentialDesign

STUDIES = 2_000
"""Of each row, with no difference anywhere, and as many with one arm that differs."""
CHUNK = 100
SEED = 20_26
MOST = 0.065
"""Family-wise error that no row without skew may exceed."""
ARMS = ("control", "a", "b", "c")
LOOKS = (5, 10, 15, 20)
DESIGN = Design(control=ARMS[0], greater_is_better=True)
SPREADS = {"equal": (1.0, 1.0, 1.0, 1.0), "unequal": (1.5, 1.0, 0.5, 1.0), "skewed": (1.5, 1.0, 0.5, 1.0)}
"""Standard deviations of the arms; where they are skewed, they are unequal too, which is the harder case."""
HEADINGS = (
    *("spread", "trials an arm", "family-wise error", "the same, one arm differs", "power at 1 sd", "coverage"),
    *("saved, no difference", "saved, one arm differs"),
)
PREAMBLE = f"""\
<!-- Generated: python benchmarks/error_rates.py -->

# How often the procedure errs

Each row is from {STUDIES:,} made-up studies in which no arm differs, and as many in which one of the three treatments
differs from the control by one standard deviation (the root mean square of both). A study has four arms and is judged
by the code that judges every study: Welch's t test, Holm's correction, alpha 0.05; with looks at {LOOKS}, Lan-DeMets
spending on top. After ± stands the Monte-Carlo standard error.

- *Family-wise error*: the share of studies that call an arm better or worse that does not differ.
- *Power*: the share that finds the arm that differs, with its right sign.
- *Coverage*: the share of 95% intervals, each for one comparison, that contain the true difference.
- *Saved*: the trainings that the looks spare, of {LOOKS[-1] * len(ARMS)}; "or futile" also gives up arms with little
  chance.
- *equal*: all standard deviations 1. *unequal*: {", ".join(map(str, SPREADS["unequal"]))}, the control first. *skewed*:
  unequal, and each arm log-normal (sigma 1, skewness 6.2) with its tail to the left, like accuracies some of whose
  trainings fail.

Intervals of arms that stopped early are too narrow and their differences too large: the report labels them.
"""


@dataclass(frozen=True)
class Row:
    """A kind of study."""

    spread: str
    replicates: int
    looks: SequentialDesign | None = None

    @property
    def name(self) -> str:
        """How many trials an arm gets."""
        if self.looks is None:
            return str(self.replicates)
        return f"{self.replicates}, four looks{' or futile' * self.looks.futility}"


@dataclass(frozen=True)
class Counts:
    """What some studies of one kind did."""

    studies: int = 0
    wrong: int = 0
    found: int = 0
    covered: int = 0
    intervals: int = 0
    trained: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Return both together."""
        return Counts(*(one + two for one, two in zip(vars(self).values(), vars(other).values(), strict=True)))


ROWS = tuple(
    Row(spread, replicates, looks)
    for spread in SPREADS
    for replicates, looks in (
        *((replicates, None) for replicates in (3, 6, 10)),
        *((LOOKS[-1], SequentialDesign(LOOKS, futility=futility)) for futility in (False, True)),
    )
)


def main() -> int:
    """Return the exit code: 1 if a row without skew errs too often."""
    tasks = [(row, differs, chunk) for row in ROWS for differs in (False, True) for chunk in range(STUDIES // CHUNK)]
    found = {(row, differs): Counts() for row in ROWS for differs in (False, True)}
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for (row, differs, _), counts in zip(tasks, pool.map(simulate, *zip(*tasks, strict=True)), strict=True):
            found[row, differs] = found[row, differs].plus(counts)
            if differs and found[row, True].studies == STUDIES:
                print(" | ".join(cells(row, found[row, False], found[row, True])), flush=True)
    lines = [cells(row, found[row, False], found[row, True]) for row in ROWS]
    rule = ("---", "---", *["---:"] * (len(HEADINGS) - 2))
    table = "\n".join(f"| {' | '.join(line)} |" for line in (HEADINGS, rule, *lines))
    (Path(__file__).parents[1] / "docs" / "error-rates.md").write_text(f"{PREAMBLE}\n{table}\n", encoding="utf-8")
    over = [row for row in ROWS if row.spread != "skewed" and found[row, False].wrong > MOST * STUDIES]
    for row in over:
        print(f"{row.spread}, {row.name}: the family-wise error is over {MOST}", file=sys.stderr)
    return 1 if over else 0


def simulate(row: Row, differs: bool, chunk: int) -> Counts:
    """Return what a chunk of studies of one kind did; the same draws with and without a difference."""
    rng = np.random.default_rng([SEED, ROWS.index(row), chunk])
    sds = SPREADS[row.spread]
    shift = math.hypot(sds[0], sds[1]) / math.sqrt(2) if differs else 0.0
    total = Counts()
    for _ in range(CHUNK):
        values = drawn(rng, row) * np.array(sds)[:, None]
        values[1] += shift
        total = total.plus(study(values, row, shift))
    return total


def drawn(rng: np.random.Generator, row: Row) -> np.ndarray:
    """Return (arms, trials) values of mean 0 and variance 1."""
    normal = rng.standard_normal((len(ARMS), row.replicates))
    if row.spread != "skewed":
        return normal
    return (math.exp(0.5) - np.exp(normal)) / math.sqrt((math.e - 1) * math.e)


def study(values: np.ndarray, row: Row, shift: float) -> Counts:
    """Run one study whose trials end with `values`, (arms, trials); arm a differs by `shift`."""
    trials = {
        name: tuple(Replicate(seed, float(value)) for seed, value in enumerate(line))
        for name, line in zip(ARMS, values, strict=True)
    }
    decision = None
    if row.looks is not None:
        seeds = range(row.replicates)
        samples = {name: {one.seed: one.value for one in line} for name, line in trials.items()}
        # All values at once: what an arm has after it has stopped is not read.
        decision = decide_by_now(samples, {name: frozenset(seeds) for name in ARMS}, seeds, DESIGN, row.looks)
        trained = {one.arm: one.replicates for one in decision.arms}
        trained[ARMS[0]] = max(trained.values())
        trials = {name: line[: trained[name]] for name, line in trials.items()}
    arms = [ArmReplicates(name, line) for name, line in trials.items()]
    first, *others = analyse(arms, "score", DESIGN, decision).comparisons
    same = others if shift else [first, *others]
    return Counts(
        studies=1,
        wrong=any(one.verdict != "inconclusive" for one in same),
        found=first.verdict == "better",
        covered=covered([first], shift) + covered(others, 0.0),
        intervals=len(ARMS) - 1,
        trained=sum(map(len, trials.values())),
    )


def covered(comparisons: Sequence[Comparison], truth: float) -> int:
    return sum(
        one.test.low is not None and one.test.high is not None and one.test.low <= truth <= one.test.high
        for one in comparisons
    )


def cells(row: Row, without: Counts, differing: Counts) -> tuple[str, ...]:
    both = without.plus(differing)
    saved = [
        "" if row.looks is None else f"{1 - one.trained / (one.studies * len(ARMS) * row.replicates):.0%}"
        for one in (without, differing)
    ]
    return (
        row.spread,
        row.name,
        share(without.wrong, without.studies),
        share(differing.wrong, differing.studies),
        share(differing.found, differing.studies),
        share(both.covered, both.intervals, independent=both.studies),
        *saved,
    )


def share(count: int, of: int, independent: int | None = None) -> str:
    """Return a share with its standard error; intervals of one study are not independent of each other."""
    p = count / of
    return f"{p:.3f} ± {math.sqrt(p * (1 - p) / (independent or of)):.3f}"


if __name__ == "__main__":
    sys.exit(main())
