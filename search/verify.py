"""Train one recorded trial again: `python -m search.verify study=NAME trial=KEY` (or arm=ARM seed=SEED)."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from studies.command import Arguments, guarded, parse, print_configuration
from studies.compose import compose
from studies.errors import InputError, unknown
from tracking.manifest import PlannedTrial
from tracking.record import DamagedRecordError, RecordStore, StoredTrial

if TYPE_CHECKING:
    from search.plan import Plan
    from search.train.result import TrialResult

_OPTIONS = [
    ("trial", "key of a trial of the study"),
    ("arm", "with seed: a trial by its arm"),
    ("seed", "with arm: a trial by its seed"),
]
_TOLERANCE = 0.01
"""Largest difference in a final metric that other hardware or another build of the packages may make."""


def main(argv: Sequence[str]) -> int:
    """Train one trial and compare it with its record; nothing is written.

    Returns:
        0 if it is identical, within tolerance, or not recorded yet; 1 if it differs; 2 for bad input.
    """
    arguments = parse(argv, "search.verify", "Train one trial again and compare it with its record.", _OPTIONS)
    if arguments.show_config:
        return guarded(lambda: print_configuration(arguments))
    return guarded(lambda: _verify(arguments))


def _verify(arguments: Arguments) -> int:
    import tempfile
    from dataclasses import replace

    from search.data.prepared import stage
    from search.plan import make_plan
    from search.trial import TrialFailedError, run_trial
    from search.workers import open_workers

    spec = compose(arguments.overrides, arguments.config_dirs)
    runs_dir = Path(spec.runs_dir)
    staged = stage(spec.dataset, runs_dir)
    plan = make_plan(spec, staged.data)
    trial = _chosen(plan, arguments.options)
    print(f"Training {trial.arm} seed {trial.seed} ({trial.key})")
    with tempfile.TemporaryDirectory() as folder, open_workers(spec.executor, 1) as workers:
        data = staged.data if staged.is_stored else stage(spec.dataset, Path(folder)).store()
        workers.describe(plan)
        try:
            outcome = workers.executor.submit(run_trial, replace(plan.task(trial), data=data)).result()
        except TrialFailedError as error:
            print(f"failed: {error.reason}")
            return 1
    for name, value in outcome.result.metrics.items():
        print(f"  {name} {value:.6f}")
    try:
        stored = RecordStore(runs_dir / spec.study.name).read(trial.key)
    except (KeyError, DamagedRecordError):
        print("no whole record of it to compare with")
        return 0
    verdict, same = compare(stored, outcome.result)
    print(verdict)
    return 0 if same else 1


def compare(stored: StoredTrial, again: "TrialResult") -> tuple[str, bool]:
    """Return the verdict on a trial that was trained again, and whether it stands."""
    import numpy as np

    curves = all(np.array_equal(stored.history[name], again.history[name]) for name in again.history)
    predictions = np.array_equal(stored.predicted, again.predicted)
    if stored.record.metrics == again.metrics and curves and predictions:
        return "identical: every metric, every epoch and every prediction, to the bit", True
    gaps = {name: abs(value - again.metrics[name]) for name, value in stored.record.metrics.items()}
    worst = max(gaps, key=lambda name: gaps[name])
    within = gaps[worst] <= _TOLERANCE
    where = f"largest difference {gaps[worst]:.2g} in {worst} (tolerance {_TOLERANCE})"
    return f"{'within tolerance' if within else 'different'}: {where}", within


def _chosen(plan: "Plan", options: dict[str, str]) -> PlannedTrial:
    """Return the one trial that the options name."""
    if "trial" in options:
        by_key = {trial.key: trial for trial in plan.trials}
        if options["trial"] not in by_key:
            raise unknown("trial", options["trial"], by_key)
        return by_key[options["trial"]]
    if not {"arm", "seed"} <= set(options):
        raise InputError(f"Which trial? Give trial=KEY, or arm=ARM and seed=SEED. Received: {sorted(options)}.")
    if options["arm"] not in plan.spec.study.arms:
        raise unknown("arm", options["arm"], plan.spec.study.arms)
    for trial in plan.trials:
        if (trial.arm, str(trial.seed)) == (options["arm"], options["seed"]):
            return trial
    raise unknown("seed", options["seed"], map(str, plan.spec.study.seeds))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
