"""The main job, as a user runs it: real commands, real worker processes, a real MLflow store."""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from process_ends import is_gone
from small_study import PATIENCE_SECONDS, STUDY, Place, make_place, said_to_the_end, said_until


def wait_for(what: Callable[[], object], otherwise: str = "the study does not get on") -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)


def wait_for_records(place: Place, count: int) -> None:
    wait_for(lambda: len(place.records()) >= count)


def workers_of(coordinator: int) -> list[psutil.Process]:
    children = psutil.Process(coordinator).children()
    return [child for child in children if not is_gone(child.pid) and "spawn_main" in " ".join(child.cmdline())]


def say_nothing_was_written(place: Place, before: set[str]) -> None:
    assert place.files() == before


def test_a_study_ends_with_means_a_test_a_conclusion_and_the_way_to_the_report(finished: Place) -> None:
    output = (finished.folder / "output.txt").read_text()
    assert "[6/6]" in output
    assert "plain" in output
    assert "dropped against plain:" in output
    assert "runs/small/report/report.html (and report.md beside it)" in output
    assert "mlflow ui --backend-store-uri" in output
    assert len(finished.records()) == 6


def test_each_trial_is_a_child_run_in_mlflow_with_its_command(finished: Place) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{finished.folder / 'runs' / 'mlflow.db'}")
    [experiment] = client.search_experiments(filter_string="name = 'small'")
    runs = client.search_runs([experiment.experiment_id])
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert len(children) == 6
    assert len(runs) == 7
    for child in children:
        record = json.loads(finished.records()[child.data.tags["key"]])
        assert child.data.metrics["test_accuracy"] == record["metrics"]["test_accuracy"]
        assert child.data.tags["command"] == record["command"]
        history = client.get_metric_history(child.info.run_id, "history/train_loss")
        assert [point.step for point in history] == [1, 2, 3]
    [parent] = [run for run in runs if run not in children]
    assert "dropped" in parent.data.tags["mlflow.note.content"]


def test_optuna_knows_every_cell_its_value_and_its_record(finished: Place) -> None:
    import optuna

    storage = f"sqlite:///{finished.folder / 'runs' / 'optuna.db'}"
    [name] = optuna.get_all_study_names(storage)
    trials = optuna.load_study(study_name=name, storage=storage).trials
    assert {trial.state.name for trial in trials} == {"COMPLETE"}
    assert {trial.user_attrs["key"] for trial in trials} == set(finished.records())
    for trial in trials:
        record = json.loads((finished.folder / "runs" / trial.user_attrs["record"]).read_text())
        assert (record["arm"], record["seed"]) == (trial.params["arm"], trial.params["seed"])
        assert trial.value == record["metrics"]["test_accuracy"]


def test_arms_share_their_seeds_and_no_two_trials_share_a_key(finished: Place) -> None:
    records = [json.loads(record) for record in finished.records().values()]
    assert {(record["arm"], record["seed"]) for record in records} == {
        (arm, seed) for arm in ("plain", "dropped") for seed in (1, 2, 3)
    }


@pytest.fixture
def copy(finished: Place, tmp_path: Path) -> Place:
    shutil.copytree(finished.folder, tmp_path / "copy")
    return Place(tmp_path / "copy", is_shown=False)


def test_a_second_run_trains_nothing_and_says_so(copy: Place) -> None:
    before, table = copy.records(), copy.table()
    done = Place(copy.folder).run()
    assert done.returncode == 0, done.stderr
    assert "All 6 trials are recorded already: nothing to train." in done.stdout
    assert copy.records() == before
    assert copy.table() == table


def test_more_replicates_train_the_new_trials_only(copy: Place) -> None:
    before = copy.records()
    done = copy.run("study.replicates=4")
    assert done.returncode == 0, done.stderr
    assert "6 of 8 trials are recorded already; 2 to go." in done.stdout
    assert {key: copy.records()[key] for key in before} == before
    assert len(copy.records()) == 8


def test_another_study_takes_what_is_finished_already(copy: Place) -> None:
    done = copy.run("study.name=other", "study.arms.more.rate=0.25")
    assert done.returncode == 0, done.stderr
    assert "6 trials were finished by another study" in done.stdout
    assert "3 trials trained." in done.stdout


def test_a_record_cut_in_half_is_set_aside_reported_and_trained_again(copy: Place) -> None:
    table, [victim, *_] = copy.table(), copy.records()
    path = copy.study / "trials" / victim / "record.json"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    done = copy.run()
    assert done.returncode == 0, done.stderr
    assert "is damaged: set aside as runs/small/damaged/" in done.stdout
    assert "1 trials trained." in done.stdout
    assert (copy.study / "damaged" / f"{victim}.1" / "record.json").is_file()
    assert copy.table() == table


