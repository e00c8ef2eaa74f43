"""The scheduler as a user runs it: a night with a real study, killed, continued and stopped; and what it refuses."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from small_study import NOBODY, Place
from webhook_server import webhook

from search.coming_nights import lines
from search.crew import Crew
from search.diary import Diary
from search.schedule import main
from search.schedule_state import NightWork, SchedulerState, Work, read_state, write_state
from search.timetable import read_timetable

SCHEDULE = """\
cron: "* * * * *"
timezone: Europe/Berlin
window: 00:00 to 00:00
studies:
  - study: small
    overrides: [dataset=npz, dataset.dir=., dataset.file=images.npz, study.name=small]
"""


@pytest.fixture
def mine(place: Place) -> Place:
    """A place with a schedule that begins each minute, and missed its last nights."""
    (place.folder / "mine" / "schedule").mkdir()
    (place.folder / "mine" / "schedule" / "soon.yaml").write_text(SCHEDULE)
    write_state(place.folder / "runs", SchedulerState(handled={"soon": datetime.now(UTC) - timedelta(minutes=5)}))
    return place


@pytest.fixture
def started(mine: Place) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts schedulers, which end with the test."""
    running: list[subprocess.Popen[str]] = []

    def start(**variables: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "search.schedule", "--config-dir", "mine", "schedule=soon"]
        with (mine.folder / f"said{len(running)}.txt").open("w") as output:
            running.append(
                subprocess.Popen(
                    command,
                    cwd=mine.folder,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    text=True,
                    env={**os.environ, **variables},
                )
            )
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()
    state = read_state(mine.folder / "runs")
    for work in state.nights["soon"].works if state and state.nights else ():
        if work.process and psutil.pid_exists(work.process):
            psutil.Process(work.process).kill()


def wait_for(what: Callable[[], object], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it does not get on"
        time.sleep(0.05)


def work_of(place: Place) -> Work:
    state = read_state(place.folder / "runs")
    assert state is not None
    return state.nights["soon"].works[0]


def test_a_night_that_was_killed_goes_on_and_ends_with_a_brief(
    mine: Place, finished: Place, started: Callable[..., "subprocess.Popen[str]"]
) -> None:
    mine.stand_still(1)
    with webhook([503]) as server:
        first = started(BRIEF_WEBHOOK=server.address)
        wait_for(lambda: len(mine.records()) >= 1)
        study = psutil.Process(work_of(mine).process)
        first.kill()
        first.wait()
        study.kill()
        study.wait(timeout=10)
        mine.go_on()
        second = started(BRIEF_WEBHOOK=server.address)
        wait_for(lambda: server.messages)
        wait_for(lambda: (state := read_state(mine.folder / "runs")) and state.nights["soon"].briefed)
    second.terminate()
    assert second.wait(timeout=30) == 143
    assert mine.table() == finished.table(), "what was killed and continued says what an undisturbed run says"
    assert (work_of(mine).state, work_of(mine).attempts) == ("done", 2)
    [written] = (mine.folder / "runs" / "briefs").glob("*.md")
    assert "6 trials of 1 study finished" in written.read_text()
    assert server.messages[0]["markdown"] == written.read_text()
    said = (mine.folder / "said1.txt").read_text()
    assert "soon: small was interrupted and goes on." in said
    assert "soon: small is done." in said
    everything = [path.read_bytes() for path in (mine.folder / "runs" / "schedule").iterdir()]
    assert b"s3cret" not in b"".join([*everything, said.encode()])


def test_sigterm_lets_running_trials_end_and_the_state_is_whole(
    mine: Place, started: Callable[..., "subprocess.Popen[str]"]
) -> None:
    path = mine.folder / "mine" / "schedule" / "soon.yaml"
    path.write_text(SCHEDULE.replace("study.name=small", f"study.name=small, '{NOBODY}'"))
    mine.stand_still(1)
    process, log = started(), mine.folder / "runs" / "schedule" / "small.log"
    wait_for(lambda: len(mine.records()) >= 1)
    before = set(mine.records())
    process.terminate()
    wait_for(lambda: "Interrupted: finishing" in log.read_text())
    mine.go_on()
    assert process.wait(timeout=90) == 143
    state = read_state(mine.folder / "runs")
    assert state is not None
    assert (state.process, work_of(mine).state, work_of(mine).process) == (None, "waiting", None)
    assert not (mine.study / "coordinator.txt").exists(), "the study let go of its lock"
    assert before < set(mine.records()), "the trials that ran have ended"
    assert len(mine.records()) < 6
    assert "Stopped." in log.read_text()


def test_a_study_that_outlived_its_scheduler_is_watched_and_then_asked_how_it_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)", "search.run"]
    with subprocess.Popen(command) as study:
        try:
            now = datetime.now(UTC)
            work = Work(study="small", asked="small", state="running", process=study.pid, attempts=1)
            night = NightWork(start=now, end=now + timedelta(hours=8), works=(work,))
            write_state(tmp_path, SchedulerState(handled={"soon": now}, nights={"soon": night}))
            wait_for(lambda: b"search.run" in Path(f"/proc/{study.pid}/cmdline").read_bytes())
            said: list[str] = []
            diary = Diary(tmp_path, ["soon"], now)
            crew = Crew(tmp_path, diary, said.append)
            crew.take_ended()
            assert (len(crew), diary.work(("soon", 0)).state) == (1, "running")
        finally:
            study.kill()
    crew.take_ended()
    assert (len(crew), diary.work(("soon", 0)).state) == (0, "waiting")
    assert said[-1] == "soon: small has ended, nobody saw how, and is started once more."


