"""Memory and time that the coordinator takes per trial, with trials that do nothing: `coordinator.py [trials=1000]
[storage=postgresql://...] [tracking_uri=http://...] [trials_per_worker=100]`.

With `storage` Optuna keeps its trials there, else in a file; with `tracking_uri` a publisher delivers to MLflow
meanwhile, else nobody does. Study loop, Optuna queue, record store, display and executor are the real ones; two workers
return made-up results. They are replaced as often as in any study unless `trials_per_worker` says otherwise: at this
pace that is every second or two, and takes much of a core. TensorFlow is never imported. What is not CPU time is mostly
the disk's: what is recorded is on it before the next step.
"""

import sys
import tempfile
import time
from operator import attrgetter
from pathlib import Path

import numpy as np
import psutil
from made_up_study import drive, plan_study

from search.executors import LocalExecutor
from tracking.publish import Publisher

WORKERS = 2
STEP = 100


class Meter:
    """Looks at the clock after each record, and at this process's memory after every hundredth."""

    def __init__(self) -> None:
        self.process = psutil.Process()
        self.wall: list[float] = []
        self.cpu: list[float] = []
        self.mib: list[float] = []
        """After 100, 200, ... trials."""

    def look(self) -> None:
        """Note that a trial has its record."""
        self.wall.append(time.perf_counter())
        self.cpu.append(time.process_time())
        if len(self.wall) % STEP == 0:
            self.mib.append(self.process.memory_info().rss / 2**20)
            print(f"{len(self.wall):5d} trials: {self.mib[-1]:.1f} MiB", flush=True)

    def per_trial(self, first: int, last: int) -> str:
        """Return the mean time from one record to the next, from the `first` to the `last`."""
        wall, cpu = (1000 * (clock[last - 1] - clock[first - 1]) / (last - first) for clock in (self.wall, self.cpu))
        return f"{wall:.1f} ms ({cpu:.1f} ms of CPU)"


def nothing() -> None:
    """Start a worker: it needs no TensorFlow."""


def main() -> None:
    given = dict(text.split("=", 1) for text in sys.argv[1:])
    trials = int(given.get("trials", 1000))
    if trials < 2 * STEP:
        sys.exit(f"`trials` must be at least {2 * STEP}. Received: {trials}.")
    meter = Meter()
    with tempfile.TemporaryDirectory() as folder:
        plan = plan_study(Path(folder).resolve() / "runs", trials)
        per_worker = int(given.get("trials_per_worker", plan.spec.executor.trials_per_worker))
        executor = LocalExecutor(WORKERS, per_worker, nothing, lambda _: None, affinity=attrgetter("program"))
        study = Path(plan.spec.runs_dir) / plan.spec.study.name
        publisher = Publisher(study, given["tracking_uri"]) if "tracking_uri" in given else None

        def recorded() -> None:
            meter.look()
            if publisher is not None:
                publisher.nudge()

        try:
            store = drive(plan, trials, executor, WORKERS, recorded, given.get("storage"))
        finally:
            executor.shutdown(cancel_futures=True)
            if publisher is not None:
                print(f"{publisher.finish(0)} items are still owed to MLflow")
        assert len(store.keys()) == trials and "tensorflow" not in sys.modules
    counts = STEP * np.arange(1, len(meter.mib) + 1)
    slope = np.polyfit(counts, meter.mib, 1)[0]
    print(f"memory grows {STEP * slope:.2f} MiB per 100 trials (least squares from the hundredth on)")
    print(f"a trial takes {meter.per_trial(1, STEP)} in the first hundred")
    print(f"a trial takes {meter.per_trial(trials - STEP, trials)} in the last hundred")
    print(f"a trial takes {meter.per_trial(1, trials)} on average")


if __name__ == "__main__":
    main()