@pytest.mark.parametrize("records_first", [0, 1, 4])
def test_a_killed_coordinator_is_continued_to_the_same_bits(
    tmp_path: Path, finished: Place, records_first: int
) -> None:
    place = make_place(tmp_path, is_shown=records_first == 1)
    place.stand_still(records_first)
    process = place.start()
    try:
        if records_first:
            wait_for_records(place, records_first)
        else:  # It has only just begun.
            wait_for((place.study / "coordinator.txt").exists)
        workers = workers_of(process.pid)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    wait_for(lambda: all(is_gone(worker.pid) for worker in workers), "workers outlived their coordinator")
    saved = place.records()
    assert len(saved) == records_first
    place.go_on()
    done = place.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert {key: place.records()[key] for key in saved} == saved
    assert place.table() == finished.table()


def test_a_killed_worker_costs_a_second_attempt_and_no_bit_of_the_table(place: Place, finished: Place) -> None:
    place.stand_still(1)
    process = place.start("executor.workers=1")
    wait_for_records(place, 1)
    wait_for((place.folder / "standing").exists)
    [worker] = workers_of(process.pid)
    worker.kill()
    place.go_on()
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, output
    assert "its worker process ended (killed by SIGKILL); trying once more" in output
    assert place.table() == finished.table()


def test_ctrl_c_finishes_the_running_trials_and_says_how_to_continue(tmp_path: Path, finished: Place) -> None:
    place = make_place(tmp_path, is_shown=True)
    place.stand_still(1)
    process = place.start()
    wait_for_records(place, 1)
    os.killpg(process.pid, signal.SIGINT)
    output = said_until(process, "Interrupted: finishing")
    place.go_on()
    output += said_to_the_end(process)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    saved = len(place.records())
    assert 1 < saved < 6, "those that ran have ended"
    assert f"Stopped. {saved} of 6 trials are saved in runs/small/. To continue:" in output
    assert "python -m search.run --config-dir mine study=small" in output
    done = place.run()
    assert done.returncode == 0, done.stderr
    assert place.table() == finished.table()


def test_a_second_ctrl_c_abandons_at_once(place: Place) -> None:
    process = place.start("executor.workers=1", "study.fixed.trouble=slow", "study.training.epochs=1000")
    wait_for((place.folder / "training").exists)
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.7)
    assert process.poll() is None, "the first Ctrl-C waits for the running trials"
    started = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert time.monotonic() - started < 15
    assert process.returncode == 130, output
    assert "0 of 6 trials are saved" in output
    assert "Traceback" not in output


def test_a_worker_that_dies_once_is_replaced_and_its_trial_tried_again(place: Place) -> None:
    done = place.run("study.fixed.trouble=suicide once", "study.replicates=1", "executor.workers=1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "its worker process ended (killed by SIGKILL); trying once more" in done.stdout
    assert len(place.records()) == 2


FAILING = STUDY.replace(
    "replicates: 3\n",
    """\
  raising: {rate: 0.5, trouble: exception}
  dying: {rate: 0.5, trouble: suicide}
  diverging: {rate: 0.5, learning_rate: 1.0e+38}
replicates: 2
""",
)
REASONS = {
    "raising": "the model does not feel well",
    "dying": "its worker process ended (killed by SIGKILL)",
    "diverging": "train_loss became",
}


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> "tuple[Place, subprocess.CompletedProcess[str]]":
    """Return where a study has run of whose arms three fail, each in its own way, and what it said."""
    place = make_place(tmp_path_factory.mktemp("failed"), FAILING, is_shown=True)
    return place, place.run()


def test_trials_that_fail_fail_alone(failed: "tuple[Place, subprocess.CompletedProcess[str]]") -> None:
    place, done = failed
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "4 trials trained, 6 failed." in done.stdout
    records = [json.loads(record) for record in place.records().values()]
    assert {(record["arm"], record["seed"]) for record in records} == {
        (arm, seed) for arm in ("plain", "dropped") for seed in (1, 2)
    }


@pytest.mark.parametrize(("arm", "reason"), REASONS.items())
def test_an_arm_that_fails_is_named_in_the_table_with_its_reason(
    failed: "tuple[Place, subprocess.CompletedProcess[str]]", arm: str, reason: str
) -> None:
    place, done = failed
    assert reason in done.stdout
    for page in (done.stdout, (place.study / "report" / "report.md").read_text()):
        assert any(arm in line and "0 of 2" in line for line in page.splitlines()), page
    failures = [json.loads(path.read_text()) for path in (place.study / "failed").iterdir()]
    ours = [failure for failure in failures if failure["arm"] == arm]
    assert len(ours) == 2
    assert all(reason in failure["reason"] for failure in ours)
    assert {failure["attempts"] for failure in ours} == {2 if arm == "dying" else 1}


def test_a_failed_trial_is_tried_again_by_the_next_run_and_forgotten_when_it_succeeds(place: Place) -> None:
    place.folder.joinpath("died_once").touch()
    assert place.run("study.fixed.trouble=exception", "study.replicates=1").returncode == 1
    models = place.folder / "my_models.py"
    models.write_text(models.read_text().replace('raise RuntimeError("the model does not feel well")', "pass"))
    done = place.run("study.fixed.trouble=exception", "study.replicates=1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(place.records()) == 2


def test_a_second_coordinator_is_told_who_runs_the_study(place: Place) -> None:
    place.stand_still(0)
    process = place.start("executor.workers=1", "study.fixed.trouble=slow")
    try:
        wait_for((place.folder / "training").exists)
        second = place.run()
        assert second.returncode == 2
        assert f"Study 'small' is being run by process {process.pid}" in second.stderr
        assert "Traceback" not in second.stderr
    finally:
        process.terminate()
        place.go_on()
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 143, output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["study.arms.dropped.rat=0.5"],
            "Arm 'dropped': A hyperparameter's name must be one of: .*Did you mean 'rate'",
        ),
        (["study.arms.dropped.rate=2"], "Arm 'dropped': `rate` must be a number from 0.0 to 0.9. Received: 2"),
        (["study.model=my_modls:build"], "`study.model` must be importable .*my_modls"),
        (["study.model=my_models:biuld"], "Did you mean 'build'"),
        (["study.model=two_blok_cnn"], "Did you mean 'two_block_cnn'"),
        (["study.training.augmentation.crop=11"], "crop` must be at most 10, .* Received: 11"),
        (["dataset.file=image.npz"], "Did you mean 'images.npz'"),
        (["tracking_uri=nowhere"], "`tracking_uri` must be the address of an MLflow server"),
        (["runs_dir=images.npz/runs"], "`runs_dir` must be a folder that can be written"),
    ],
)
def test_bad_input_is_one_or_two_lines_and_writes_nothing(place: Place, arguments: list[str], message: str) -> None:
    before = place.files()
    done = Place(place.folder).run(*arguments)  # Of MLflow there is nothing to say.
    assert done.returncode == 2, done.stdout + done.stderr
    assert re.search(message, done.stderr), done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2
    assert done.stdout == ""
    say_nothing_was_written(place, before)


