"""Time that a search takes per setting, with trials that do nothing: `thousand_settings.py [settings=1000]`.

`samplers=random,tpe` takes some of the four samplers; on a grid there are as many cells as settings, or a few more.

Proposer, Optuna with its sqlite storage, proposals log, study loop, record store, display and executor are the real
ones; two workers return made-up scores. TensorFlow is never imported.
"""

import sys
import tempfile
import time
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from io import StringIO
from operator import attrgetter
from pathlib import Path

import made_up_study
import numpy as np
from rich.console import Console

from search.data.prepared import PreparedData
from search.proposer import Proposer
from search.trial import TrialOutcome, TrialTask
from studies.compose import compose
from studies.spec import RunSpec, Scalar
from tracking.proposals import Parameter

WORKERS, STEP = 2, 100
SAMPLERS = ("random", "qmc", "grid", "tpe")
COMMAND = "python -m search.run study=dropout_search"


@dataclass(frozen=True)
class Timing:
    """What one sampler took, in seconds."""

    sampler: str
    total: float
    cpu: float
    """Of the coordinator's processor: what is left is its waiting for the disk, the workers and the other processes."""
    proposing: float
    """Of `cpu`, until there was a proposal."""
    first: float
    """Over the first hundred records."""
    last: float
    """Over the last hundred records."""
    first_cpu: float
    last_cpu: float

    def __str__(self) -> str:
        first, last, first_cpu, last_cpu = (
            1000 * seconds / STEP for seconds in (self.first, self.last, self.first_cpu, self.last_cpu)
        )
        return (
            f"{self.sampler:7s} {self.total:6.1f} s in all ({self.cpu:.1f} s of CPU, {self.proposing:.1f} s of it "
            f"proposing); a setting takes {first:.1f} ms ({first_cpu:.1f} of CPU) in the first hundred, {last:.1f} ms "
            f"({last_cpu:.1f}) in the last: ratio {last / first:.2f} ({last_cpu / first_cpu:.2f})"
        )


class TimedProposer(Proposer):
    """The proposer, with a clock."""

    seconds = 0.0
    """Of CPU, so far."""

    def propose(self, number: int) -> tuple[int, dict[str, Scalar]] | None:
        """Return what the proposer says, and take its time."""
        start = time.process_time()
        answer = super().propose(number)
        self.seconds += time.process_time() - start
        return answer


def nothing() -> None:
    """Start a worker: it needs no TensorFlow."""


def train(task: TrialTask) -> TrialOutcome:
    """Return a score that depends on the setting, so that a sampler has something to learn."""
    outcome = made_up_study.train(task)
    rate = float(task.setting["learning_rate"])
    noise = np.random.default_rng(list(str(sorted(task.setting.items())).encode())).normal()
    score = 0.9 - 0.05 * abs(np.log10(rate) + 3) + 0.01 * noise
    history = {"validation_accuracy": np.full(task.training.epochs, score), **outcome.result.history}
    metrics = {**outcome.result.metrics, "validation_accuracy": float(score)}
    return replace(outcome, result=replace(outcome.result, metrics=metrics, history=history))


def space_for(sampler: str, settings: int) -> tuple[Parameter, ...]:
    """Return the space of `dropout_search`; for a grid, one of about as many cells."""
    rates = np.geomspace(1e-4, 3e-2, -(-settings // 40)).round(8)
    rate = {"choices": tuple(map(float, rates))} if sampler == "grid" else {"low": 1e-4, "high": 0.03, "log": True}
    drop = {"choices": (0.1, 0.3, 0.5)} if sampler == "grid" else {"low": 0.1, "high": 0.7}
    placed = ("after_pooling", "after_flatten", "after_activation")
    return (
        Parameter(name="placement", choices=("none", *placed)),
        Parameter(name="rate", when={"placement": placed}, **drop),
        Parameter(name="optimizer", choices=("adam", "adamw", "rmsprop", "sgd")),
        Parameter(name="learning_rate", **rate),
    )


def measure(sampler: str, settings: int) -> Timing:
    """Run the choosing phase of a search and return what it took."""
    from search.executors import LocalExecutor

    with tempfile.TemporaryDirectory() as folder:
        spec = compose(
            [
                *("study=dropout_search", f"study.search.sampler={sampler}", f"study.search.settings={settings}"),
                f"runs_dir={Path(folder).resolve() / 'runs'}",
            ]
        )
        executor = LocalExecutor(
            WORKERS, spec.executor.trials_per_worker, nothing, lambda _: None, affinity=attrgetter("program")
        )
        try:
            return _explore(spec, sampler, executor)
        finally:
            executor.shutdown(cancel_futures=True)


def _explore(spec: RunSpec, sampler: str, executor: Executor) -> Timing:
    from search.display import Display
    from search.drive import Drive
    from search.exploration import Exploration
    from search.interruption import Interruption
    from search.plan import engine_version
    from search.shelf import ModelShelf
    from search.storage import resolve
    from tracking.proposals import ProposalLog
    from tracking.record import RecordStore

    study, runs_dir = spec.study, Path(spec.runs_dir)
    assert study.search is not None
    data = PreparedData("digits", "0" * 64, runs_dir / "data", tuple("0123456789"), 1000, 797, (32, 32, 3))
    space, store = space_for(sampler, study.search.settings), RecordStore(runs_dir / study.name)
    store.folder.mkdir(parents=True)
    storage = resolve(None, runs_dir)
    proposer = TimedProposer("a-search", space, study.search, greatest=True, storage=storage)
    exploration = Exploration(spec, data, proposer, store, ProposalLog(store.folder, "design"), lambda: False)
    console = Console(file=StringIO(), highlight=False, width=100)

    def look() -> None:
        wall.append(time.perf_counter())
        cpu.append(time.process_time())

    wall, cpu = [time.perf_counter()], [time.process_time()]
    with (
        Interruption() as interruption,
        Display(console, study.name, "validation_accuracy", (), study.search.settings) as display,
    ):
        Drive(
            study=study.name,
            engine=engine_version(spec.backend),
            agenda=exploration,
            executor=executor,
            lanes=WORKERS,
            store=store,
            shelf=ModelShelf(study, (), store),
            display=display,
            interruption=interruption,
            command_for=lambda trial: f"{COMMAND} arm={trial.arm} seed={trial.seed}",
            on_record=look,
            on_idle=lambda: None,
            train=train,
        ).run()
    assert "tensorflow" not in sys.modules
    first, last = [[one[STEP] - one[0] for one in (wall, cpu)], [one[-1] - one[-1 - STEP] for one in (wall, cpu)]]
    return Timing(sampler, wall[-1] - wall[0], cpu[-1] - cpu[0], proposer.seconds, first[0], last[0], first[1], last[1])


def main() -> None:
    given = dict(text.split("=", 1) for text in sys.argv[1:])
    settings = int(given.get("settings", 1000))
    if settings < 2 * STEP:
        sys.exit(f"`settings` must be at least {2 * STEP}. Received: {settings}.")
    for sampler in given.get("samplers", ",".join(SAMPLERS)).split(","):
        print(measure(sampler, settings), flush=True)


if __name__ == "__main__":
    main()
