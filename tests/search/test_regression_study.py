"""A study whose targets are numbers, from its command to its report: less is better, and nothing is about classes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from studies.compose import compose


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The smoke budget's output, and its report."""
    place = tmp_path_factory.mktemp("place")
    command = [sys.executable, "-m", "search.run", "study=sine_shortcut", "study.budget=smoke"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, place / "runs" / "sine_shortcut"


def seen(page: Path) -> str:
    """Return what a reader of a page sees."""
    text = re.sub(r"<(style|script)>.*?</\1>", "", page.read_text(), flags=re.DOTALL)
    return re.sub(r"<[^>]*>", " ", text)


def test_terminal_and_report_show_losses_and_nothing_that_classes_have(ran: tuple[str, Path]) -> None:
    output, home = ran
    for text in (output, seen(home / "report" / "report.md"), seen(home / "report" / "report.html")):
        assert "test loss" in text
        for word in ("accuracy", "accuracies", "%,", " pp", "images,", "classes,"):
            assert word not in text.lower(), word


def test_what_a_regression_cannot_show_is_left_out_with_a_line(ran: tuple[str, Path]) -> None:
    _, home = ran
    for page in ("report.md", "report.html"):
        assert "left out: the study predicts numbers, and no classes." in seen(home / "report" / page)
    assert not (home / "samples.npz").exists()
    drawn = {path.name for path in (home / "report").glob("*.png")}
    assert drawn == {"curves.png", "first_trials.png", "points.png"}


def test_less_is_better(ran: tuple[str, Path]) -> None:
    page = (ran[1] / "report" / "report.html").read_text()
    assert page.index("← better") < page.index("worse →")


def test_data_are_said_to_be_vectors(ran: tuple[str, Path]) -> None:
    assert "Dataset: sine, 400 training and 200 test vectors with a target each" in seen(
        ran[1] / "report" / "report.md"
    )


def test_its_budgets_differ_in_length_and_replicates_only() -> None:
    smoke, quick, full = (
        compose(["study=sine_shortcut", f"study.budget={budget}"]).study for budget in ("smoke", "quick", "full")
    )
    assert [study.training.epochs for study in (smoke, quick, full)] == [2, 100, 200]
    assert [study.planned_replicates for study in (smoke, quick, full)] == [2, 5, 10]
    assert smoke.arms == quick.arms == full.arms
    assert {study.metric for study in (smoke, quick, full)} == {"test_loss"}