def test_a_model_that_is_not_compiled_or_raises_is_refused_before_anything_trains(place: Place) -> None:
    models = place.folder / "my_models.py"
    source = models.read_text()
    for broken, message in (
        (source.replace("    model.compile(", "    (lambda **_: None)("), "must compile what it builds"),
        (source.replace("    inputs = ", "    inputs = 1 / 0\n    inputs = "), "cannot be built: ZeroDivisionError"),
        (source.replace("return model", "return 7"), "must build a keras.Model. Received: int"),
    ):
        models.write_text(broken)
        before = place.files()
        done = place.run()
        assert done.returncode == 2, done.stdout
        assert message in done.stderr
        say_nothing_was_written(place, before)


@pytest.mark.parametrize(("deaths", "code"), [(1, 0), (2, 2)])
def test_a_worker_that_is_lost_while_it_builds_a_model_is_replaced_once(tmp_path: Path, deaths: int, code: int) -> None:
    place = make_place(tmp_path)
    models = place.folder / "my_models.py"
    head = "def build(hp, input_shape, classes):\n"
    fatal = f"""\
    if hp.get("rate") and len(list(Path().glob("lost*"))) < {deaths}:
        Path(f"lost{{os.getpid()}}").touch()
        os.kill(os.getpid(), signal.SIGKILL)
"""
    rate = '    rate = hp.Float("rate", 0.0, 0.9, default=0.0)\n'
    models.write_text(models.read_text().replace(head + rate, head + rate + fatal))
    done = place.run("study.replicates=1", module="search.plan")
    assert done.returncode == code, done.stdout + done.stderr
    assert len(list(place.folder.glob("lost*"))) == deaths
    assert done.stderr == (
        ""
        if code == 0
        else "`study.model` 'my_models:build' cannot be built: its worker process ended (killed by SIGKILL).\n"
    )


def test_no_secret_of_the_tracking_address_reaches_the_disk(copy: Place) -> None:
    done = copy.run("tracking_uri=http://user:hunter2@127.0.0.1:9/", "study.replicates=3")
    assert "hunter2" not in done.stdout + done.stderr
    for path in (copy.folder / "runs").rglob("*"):
        if path.is_file():
            assert b"hunter2" not in path.read_bytes(), path


def test_the_two_stores_do_not_share_a_database(finished: Place) -> None:
    def tables(name: str) -> set[str]:
        with sqlite3.connect(finished.folder / "runs" / name) as connection:
            return {row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")}

    assert "trial_values" in tables("optuna.db")
    assert "experiments" in tables("mlflow.db")
    assert "experiments" not in tables("optuna.db")
