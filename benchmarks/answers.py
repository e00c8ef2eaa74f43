"""How long short commands take, as whole processes, medians of five: `answers.py`.

The runs folder is a fresh one, so that nothing a user ran before helps; what is reported is made up. Where there is
something to report, the most memory that the command held is printed too.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from made_up_study import drive, plan_study

from tracking.manifest import FILE_NAME

HERE = Path(__file__).parent
ROUNDS = 5
STUDIES = 10
"""What the brief is over."""


@dataclass(frozen=True)
class Question:
    """A command, what it ends with, how soon it should, and what has run before."""

    command: str
    """`{runs}` in it is the folder of `runs`; where it is not, the command is given that as `runs_dir`."""
    exit_code: int
    goal_seconds: float
    runs: str = "empty"
    rounds: int = ROUNDS


QUESTIONS = (
    Question("search.run --help", 0, 1),
    Question("search.run study=dropout_ablaton", 2, 1),
    Question("search.plan study=dropout_ablation counts=false", 0, 1),
    Question("tracking.report study=dropout_ablation", 0, 5, "24 trials x 30 epochs"),
    Question("tracking.report study=dropout_ablation", 0, 30, "1,000 trials x 100 epochs", rounds=2),
    Question("tracking.brief", 0, 5, "ten studies"),
    Question("tracking.compare file={runs}/50.csv control=arm0 metric=accuracy", 0, 2, "10,000 rows"),
    Question("tracking.compare file={runs}/4.csv control=arm0 metric=accuracy", 0, 2, "10,000 rows"),
    Question("tracking.compare file={runs}/50.csv control=arm0 metric=accuracy paired=true", 0, 3, "10,000 rows"),
)


def ask(question: Question, runs_dir: Path) -> tuple[float, float]:
    """Return the seconds that a command takes and its peak memory, in MiB."""
    words = [word.format(runs=runs_dir) for word in question.command.split()]
    command = [sys.executable, "-m", *words, *([] if "{runs}" in question.command else [f"runs_dir={runs_dir}"])]
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=HERE.parent)
        _, status, usage = os.wait4(process.pid, 0)
        taken = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != question.exit_code:
            output.seek(0)
            sys.exit(f"{question.command} ended with {process.returncode}: {output.read().decode()}")
    return taken, usage.ru_maxrss / 1024


def record(runs_dir: Path, trials: int, epochs: int) -> None:
    """Make a study up."""
    with ThreadPoolExecutor(1) as executor:
        drive(plan_study(runs_dir, trials, epochs), trials, executor, 1, lambda: None)


def copy(study: Path, runs_dir: Path) -> None:
    """Fill `runs_dir` with studies like `study`."""
    for number in range(STUDIES):
        folder = runs_dir / f"study_{number}"
        shutil.copytree(study, folder)
        manifest = json.loads((folder / FILE_NAME).read_text())
        manifest["spec"]["study"]["name"] = folder.name
        (folder / FILE_NAME).write_text(json.dumps(manifest))


def write_rows(folder: Path, arms: int, rows: int = 10_000) -> None:
    """Write a table of scores of `arms` arms, `rows` in all."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(arms)
    lines = [f"arm{row % arms},{row // arms},{0.9 + 0.001 * (row % arms) + 0.01 * rng.normal()}" for row in range(rows)]
    (folder / f"{arms}.csv").write_text("\n".join(["arm,seed,accuracy", *lines]) + "\n")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        runs = {question.runs: Path(folder).resolve() / f"runs{place}" for place, question in enumerate(QUESTIONS)}
        record(runs["24 trials x 30 epochs"], 24, 30)
        record(runs["1,000 trials x 100 epochs"], 1000, 100)
        for arms in (4, 50):
            write_rows(runs["10,000 rows"], arms)
        copy(runs["24 trials x 30 epochs"] / "dropout_ablation", runs["ten studies"])
        for question in QUESTIONS:
            taken = [ask(question, runs[question.runs]) for _ in range(question.rounds)]
            times = [seconds for seconds, _ in taken]
            print(
                f"python -m {question.command:78} {question.runs:26} {median(times):5.2f} s"
                f" (goal {question.goal_seconds:g} s; {min(times):.2f} to {max(times):.2f})"
                + (f", {max(mib for _, mib in taken):.0f} MiB" if question.runs != "empty" else ""),
                flush=True,
            )


if __name__ == "__main__":
    main()
