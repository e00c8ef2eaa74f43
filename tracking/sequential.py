"""Replicates in stages: which arms go on after each look, with one family-wise error rate over all looks.

At each look the p of each treatment becomes a sequential p-value (see `tracking.spending`), Holm's correction
is made over those of all treatments, and an arm whose corrected value is at most alpha is rejected: its
difference is shown, and it needs no more replicates. The control goes on until the last arm stops.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tracking.spending import nominal_levels, sequential_p
from tracking.stats import holm

State = Literal["running", "rejected", "futile", "finished"]

FUTILE = 0.1
"""Conditional power under which an arm may be given up."""


@dataclass(frozen=True)
class SequentialDesign:
    """What was declared about looks before anything ran."""

    looks: tuple[int, ...]
    """Replicates per arm at each look, ascending; the last is the most that an arm gets."""
    alpha: float = 0.05
    """Family-wise error rate over all treatments and all looks."""
    futility: bool = False
    """Whether an arm is given up when its conditional power falls under 10%. The stop is not binding: the error
    rate holds whether it is followed or not."""


@dataclass(frozen=True)
class ArmDecision:
    """Where one treatment stands."""

    arm: str
    state: State
    """`rejected`: a difference is shown; `futile`: given up; `finished`: the last look has passed without either."""
    look: int | None
    """Replicates per arm at the look which put it into this state; None while it is running."""
    replicates: int
    """Replicates that it gets altogether, as far as is decided: up to the next look while it is running."""
    sequential_p: float
    """1.0 before the first look and where no look gave a test."""
    p_holm: float
    """Holm's correction of the sequential p-values of all treatments. It never grows from look to look."""
    conditional_power: float | None
    """At its latest look, at the level `alpha`, the last that Holm's steps can give it: an arm is given up only if
    even that is out of reach. None at the last look, and without a test."""


@dataclass(frozen=True)
class Decision:
    """What follows from the looks so far."""

    design: SequentialDesign
    arms: tuple[ArmDecision, ...]
    """The treatments, in the order in which they were given."""
    looks_done: int

    @property
    def running(self) -> tuple[str, ...]:
        """The treatments that need more replicates; the control needs them too as long as there is one."""
        return tuple(one.arm for one in self.arms if one.state == "running")

    @property
    def next_look(self) -> int | None:
        """Replicates per running arm, and of the control, at the next look; None if nothing is running."""
        return self.design.looks[self.looks_done] if self.running else None

    def of(self, arm: str) -> ArmDecision:
        """Return where `arm` stands.

        Raises:
            KeyError: it is not one of the treatments.
        """
        for one in self.arms:
            if one.arm == arm:
                return one
        raise KeyError(arm)


def decide(p_values: Mapping[str, Sequence[float | None]], design: SequentialDesign) -> Decision:
    """Replay the looks so far and return where each treatment stands.

    Args:
        p_values: of each treatment, the two-sided p at every look that it has come to, in order; None for a
            look without a test. A look counts once every running arm has come to it. What an arm has after it
            has stopped is not read.
        design: what was declared.

    A look without a test counts as p = 1 and the arm stays in Holm's family: if it left, the correction of the
    others would be a smaller one at this look than at the next.

    Raises:
        ValueError: a p is outside [0, 1], or the looks do not ascend.
    """
    arms = {arm: _Running(arm) for arm in p_values}
    done = 0
    for look in range(len(design.looks)):
        running = [one for one in arms.values() if one.state == "running"]
        if not running or any(len(p_values[one.arm]) <= look for one in running):
            break
        for one in running:
            one.come_to(p_values[one.arm][: look + 1], design)
        _settle(list(arms.values()), look, design)
        done = look + 1
    return Decision(design, tuple(one.decision(design, done) for one in arms.values()), done)


def conditional_power(p: float, looks_done: int, looks: tuple[int, ...], alpha: float) -> float:
    """Return the chance that an arm will be significant at the last look, if the trend so far goes on.

    Args:
        p: two-sided, at the latest look.
        looks_done: how many of `looks` have passed, at least one and not all.
        looks: all looks that are planned.
        alpha: the level over all looks.

    Lan & Wittes (1988): the sum B(t) = z sqrt(t) is Brownian motion with drift, taken as the observed one,
    z / sqrt(t) (the current trend); rejected is |B(1)| above the last boundary, at any sign.

    Raises:
        ValueError: no look, or every look, has passed.
    """
    from scipy import special

    if not 0 < looks_done < len(looks):
        raise ValueError(f"`looks_done` must be from 1 to {len(looks) - 1}. Received: {looks_done}")
    t = looks[looks_done - 1] / looks[-1]
    # Beyond a p of 1e-300 the power is 1 whatever the digits say.
    expected = -float(special.ndtri(max(p, 1e-300) / 2)) / math.sqrt(t)
    boundary = -float(special.ndtri(nominal_levels(alpha, looks)[-1] / 2))
    spread = math.sqrt(1 - t)
    above, below = (expected - boundary) / spread, (-expected - boundary) / spread
    return float(special.ndtr(above) + special.ndtr(below))


class _Running:
    """One treatment while the looks are replayed."""

    def __init__(self, arm: str) -> None:
        self.arm = arm
        self.state: State = "running"
        self.look: int | None = None
        self.trained: int | None = None
        self.latest: float | None = None
        self.sequential_p = 1.0
        self.p_holm = 1.0
        self.conditional_power: float | None = None

    def come_to(self, p_values: Sequence[float | None], design: SequentialDesign) -> None:
        """Take in the p at one more look, the last of `p_values`."""
        self.latest = p_values[-1]
        self.sequential_p = sequential_p(p_values, design.looks)

    def stop(self, state: State, look: int) -> None:
        """Leave the running arms, or turn from given up to rejected, at a look of this many replicates."""
        self.state, self.look = state, look
        self.trained = self.trained or look

    def decision(self, design: SequentialDesign, done: int) -> ArmDecision:
        """Return where the arm stands after `done` looks."""
        return ArmDecision(
            arm=self.arm,
            state=self.state,
            look=self.look,
            replicates=self.trained or design.looks[min(done, len(design.looks) - 1)],
            sequential_p=self.sequential_p,
            p_holm=self.p_holm,
            conditional_power=self.conditional_power,
        )


def _settle(arms: Sequence[_Running], look: int, design: SequentialDesign) -> None:
    """Correct the sequential p-values, and stop the arms that are decided at this look."""
    replicates = design.looks[look]
    for one, corrected in zip(arms, holm([arm.sequential_p for arm in arms]), strict=True):
        one.p_holm = 1.0 if corrected is None else corrected
    for one in arms:
        # An arm that was given up can still be rejected, when Holm's family gets smaller.
        if one.state in ("running", "futile") and one.p_holm <= design.alpha:
            one.stop("rejected", replicates)
    for one in arms:
        if one.state == "running":
            one.conditional_power = _conditional_power(one.latest, look, design)
            if look == len(design.looks) - 1:
                one.stop("finished", replicates)
            elif design.futility and one.conditional_power is not None and one.conditional_power < FUTILE:
                one.stop("futile", replicates)


def _conditional_power(p: float | None, look: int, design: SequentialDesign) -> float | None:
    if p is None or look == len(design.looks) - 1:
        return None
    return conditional_power(p, look + 1, design.looks, design.alpha)
