"""What a plan says of a study before it runs: its data, its time, and what it could find."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from studies.spec import ExecutorSpec, StudySpec
from tracking.record import TrialRecord

if TYPE_CHECKING:
    from search.data.prepared import PreparedData


def data_text(study: StudySpec, data: "PreparedData") -> str:
    """Say what is trained on, for how long, and with which model."""
    things, epochs = "images" if len(data.input_shape) == 3 else "vectors", study.training.epochs
    classes = f", {len(data.class_names)} classes" if data.class_names else ""
    return (
        f"{data.name}: {data.n_train:,} training and {data.n_test:,} test {things} of "
        f"{'x'.join(map(str, data.input_shape))}{classes}. "
        f"{epochs} epoch{'s' * (epochs != 1)}, batch {study.training.batch_size}, model {study.model}."
    )


def time_text(seconds: float, trials: int, executor: ExecutorSpec) -> str:
    """Say how long `trials` trials take that need `seconds` one after the other."""
    from search.workers import lanes

    workers = lanes(executor, trials)
    total = duration(seconds / workers)
    return f"Estimated time: {total} with {workers} worker{'s' * (workers > 1)}, start not included."


def power_text(study: StudySpec, treatments: int, records: Sequence[TrialRecord], of: str = "") -> str:
    """Say what difference from the control a study could detect, from the spread of its last run if there is one.

    Args:
        study: its replicates, metric and alpha.
        treatments: how many arms it compares with the control.
        records: of its last run.
        of: what of the study is meant, if it is not all of it, such as ` of the confirmation`.
    """
    from tracking.looks import looks_of
    from tracking.power import detectable_difference
    from tracking.scale import scale

    looks = looks_of(study)
    count, alpha = study.planned_replicates, study.alpha if looks is None else looks.alpha
    in_sds = detectable_difference((1.0, 1.0), (count, count), alpha / treatments)
    if in_sds is None:
        return f"Smallest detectable difference{of}: none. {count} trial per arm allows no test."
    sds = _sds(study.metric, records)
    level = f"(80% power, alpha {alpha:g} over {treatments} comparison{'s' * (treatments > 1)})"
    if not sds:
        return (
            f"Smallest detectable difference{of}: {in_sds:.1f} standard deviations over seeds {level}; how large one "
            "is, the first run will show."
        )
    sd = math.sqrt(fmean(sd**2 for sd in sds))
    shown = scale(study.metric, [sd])
    return (
        f"Smallest detectable difference{of}: {shown.points(in_sds * sd)} {shown.label} {level}, with the sd of "
        f"{shown.points(sd)} over seeds that the recorded trials have."
    )


def mean_seconds(records: Sequence[TrialRecord]) -> Mapping[str, float]:
    """Return the mean time of a trial, by arm."""
    seconds: dict[str, list[float]] = {}
    for record in records:
        seconds.setdefault(record.arm, []).append(record.cost.seconds)
    return {arm: fmean(values) for arm, values in seconds.items()}


def duration(seconds: float) -> str:
    """Return a time as the reports show it."""
    from tracking.scale import duration as shown

    return shown(seconds)


def _sds(metric: str, records: Sequence[TrialRecord]) -> list[float]:
    values: dict[str, list[float]] = {}
    for record in records:
        if metric in record.metrics:
            values.setdefault(record.arm, []).append(record.metrics[metric])
    return [sd for scores in values.values() if len(scores) > 1 and (sd := stdev(scores)) > 0]
