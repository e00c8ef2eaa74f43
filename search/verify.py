"""Train one recorded trial again: `python -m search.verify study=NAME trial=KEY` (or arm=ARM seed=SEED)."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from studies.command import Arguments, guarded, parse, print_configuration
from studies.compose import compose
from studies.leaving import leave

if TYPE_CHECKING:
    from search.case import Case
    from search.trial import TrialOutcome

_OPTIONS = [
    ("trial", "key of a recorded trial, or at least its first 6 digits"),
    ("arm", "with seed: a trial by its arm"),
    ("seed", "with arm: a trial by its seed"),
]


def main(argv: Sequence[str]) -> int:
    """Train one trial and compare it with its record; nothing is written.

    Returns:
        0 if it is identical, within tolerance, or not recorded yet; 1 if it differs or fails; 2 for bad input.
    """
    arguments = parse(argv, "search.verify", "Train one trial again and compare it with its record.", _OPTIONS)
    if arguments.show_config:
        return guarded(lambda: print_configuration(arguments))
    return guarded(lambda: _verify(arguments))


def _verify(arguments: Arguments) -> int:
    from search.case import find_case
    from search.executors import WorkerDiedError
    from search.trial import TrialFailedError

    case = find_case(arguments.options, compose(arguments.overrides, arguments.config_dirs))
    _say(f"Training {case.task.arm} seed {case.task.seed} ({case.task.key}).")
    if case.note:
        _say(case.note)
    try:
        outcome = _train(case)
    except (TrialFailedError, WorkerDiedError) as error:
        _say(f"failed: {error.reason if isinstance(error, TrialFailedError) else error}")
        return 1
    return _report(case, outcome)


def _train(case: "Case") -> "TrialOutcome":
    """Train the trial in a worker; on a terminal, say how far it is."""
    import tempfile

    from rich.console import Console

    from search.data.prepared import stage
    from search.trial import run_trial
    from search.workers import open_workers

    spec, staged = case.spec, case.staged
    with (
        tempfile.TemporaryDirectory() as folder,
        open_workers(spec, 1) as workers,
        Console(stderr=True).status("starting a worker") as status,
    ):
        data = staged.data if staged.is_stored else stage(spec.dataset, Path(folder), data_spec=spec.study.data).store()
        workers.listeners.append(lambda event: status.update(f"epoch {event.epoch} of {event.epochs}"))
        outcome: TrialOutcome = workers.executor.submit(run_trial, replace(case.task, data=data)).result()
    return outcome


def _report(case: "Case", outcome: "TrialOutcome") -> int:
    """Print the verdict, and what may explain it; return the exit code."""
    from search.verdict import compare, surroundings

    metrics, metric = outcome.result.metrics, case.spec.study.metric
    if case.stored is None:
        _say("There is no record of it to compare with.")
        _say("  ".join(f"{name} {value:.6f}" for name, value in metrics.items()))
        return 0
    record = case.stored.record
    verdict = compare(case.stored, outcome.result)
    _say(str(verdict))
    if verdict.outcome == "identical":
        return 0
    if not verdict.stands and metric in record.metrics:
        _say(f"{metric}: recorded {record.metrics[metric]}, now {metrics.get(metric)}")
    before, now = surroundings(record.environment, record.engine, outcome.environment, case.engine)
    sides = [f"Recorded with {before}."] if before else []
    sides += [f"Trained now with {now}."] if now else []
    _say(" ".join(sides) or "Versions, hardware and commit are those of the record.")
    return 0 if verdict.stands else 1


def _say(text: str) -> None:
    """Print a line; on a terminal it breaks between words."""
    from rich.console import Console

    Console(highlight=False, markup=False, soft_wrap=not sys.stdout.isatty()).print(text)


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
