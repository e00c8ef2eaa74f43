"""What the looks of a sequential study say: from the trials that have ended to the arms that go on."""

from collections.abc import Mapping, Sequence, Set

import numpy as np

from studies.spec import StudySpec
from tracking.comparison import Design, Samples
from tracking.sequential import Decision, SequentialDesign, decide
from tracking.stats import paired, welch

Ended = Mapping[str, Set[int]]
"""Arm to the seeds whose trial has ended, with a value or without."""


def decide_by_now(
    samples: Samples, ended: Ended, seeds: Sequence[int], design: Design, looks: SequentialDesign
) -> Decision:
    """Return which arms go on.

    Args:
        samples: values of the finished trials in the primary metric.
        ended: a look counts for an arm when all trials up to it have ended, in this arm and in the control; a trial
            that failed has ended, and is left out of the test.
        seeds: of the replicates, in order.
        design: control, pairing and direction.
        looks: what was declared.
    """
    p_values = {
        arm: [
            _p(samples, arm, seeds[:look], design)
            for look in looks.looks
            if set(seeds[:look]) <= ended.get(arm, set()) & ended.get(design.control, set())
        ]
        for arm in samples
        if arm != design.control
    }
    return decide(p_values, looks)


def looks_of(study: StudySpec) -> SequentialDesign | None:
    """Return the looks that `study` declares, or None."""
    spec = study.sequential
    if spec is None:
        return None
    alpha = study.alpha if spec.alpha is None else spec.alpha
    return SequentialDesign(tuple(spec.looks), alpha, spec.futility)


def _p(samples: Samples, arm: str, seeds: Sequence[int], design: Design) -> float | None:
    """Return the p of the primary test of `arm` on the replicates with `seeds`."""
    treatment, control = samples[arm], samples[design.control]
    if design.paired:
        common = [seed for seed in seeds if seed in treatment and seed in control]
        x, y = (np.array([sample[seed] for seed in common]) for sample in (treatment, control))
        return paired(x, y).p
    x, y = (np.array([sample[seed] for seed in seeds if seed in sample]) for sample in (treatment, control))
    return welch(x, y).p
