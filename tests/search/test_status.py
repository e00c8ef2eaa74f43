"""What `python -m search.status` says of studies on disk and of the scheduler."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock
from searched_study import write_search_study
from small_study import Place

from search.lock import StudyLock
from search.schedule_state import NightWork, SchedulerState, Upcoming, Work, lock_file, write_state
from search.standing import standings
from search.status import main
from tracking.manifest import read_manifest
from tracking.proposals import Parameter
from tracking.record import Failure, RecordStore

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def runs(finished: Place, tmp_path: Path) -> Path:
    shutil.copytree(finished.folder / "runs", tmp_path / "runs")
    return tmp_path / "runs"


def remove(runs: Path, count: int) -> list[str]:
    """Remove the records of the last planned trials; return their keys."""
    keys = [trial.key for trial in read_manifest(runs, "small").trials[-count:]]
    for key in keys:
        shutil.rmtree(runs / "small" / "trials" / key)
    return keys


@contextmanager
def run_by_us(runs: Path, seconds_ago: float) -> Iterator[None]:
    """Be who runs the study, since `seconds_ago`."""
    lock, began = StudyLock(runs / "small"), time.time() - seconds_ago
    lock.acquire()
    os.utime(runs / "small" / "coordinator.txt", (began, began))
    yield
    lock.release()


def fail(runs: Path, key: str) -> None:
    one = next(trial for trial in read_manifest(runs, "small").trials if trial.key == key)
    failure = Failure(key=key, arm=one.arm, seed=one.seed, reason="the worker\nwas killed", attempts=2)
    RecordStore(runs / "small").write_failure(failure)


def as_json(runs: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert main([f"runs_dir={runs}", "format=json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_a_finished_study_is_done(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [study] = as_json(runs, capsys)["studies"]
    assert (study["state"], study["done"], study["planned"], study["done_at"]) == ("done", 6, 6, None)


def test_a_study_that_nobody_runs_has_stopped_or_failed(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = remove(runs, 2)
    assert [one.state for one in standings(runs, NOW)] == ["stopped"]
    fail(runs, keys[0])
    [study] = as_json(runs, capsys)["studies"]
    assert (study["state"], study["done"]) == ("failed", 4)
    assert [failure["reason"] for failure in study["failures"]] == ["the worker was killed"]


def test_a_running_study_is_done_when_its_pace_says(runs: Path) -> None:
    remove(runs, 2)
    with run_by_us(runs, seconds_ago=100):
        for path in (runs / "small" / "trials").iterdir():
            os.utime(path)
        [one] = standings(runs, datetime.now(UTC))
    assert one.state == "running"
    assert one.seconds_left == pytest.approx(50, rel=0.1), "four trials took 100 s, so two take 50"


def test_before_its_first_trial_the_times_of_earlier_ones_say_when(runs: Path) -> None:
    remove(runs, 2)
    with run_by_us(runs, seconds_ago=-5):
        [one] = standings(runs, NOW)
    assert one.seconds_left is not None
    assert 0 < one.seconds_left < 60


def test_of_a_search_its_settings_and_its_confirmation_count(tmp_path: Path) -> None:
    write_search_study(tmp_path / "runs")
    [choosing] = standings(tmp_path / "runs", NOW)
    study = read_manifest(tmp_path / "runs", choosing.study).spec.study
    assert study.search is not None
    confirming = (len(study.arms) + study.search.confirm.settings) * study.search.confirm.replicates
    assert choosing.planned == study.search.settings + confirming
    assert (choosing.state, choosing.done) == ("stopped", 10)
    write_search_study(tmp_path / "confirmed", confirmed=(0.9, 0.91))
    [confirmed] = standings(tmp_path / "confirmed", NOW)
    assert (confirmed.state, confirmed.done, confirmed.planned) == ("done", 14, 14)


def test_of_a_search_that_has_more_settings_than_its_space_those_of_the_space_count(tmp_path: Path) -> None:
    folder = write_search_study(tmp_path / "runs", scores=(0.5,)).folder
    manifest = read_manifest(tmp_path / "runs", folder.name)
    assert manifest.search is not None
    space = (Parameter(name="activation", choices=("relu", "elu", "tanh")),)
    manifest.model_copy(update={"search": manifest.search.model_copy(update={"space": space})}).write(folder)
    [choosing] = standings(tmp_path / "runs", NOW)
    search = manifest.search.spec.study.search
    assert search is not None
    confirming = (len(manifest.search.spec.study.arms) + search.confirm.settings) * search.confirm.replicates
    assert choosing.planned == 3 + confirming < search.settings + confirming


def test_a_damaged_study_hides_no_other(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (runs / "broken").mkdir()
    (runs / "broken" / "study.json").write_text("{")
    states = {study["study"]: study["state"] for study in as_json(runs, capsys)["studies"]}
    assert states == {"broken": "unreadable", "small": "done"}


def night(**fields: object) -> SchedulerState:
    works = (
        Work(study="small", asked="small", state="done"),
        Work(study="other", asked="other study.budget=quick", state="waiting"),
        Work(study="third", asked="third", state="failed", note="`study` must be one of: small."),
    )
    start = NOW - timedelta(hours=5)
    coming = Upcoming(
        schedule="nightly",
        timezone="Europe/Berlin",
        window="22:00 to 06:00",
        start=NOW + timedelta(hours=18),
        end=NOW + timedelta(hours=26),
        studies=("small", "other", "third"),
    )
    nights = {"nightly": NightWork(start=start, end=start + timedelta(hours=8), works=works)}
    return SchedulerState(host=socket.gethostname(), nights=nights, coming=(coming,), **fields)


def test_the_table_says_what_waits_what_failed_and_when_the_next_night_is(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_state(runs, night(process=os.getpid()))
    with FileLock(lock_file(runs)):
        assert main([f"runs_dir={runs}"]) == 0
    said = capsys.readouterr().out
    assert "other study.budget=quick" in said
    assert "waiting" in said
    assert "`study` must be one of: small." in said
    assert "Sun 22 Nov 22:00 CET" in said
    assert f"The scheduler runs as process {os.getpid()} on" in said


def test_a_scheduler_that_is_gone_is_said_to_be(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    write_state(runs, night(process=gone.pid))
    found = as_json(runs, capsys)
    assert found["scheduler"] is None
    assert [one["schedule"] for one in found["coming"]] == ["nightly"]
    assert main([f"runs_dir={runs}"]) == 0
    assert "No scheduler runs" in capsys.readouterr().out


def test_nothing_heavy_is_imported_for_it(runs: Path) -> None:
    heavy = "{'tensorflow', 'keras', 'mlflow', 'optuna', 'pandas', 'scipy', 'hydra', 'apscheduler'}"
    shown = f"from search.status import main; main(['runs_dir={runs}'])"
    code = f"import sys; {shown}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("format=yaml", "`format` must be one of: json, table."),
        ("runs_dir=nowhere", "`runs_dir`"),
        ("form=x", "format"),
    ],
)
def test_bad_arguments_are_refused(argument: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([argument]) == 2
    assert said in capsys.readouterr().err
