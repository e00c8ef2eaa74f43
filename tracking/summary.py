"""What the records of a study say: descriptions, comparisons and the conclusion, as plain numbers.

The same records give the same summary, in whatever order and wherever the trials ran. Only the fields that
are left out of comparisons (`compare=False`) hold times and places.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from studies.spec import StudySpec
from tracking.analysis import Analysis, analyse, scale_of
from tracking.arm_summary import SEED_UNREACHED, ArmSummary, descriptions, durations, summarize_arm
from tracking.comparison import Comparison, Design
from tracking.factorial import FactorialEffect, factorial_effects
from tracking.factorial_report import effects_answer
from tracking.looks import decide_by_now, looks_of
from tracking.manifest import StudyManifest
from tracking.omnibus import Omnibus, PairDifference
from tracking.record import METRICS, RecordStore, StoredTrial
from tracking.scale import Scale, is_accuracy
from tracking.sequential import Decision
from tracking.stats import Description
from tracking.trials import read_planned

__all__ = ["SEED_UNREACHED", "ArmSummary", "StudySummary", "design_of", "summarize"]


@dataclass(frozen=True)
class StudySummary:
    """What a study found, as far as it has come."""

    study: StudySpec
    arms: tuple[ArmSummary, ...]
    """In the order of the study file."""
    overall: Mapping[str, Description]
    """By metric, over the finished trials of all arms."""
    overall_seconds: Description = field(compare=False)
    analysis: Analysis
    """The comparisons in the primary metric, and what follows from them."""
    effects: tuple[FactorialEffect, ...]
    """What the components of a factorial study change in the primary metric; empty for any other study."""
    scales: Mapping[str, Scale]
    """The metrics that finished trials hold, and the primary one, in their order, and how each is shown."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """What is shown, in order: training before validation before test, accuracy before loss."""
        return tuple(self.scales)

    @property
    def design(self) -> Design:
        """How the comparisons were declared."""
        return self.analysis.design

    @property
    def scale(self) -> Scale:
        """How the primary metric is shown."""
        return self.analysis.scale

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Each treatment against the control in the primary metric."""
        return self.analysis.comparisons

    @property
    def omnibus(self) -> Omnibus:
        """Whether the arms differ at all in the primary metric."""
        return self.analysis.omnibus

    @property
    def pairs(self) -> tuple[PairDifference, ...]:
        """Every arm against every other in the primary metric, if the study asks for it."""
        return self.analysis.pairs

    @property
    def facts(self) -> tuple[str, ...]:
        """One sentence per comparison with what was measured."""
        return self.analysis.facts

    @property
    def claims(self) -> tuple[str, ...]:
        """What may be concluded and what may not."""
        return (*self.analysis.claims, *effects_answer(self.effects, self.design, self.scale))

    @property
    def conclusion(self) -> str:
        """The facts, then what may be concluded, in one paragraph."""
        return " ".join((*self.facts, *self.claims))

    @property
    def planned(self) -> int:
        """Trials asked for."""
        return sum(arm.planned for arm in self.arms)

    @property
    def done(self) -> int:
        """Trials finished and readable."""
        return sum(arm.done for arm in self.arms)

    @property
    def control(self) -> ArmSummary:
        """The arm that the others are compared with."""
        return next(arm for arm in self.arms if arm.name == self.study.control)


def summarize(manifest: StudyManifest, store: RecordStore) -> StudySummary:
    """Read the records that `manifest` plans and say what they show. A damaged record counts as missing.

    Trials that a stopped arm of a sequential study was spared do not count as planned.
    """
    study = manifest.spec.study
    design = design_of(study)
    stored = read_planned(manifest.trials, store)
    failures = {failure.key: failure for failure in store.failures()}
    arms = tuple(summarize_arm(name, manifest, stored, failures, 1 - design.alpha) for name in study.arms)
    decision = _decision(study, arms, design)
    if decision is not None:
        arms = tuple(_as_decided(arm, decision) for arm in arms)
    rows = [row for arm in arms for row in arm.trials]
    held = {metric for row in rows for metric in row.metrics} | {study.metric}
    replicates = [arm.replicates(study.metric) for arm in arms]
    return StudySummary(
        study=study,
        arms=arms,
        overall=descriptions(rows, 1 - design.alpha),
        overall_seconds=durations(rows),
        analysis=analyse(replicates, study.metric, design, decision, _correctness(study, arms, stored)),
        effects=_effects(study, arms, design),
        scales={
            metric: scale_of(metric, [arm.metrics[metric] for arm in arms]) for metric in METRICS if metric in held
        },
    )


def design_of(study: StudySpec) -> Design:
    """Return how `study` declares its comparisons; looks at its results may have an alpha of their own."""
    looks = looks_of(study)
    return Design(
        control=study.control,
        greater_is_better=is_accuracy(study.metric),
        paired=study.paired,
        alpha=study.alpha if looks is None else looks.alpha,
        margin=study.margin,
        all_pairs=study.all_pairs,
    )


def _decision(study: StudySpec, arms: Sequence[ArmSummary], design: Design) -> Decision | None:
    """Return where a study with looks stands; a damaged record will be trained again, so that no look counts it."""
    looks = looks_of(study)
    if looks is None:
        return None
    samples = {arm.name: arm.replicates(study.metric).sample for arm in arms}
    ended = {arm.name: {row.seed for row in arm.trials if row.state in ("done", "failed")} for arm in arms}
    return decide_by_now(samples, ended, study.seeds, design, looks)


def _effects(study: StudySpec, arms: Sequence[ArmSummary], design: Design) -> tuple[FactorialEffect, ...]:
    """Return the effects of an ablation's components, if its arms are all their combinations."""
    declared = study.design
    if declared is None or declared.kind != "factorial" or len(declared.components) < 2 or study.kind != "ablation":
        return ()
    samples = {arm.name: arm.replicates(study.metric).sample for arm in arms}
    return factorial_effects(
        samples,
        declared.cells(),
        paired_by_seed=design.paired,
        looks=study.sequential is not None,
        confidence=1 - design.alpha,
    )


def _as_decided(arm: ArmSummary, decision: Decision) -> ArmSummary:
    """Return `arm` without the trials that nobody needs any more; the control is needed by the last arm to stop."""
    stopped = [one for one in decision.arms if one.arm == arm.name] or decision.arms
    if any(one.state == "running" for one in stopped):
        return arm
    return arm.until(max(one.replicates for one in stopped))


def _correctness(
    study: StudySpec, arms: Sequence[ArmSummary], stored: Mapping[str, StoredTrial | None]
) -> dict[str, NDArray[np.bool_]] | None:
    """Return which test examples each finished trial got right, by arm, if the study is about that."""
    if study.metric != "test_accuracy":
        return None
    kept = {arm.name: [trial for row in arm.trials if (trial := stored.get(row.key)) is not None] for arm in arms}
    found = {name: [one.correct for one in trials if one.correct is not None] for name, trials in kept.items()}
    return {name: np.stack(rows) for name, rows in found.items() if rows}