def test_a_dry_run_shows_seven_nights_by_the_clocks_of_the_zone_and_writes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "schedule"
    folder.mkdir(parents=True)
    text = SCHEDULE.replace('"* * * * *"', '"0 22 * * *"').replace("00:00 to 00:00", "22:00 to 06:00")
    (folder / "weekly.yaml").write_text(re.sub(r"studies:.*", "studies: [{study: dropout_ablation}]", text, flags=re.S))
    [one] = read_timetable("weekly", [tmp_path / "mine"], tmp_path / "runs")
    shown = lines(one, datetime(2026, 10, 23, 12, tzinfo=UTC), 7)
    nights = [line for line in shown if " to " in line and line.startswith("  ")]
    assert len(nights) == 7
    assert nights[0] == "  Fri 23 Oct 22:00 CEST to Sat 24 Oct 06:00 CEST, 8 h"
    assert nights[1] == "  Sat 24 Oct 22:00 CEST to Sun 25 Oct 06:00 CET, 9 h (the clocks change)"
    assert nights[2] == "  Sun 25 Oct 22:00 CET to Mon 26 Oct 06:00 CET, 8 h"
    assert "  1. dropout_ablation" in shown
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("study: small", "study: smal", "Schedule 'soon', `studies[0]`: `study` must be one of:"),
        ("study.name=small", "study.replicats=2", "`study.replicats` is not a field."),
        ('"* * * * *"', '"* * * *"', "`cron` must be five fields"),
        ('"* * * * *"', '"99 * * * *"', "`cron` must be a crontab's five fields"),
        ("Europe/Berlin", "Mars/Base", "`timezone` must be a time zone"),
        ("00:00 to 00:00", "00:00", "`window` must be two times of day"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_anything_starts(
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    before: str,
    after: str,
    said: str,
) -> None:
    (place.folder / "mine" / "schedule").mkdir()
    (place.folder / "mine" / "schedule" / "soon.yaml").write_text(SCHEDULE.replace(before, after))
    monkeypatch.chdir(place.folder)
    files = place.files()
    assert main(["--config-dir", "mine", "schedule=soon"]) == 2
    message = capsys.readouterr().err
    assert said in message
    assert len(message.splitlines()) <= 2
    assert place.files() == files


def test_an_address_that_cannot_be_posted_to_is_refused_and_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BRIEF_WEBHOOK", "chat.example/s3cret")
    assert main([f"runs_dir={tmp_path / 'runs'}", "schedule=nightly"]) == 2
    message = capsys.readouterr().err
    assert "The variable BRIEF_WEBHOOK must be an address" in message
    assert "s3cret" not in message
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("argument", "said"),
    [("schedule=nigthly", "Did you mean 'nightly'?"), ("dry_run=maybe", "`dry_run`"), ("dryrun=true", "'dry_run'")],
)
def test_bad_arguments_are_refused(argument: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([argument]) == 2
    assert said in capsys.readouterr().err
