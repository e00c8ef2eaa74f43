"""What `python -m search.plan` shows: arms, trials, parameter counts, time, and what the study could find."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from studies.command import guarded, parse, print_configuration, yes_or_no
from studies.compose import compose
from studies.spec import RunSpec, StudySpec
from tracking.record import RecordStore

if TYPE_CHECKING:
    from rich.console import Console

    from search.data.prepared import Staged
    from search.plan import Plan
    from search.recorded import Recorded
    from tracking.manifest import ModelCard

_OPTIONS = [("counts", "false: leave out parameter counts and timings, which need TensorFlow (seconds to import)")]


def main(argv: Sequence[str]) -> int:
    """Print the plan of the study that `argv` names; train nothing, write nothing. Return the exit code."""
    arguments = parse(argv, "search.plan", "Show what a study would train, and train nothing.", _OPTIONS)
    if arguments.show_config:
        return guarded(lambda: print_configuration(arguments))

    def show() -> int:
        counts = yes_or_no(arguments.options, "counts", default=True)
        _show(compose(arguments.overrides, arguments.config_dirs), counts)
        return 0

    return guarded(show)


@dataclass(frozen=True)
class _Measured:
    """What only a worker can tell."""

    cards: "dict[str, ModelCard]"
    seconds: dict[str, float]
    """One trial of each arm."""


def _show(spec: RunSpec, counts: bool) -> None:
    from rich.console import Console

    # Without a terminal there is no width to keep to; the table needs about this much.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    if spec.study.kind == "search":
        from search.search_preview import show_search

        show_search(console, spec, counts)
    else:
        _show_ablation(console, spec, counts)


def _show_ablation(console: "Console", spec: RunSpec, counts: bool) -> None:
    from search.data.prepared import stage
    from search.forecast import data_text, power_text
    from search.plan import make_plan
    from search.recorded import find_recorded

    study, runs_dir = spec.study, Path(spec.runs_dir)
    staged = stage(spec.dataset, runs_dir, data_spec=study.data)
    plan = make_plan(spec, staged.data)
    recorded = find_recorded(plan.trials, RecordStore(runs_dir / study.name), runs_dir)
    measured = _measure(plan, recorded, staged) if counts else None
    console.print(f"[bold]{study.name}[/bold]: {study.question}", soft_wrap=True)
    console.print(f"{data_text(study, plan.data)}\n", soft_wrap=True)
    _show_arms(console, study, measured, recorded)
    done = len(plan.trials) - len(recorded.missing)
    console.print(f"\n{len(plan.trials)} trials, {done} of them recorded, {len(recorded.missing)} to train.")
    console.print(_time_text(spec, recorded, measured), soft_wrap=True)
    console.print(power_text(study, len(study.arms) - 1, recorded.finished), soft_wrap=True)


def _measure(plan: "Plan", recorded: "Recorded", staged: "Staged") -> _Measured:
    """Build each arm's model and time a few batches of those that have no record, in a worker."""
    import dataclasses
    import tempfile

    from search.data.prepared import stage
    from search.forecast import mean_seconds
    from search.trial import seconds_per_epoch
    from search.workers import open_workers

    seconds = dict(mean_seconds(recorded.finished))
    with tempfile.TemporaryDirectory() as folder, open_workers(plan.spec, 1) as workers:
        cards = workers.describe(plan)
        # The worker needs the arrays on disk, but a plan leaves nothing behind under runs/.
        again = plan.data if staged.is_stored else None
        data = again or stage(plan.spec.dataset, Path(folder), data_spec=plan.spec.study.data).store()
        for trial in plan.trials[: len(plan.spec.study.arms)]:
            if trial.arm not in seconds:
                task = dataclasses.replace(plan.task(trial), data=data)
                epoch = workers.executor.submit(seconds_per_epoch, task).result()
                seconds[trial.arm] = task.training.epochs * epoch
    return _Measured(cards, seconds)


def _show_arms(console: "Console", study: StudySpec, measured: _Measured | None, recorded: "Recorded") -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from search.forecast import duration

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("arm")
    table.add_column("setting", overflow="fold")
    for name in ("params", "to train", "time per trial") if measured else ("to train",):
        table.add_column(name, justify="right")
    for arm in study.arms:
        setting = ", ".join(f"{name}={value}" for name, value in study.setting(arm).items()) or "defaults"
        row = [f"{arm} (control)" if arm == study.control else arm, setting]
        missing = str(sum(trial.arm == arm for trial in recorded.missing))
        if measured:
            row += [f"{measured.cards[arm].params:,}", missing, duration(measured.seconds[arm])]
        else:
            row.append(missing)
        table.add_row(*map(escape, row))
    console.print(table)
    if measured:
        card = measured.cards[study.control]
        layers = ", ".join(f"{layer.name} {layer.params:,}" for layer in card.layers if layer.params)
        console.print(f"Trainable parameters of {study.control}, layer by layer: {layers}", soft_wrap=True)


def _time_text(spec: RunSpec, recorded: "Recorded", measured: _Measured | None) -> str:
    from search.forecast import mean_seconds, time_text

    if not recorded.missing:
        return "Estimated time: none, everything is recorded."
    seconds = measured.seconds if measured else mean_seconds(recorded.finished)
    if any(trial.arm not in seconds for trial in recorded.missing):
        return "Estimated time: not known before a trial of each arm has run (counts=true measures it)."
    return time_text(sum(seconds[trial.arm] for trial in recorded.missing), len(recorded.missing), spec.executor)
