"""The report of a running study: written beside it, whole at any moment, and never a danger to it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from studies.errors import InputError
from tracking import report_writer, reporter
from tracking.manifest import FILE_NAME
from tracking.report_writer import write_report
from tracking.reporter import SHORTEST_SECONDS, Reporter, follow, pause

HALF = {"original": [0.94, 0.93, None], "dropout1": [0.97, 0.96, None]}
COORDINATOR = """\
import sys, time
from pathlib import Path
from tracking import reporter
reporter.FIRST_SECONDS = 0.0
watched = reporter.Reporter(Path(sys.argv[1]), print)
watched.nudge()
time.sleep(600)
"""


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def said(folder: Path) -> str:
    page = folder / "report" / "report.html"
    return page.read_text() if page.is_file() else ""


@pytest.fixture
def begun(make_study):
    """Return the folder of a study of which four of six trials are finished."""
    return make_study(HALF, epochs=3)[1].folder


@pytest.fixture
def watched(begun, monkeypatch):
    monkeypatch.setattr(reporter, "FIRST_SECONDS", 0.0)
    lines = []
    made = Reporter(begun, lines.append)
    yield made, begun, lines
    made.stop()


def test_a_running_study_has_a_page_that_says_so_and_a_stopped_one_too(watched):
    made, folder, lines = watched
    made.nudge()
    until(lambda: "Running: 4 of 6 trials done." in said(folder))
    assert 'http-equiv="refresh"' in said(folder)
    assert 'class="written"' in said(folder)
    made.finish(60)
    assert "Interim: 4 of 6 trials done." in said(folder)
    assert "refresh" not in said(folder)
    assert lines == []


def test_what_goes_wrong_is_said_once_and_hurts_nobody(watched):
    made, folder, lines = watched
    (folder / FILE_NAME).write_text("{")
    made.nudge()
    until(lambda: made.nudge() or lines)
    for _ in range(3):
        made.nudge()
    made.finish(60)
    assert len(lines) == 1
    assert lines[0].startswith("The report of the running study was not written (")
    assert lines[0].endswith("The study goes on.")


def test_a_study_that_is_done_in_a_minute_is_not_disturbed(begun):
    made = Reporter(begun, pytest.fail)
    made.nudge()
    made.finish(60)
    assert not (begun / "report").exists()


def test_after_a_kill_of_the_coordinator_the_page_says_that_nothing_runs(begun):
    with subprocess.Popen([sys.executable, "-c", COORDINATOR, str(begun)]) as process:
        until(lambda: "Running: 4 of 6" in said(begun))
        os.kill(process.pid, signal.SIGKILL)
    until(lambda: "Interim: 4 of 6" in said(begun))


def test_a_kill_of_the_writer_leaves_a_whole_page_and_the_next_one_is_written(watched):
    _, folder, _ = watched
    write_report(folder, running=True)
    for delay in (0.0, 0.4, 1.2):
        command = [sys.executable, "-m", "tracking.reporter", str(folder)]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
            process.stdin.write(b"\n")
            process.stdin.flush()
            time.sleep(delay)
            process.kill()
        assert said(folder).endswith("</html>\n")
    write_report(folder, running=False)
    assert "Interim: 4 of 6" in said(folder)


def test_pages_are_no_more_often_than_a_hundredth_of_the_machine_pays_for():
    assert pause(0.001) == SHORTEST_SECONDS
    assert pause(60.0) * len(os.sched_getaffinity(0)) == pytest.approx(6000.0)


def test_many_records_at_once_are_one_page(begun, monkeypatch):
    written = []
    monkeypatch.setattr(report_writer, "write_report", lambda folder, running: written.append(running))
    monkeypatch.setattr(reporter, "SHORTEST_SECONDS", 0.3)
    monkeypatch.setattr(reporter, "_SHARE", 1e9)
    nudges, nudge = os.pipe()
    thread = threading.Thread(target=follow, args=(begun, nudges, pytest.fail))
    thread.start()
    os.write(nudge, b"\n")
    until(lambda: written == [True])
    os.write(nudge, 50 * b"\n")  # In one: a test that is put to sleep between two would be right to see two pages.
    until(lambda: written == [True, True])
    os.close(nudge)
    thread.join(10)
    os.close(nudges)
    assert written == [True, True, False]


def test_two_do_not_write_at_once(begun, monkeypatch):
    monkeypatch.setattr(report_writer, "_LOCK_SECONDS", 0.1)
    with FileLock(begun / "report.lock"), pytest.raises(InputError, match="another process"):
        write_report(begun)
    assert not (begun / "report").exists()


def test_drafts_of_a_killed_writer_go_away(begun):
    write_report(begun)
    (begun / "report" / ".report.html.x7").write_text("<html>hal")
    write_report(begun)
    assert not list((begun / "report").glob(".*"))


def test_a_report_that_cannot_be_drawn_leaves_the_last_one_as_it_is(begun, monkeypatch):
    from tracking import figures

    write_report(begun)
    before = {path.name: path.read_bytes() for path in (begun / "report").iterdir()}

    def broken(summary):
        raise RuntimeError("no paper")

    monkeypatch.setattr(figures, "points", broken)
    with pytest.raises(RuntimeError):
        write_report(begun, running=True)
    assert {path.name: path.read_bytes() for path in (begun / "report").iterdir()} == before


@pytest.mark.parametrize("first", [{"original": [0.94, None]}, {"original": [0.94, None], "dropout1": [0.97, None]}])
def test_with_one_trial_an_arm_there_are_means_and_no_tests(make_study, first):
    accuracies = {arm: first.get(arm, [None, None]) for arm in ("original", "dropout1", "dropout2")}
    folder = make_study(accuracies, epochs=3)[1].folder
    summary = write_report(folder, running=True).summary
    assert all(one.p_holm is None for one in summary.comparisons)
    assert f"Running: {len(first)} of 6 trials done." in said(folder)
    assert "94.00" in said(folder)
