"""The one procedure from numbers to a conclusion, for the records of a study and for numbers from anywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from numpy.typing import ArrayLike

from tracking import wording
from tracking.comparison import Comparison, Design, compare, with_decision, with_new_data
from tracking.omnibus import Omnibus, PairDifference, games_howell, omnibus
from tracking.scale import Scale, scale
from tracking.sequential import Decision
from tracking.stats import Description, describe

State = Literal["done", "failed", "damaged", "pending"]


@dataclass(frozen=True)
class Replicate:
    """One planned trial of an arm, in the metric that is analysed."""

    seed: int
    value: float | None
    """Finite; None if the trial has none."""
    state: State = "done"
    reason: str = ""
    """Why it is not done."""


@dataclass(frozen=True)
class ArmReplicates:
    """The planned trials of one arm."""

    name: str
    trials: tuple[Replicate, ...]
    flags: tuple[str, ...] = ()
    """What is wrong with the arm as a whole."""

    @property
    def planned(self) -> int:
        """Trials asked for."""
        return len(self.trials)

    @property
    def done(self) -> int:
        """Trials with a result."""
        return sum(trial.state == "done" for trial in self.trials)

    @property
    def sample(self) -> dict[int, float]:
        """Seed to value, of the trials that have one."""
        return {trial.seed: trial.value for trial in self.trials if trial.value is not None}


@dataclass(frozen=True)
class ArmAnalysis:
    """One arm: its trials, and what they have in common."""

    replicates: ArmReplicates
    description: Description

    @property
    def name(self) -> str:
        """The arm's name."""
        return self.replicates.name

    @property
    def count(self) -> str:
        """`6`, or `5 of 6` where trials are missing."""
        planned, n = self.replicates.planned, self.description.n
        return str(n) if n == planned else f"{n} of {planned}"


@dataclass(frozen=True)
class Analysis:
    """What the trials of some arms say in one metric."""

    metric: str
    design: Design
    arms: tuple[ArmAnalysis, ...]
    comparisons: tuple[Comparison, ...]
    """Each other arm against the control."""
    omnibus: Omnibus
    """Whether the arms differ at all; descriptive, no gate."""
    pairs: tuple[PairDifference, ...]
    """Every arm against every other; empty unless the design asks for it."""
    scale: Scale
    """How the metric is shown."""
    facts: tuple[str, ...]
    claims: tuple[str, ...]

    @property
    def conclusion(self) -> str:
        """The facts, then what may be concluded, in one paragraph."""
        return " ".join((*self.facts, *self.claims))


class Compared(Protocol):
    """What was compared in one metric: a study's summary, or an analysis of numbers from anywhere."""

    @property
    def design(self) -> Design:
        """How the comparisons were declared."""

    @property
    def scale(self) -> Scale:
        """How the metric is shown."""

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Each treatment against the control."""

    @property
    def omnibus(self) -> Omnibus:
        """All arms at once."""

    @property
    def pairs(self) -> tuple[PairDifference, ...]:
        """Every arm against every other, if that was asked for."""


def analyse(
    arms: Sequence[ArmReplicates],
    metric: str,
    design: Design,
    decision: Decision | None = None,
    correctness: Mapping[str, ArrayLike] | None = None,
) -> Analysis:
    """Describe and compare `arms`, in their order, as `design` declares.

    Args:
        arms: what became of their trials.
        metric: what the trials' values are.
        design: as declared before anything ran.
        decision: where a sequential design stands, which has the alpha of `design`.
        correctness: arm to (trials, examples) bool, where the metric is the accuracy on these examples: the
            comparisons then also say what holds for new ones.

    Raises:
        ValueError: the control is not one of the arms, or a value is not finite.
    """
    samples = {arm.name: arm.sample for arm in arms}
    values = {name: list(sample.values()) for name, sample in samples.items()}
    described = tuple(ArmAnalysis(arm, describe(values[arm.name], 1 - design.alpha)) for arm in arms)
    shown = scale_of(metric, [arm.description for arm in described])
    comparisons = compare(samples, design)
    if decision is not None:
        comparisons = with_decision(comparisons, decision, design)
    if correctness is not None:
        comparisons = with_new_data(comparisons, correctness, design)
    return Analysis(
        metric=metric,
        design=design,
        arms=described,
        comparisons=comparisons,
        omnibus=omnibus(list(values.values())),
        pairs=games_howell(values, 1 - design.alpha) if design.all_pairs else (),
        scale=shown,
        facts=wording.facts(comparisons, design, shown),
        claims=wording.claims(comparisons, arms, design, shown),
    )


def scale_of(metric: str, found: Sequence[Description]) -> Scale:
    """Return how `metric` is shown, given its description in each arm."""
    return scale(metric, [one.sd for one in found], [one.mean for one in found])
