"""What one must know to read the tables and figures, in the same words on every page."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracking.summary import StudySummary

RUNNING = (
    "Training curves are means over an epoch in which the model still changes, with dropout and augmentation at work;"
    " the tables measure the training set once more after the last epoch, without them."
)


def corrected(summary: "StudySummary") -> str:
    """Return what the p-values allow for: the comparisons that have one, and the looks of a design that has them."""
    looks = summary.study.sequential
    # An arm without a test at a look keeps its place in the family; without looks it is in none.
    count = sum(one.p_holm is not None for one in summary.comparisons) if looks is None else len(summary.comparisons)
    said = f"corrected by Holm's procedure for {count} comparison{'s' * (count != 1)} at {summary.design.alpha:g}"
    if looks is None:
        return said
    return f"{said} and allow for looks after {', '.join(map(str, looks.looks))} replicates"


def no_contradiction(summary: "StudySummary") -> str:
    """Return why an interval can miss zero where nothing was shown, if one does; or nothing."""
    for one in summary.comparisons:
        low, high = one.test.low, one.test.high
        if one.verdict == "inconclusive" and low is not None and high is not None and (low > 0 or high < 0):
            return (
                "An interval that misses zero beside an inconclusive verdict is no contradiction: the interval is for"
                " that comparison alone, the verdict allows for all of them together."
            )
    return ""


def better_in(control: str) -> str:
    """Return what the column of that name holds."""
    return (
        f"“Better in” is how often a trial of the arm is better than one of {control}, of all pairs of them that can be"
        " made; a tie counts half."
    )
