"""How long short commands take, as whole processes, medians of five: `answers.py`.

The runs folder is a fresh one, so that nothing a user ran before helps; the report is of 24 made-up records.
"""

import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from made_up_study import drive, plan_study

HERE = Path(__file__).parent
ROUNDS = 5
RECORDS = 24


@dataclass(frozen=True)
class Question:
    """A command, what it ends with, and how soon it should."""

    command: str
    exit_code: int
    goal_seconds: float


QUESTIONS = (
    Question("search.run --help", 0, 1),
    Question("search.run study=dropout_ablaton", 2, 1),
    Question("search.plan study=dropout_ablation counts=false", 0, 1),
    Question("tracking.report study=dropout_ablation", 0, 5),
)


def seconds(question: Question, runs_dir: Path) -> float:
    command = [sys.executable, "-m", *question.command.split(), f"runs_dir={runs_dir}"]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE.parent, check=False)
    taken = time.perf_counter() - started
    if done.returncode != question.exit_code:
        sys.exit(f"{question.command} ended with {done.returncode}: {done.stderr}")
    return taken


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        recorded, empty = Path(folder).resolve() / "recorded", Path(folder).resolve() / "empty"
        with ThreadPoolExecutor(1) as executor:
            drive(plan_study(recorded, RECORDS), RECORDS, executor, 1, lambda: None)
        for question in QUESTIONS:
            runs_dir = recorded if question.command.startswith("tracking.report") else empty
            taken = [seconds(question, runs_dir) for _ in range(ROUNDS)]
            print(
                f"python -m {question.command:50} {median(taken):5.2f} s (goal {question.goal_seconds:g} s; "
                f"{min(taken):.2f} to {max(taken):.2f})",
                flush=True,
            )


if __name__ == "__main__":
    main()
