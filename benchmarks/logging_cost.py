"""What MLflow takes of a trial's time: `logging_cost.py [trials=20] [trial_seconds=9.0]`.

Made-up trials of 30 epochs are delivered one by one, as they would be in a study, to a fresh SQLite store, by the
courier that the publisher's process runs. Import and creation of the database come once a study and are printed apart;
the first trial of each arm, which also imports Matplotlib and draws the arm's model, is not counted.
"""

import logging
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from made_up_study import drive, plan_study

from search.plan import Plan
from tracking.address import resolve
from tracking.courier import Courier
from tracking.delivery_loop import prepare
from tracking.record import RecordStore

GOAL_PERCENT = 2.0


@dataclass(frozen=True)
class Moment:
    """Two clocks, in seconds."""

    wall: float
    cpu: float
    """Of all threads of this process."""

    def __sub__(self, other: "Moment") -> "Moment":
        return Moment(self.wall - other.wall, self.cpu - other.cpu)


def now() -> Moment:
    return Moment(time.perf_counter(), time.process_time())


def deliver(courier: Courier) -> Moment:
    """Deliver what is owed; return what it took."""
    started = now()
    outcome = courier.deliver()
    if outcome.owed or not outcome.delivered:
        sys.exit(f"{outcome.delivered} delivered, {outcome.owed} owed: {outcome.reason}")
    return now() - started


def open_courier(folder: Path) -> Courier:
    """Return the courier of the study in `folder`, with its database made and its own run delivered."""
    address = resolve(f"sqlite:///{folder.parent}/mlflow.db", folder.parent)
    prepare(address, logging.ERROR)
    started = now()
    from tracking.mlflow_store import MlflowStore

    imported = now()
    MlflowStore(address, folder.parent / "mlflow-artifacts")
    made = now()
    courier = Courier(folder, address.uri)
    steps = {"import": imported - started, "new database": made - imported, "study's run": deliver(courier)}
    for name, taken in steps.items():
        print(f"once, {name}: {taken.cpu:.2f} s of CPU, {taken.wall:.2f} s")
    return courier


def measure(plan: Plan, source: RecordStore, runs_dir: Path) -> list[Moment]:
    """Return what each trial of `plan` took to deliver; they appear one after the other."""
    folder = runs_dir / plan.spec.study.name
    courier, records = open_courier(folder), RecordStore(folder)
    taken = []
    for trial in plan.trials:
        records.adopt(trial.key, source)
        taken.append(deliver(courier))
    courier.close()
    return taken


def main() -> None:
    given = dict(text.split("=", 1) for text in sys.argv[1:])
    trials, trial_seconds = int(given.get("trials", 20)), float(given.get("trial_seconds", 9.0))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder).resolve()
        arms = len(plan_study(home / "source", 1).spec.study.arms)
        plan = plan_study(home / "source", trials + arms)
        with ThreadPoolExecutor(1) as executor:
            source = drive(plan, len(plan.trials), executor, 1, lambda: None)
        plan_study(home / "delivered", trials + arms)
        taken = measure(plan, source, home / "delivered")[arms:]
    cpu, wall = (sum(getattr(moment, clock) for moment in taken) / len(taken) for clock in ("cpu", "wall"))
    print(f"per trial, mean of {len(taken)}: {1000 * cpu:.0f} ms of CPU, {1000 * wall:.0f} ms")
    print(
        f"that is {100 * cpu / trial_seconds:.1f}% (CPU) and {100 * wall / trial_seconds:.1f}% (wall) of a trial of "
        f"{trial_seconds:g} s (goal {GOAL_PERCENT:g}%)"
    )


if __name__ == "__main__":
    main()
