"""A study on a Dask cluster: real scheduler, real workers, which know neither the study's folder nor its model."""

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import dask_tasks
import psutil
import pytest
from dask_cluster import Cluster, free_port
from small_study import PATIENCE_SECONDS, Place, make_place

from search.executors import WorkerDiedError
from search.progress import EpochDone
from search.workers import Workers, open_workers
from studies.compose import compose
from studies.errors import InputError
from studies.spec import ExecutorSpec, RunSpec


def eventually(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)


def wait_for_a_record(place: Place, process: "subprocess.Popen[str]") -> None:
    eventually(lambda: bool(place.records()) or process.poll() is not None)
    assert process.poll() is None, process.communicate()[0]


def what_was_trained(place: Place) -> dict[str, tuple[object, ...]]:
    """Return of each key the numbers, to the bit."""
    found = {}
    for key, text in place.records().items():
        folder, record = place.study / "trials" / key, json.loads(text)
        arrays = [(folder / name).read_bytes() for name in ("history.csv", "predicted.npy", "correct.npy")]
        found[key] = (record["arm"], record["seed"], record["metrics"], record["engine"], *arrays)
    return found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    made.add_worker()
    made.add_worker()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def on_dask(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Place:
    made = make_place(tmp_path_factory.mktemp("on_dask"))
    done = made.run("executor=dask", f"executor.address={cluster.address}")
    assert done.returncode == 0, done.stdout + done.stderr
    (made.folder / "output.txt").write_text(done.stdout + done.stderr)
    return made


def test_dask_and_the_local_pool_give_the_same_keys_and_the_same_bits(on_dask: Place, finished: Place) -> None:
    assert len(on_dask.records()) == 6
    assert what_was_trained(on_dask) == what_was_trained(finished)
    assert on_dask.table() == finished.table()


def test_the_data_travel_once_a_machine_however_many_trials_there_are(on_dask: Place, cluster: Cluster) -> None:
    assert (on_dask.folder / "output.txt").read_text().count("Sending npz") == 1
    assert len([*(cluster.folder / "cache" / "ablation-search" / "data").glob("npz-*")]) == 1


def test_a_worker_killed_in_the_middle_costs_time_and_changes_nothing(
    on_dask: Place, cluster: Cluster, tmp_path: Path
) -> None:
    place, victim = make_place(tmp_path), cluster.processes[-1]
    trials = Place(cluster.folder)
    trials.stand_still(1)
    process = place.start("executor=dask", f"executor.address={cluster.address}")
    try:
        wait_for_a_record(place, process)
        victim.kill()
        trials.go_on()
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        trials.go_on()
        process.kill()
    cluster.add_worker()
    assert process.returncode == 0, output
    assert "its Dask worker was lost (tcp://127.0.0.1:" in output
    assert "; trying once more" in output
    assert what_was_trained(place) == what_was_trained(on_dask)
    assert place.table() == on_dask.table()


def test_a_killed_coordinator_is_continued_to_the_same_bits_and_its_trials_end(
    on_dask: Place, cluster: Cluster, tmp_path: Path
) -> None:
    place, given = make_place(tmp_path), ("executor=dask", f"executor.address={cluster.address}")
    trials = Place(cluster.folder)
    trials.stand_still(1)
    process = place.start(*given)
    try:
        wait_for_a_record(place, process)
    finally:
        process.kill()
        process.communicate()
        trials.go_on()
    assert len(place.records()) == 1
    done = place.run(*given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 6 trials are recorded already" in done.stdout
    assert what_was_trained(place) == what_was_trained(on_dask)
    assert place.table() == on_dask.table()


Opened = tuple[Workers, list[EpochDone]]


def run_on(executor: ExecutorSpec) -> RunSpec:
    return compose(["study=dropout_ablation"]).model_copy(update={"executor": executor})


@pytest.fixture(scope="module")
def opened(cluster: Cluster) -> Iterator[Opened]:
    with open_workers(run_on(ExecutorSpec(name="dask", address=cluster.address)), most=2) as workers:
        seen: list[EpochDone] = []
        workers.listeners.append(seen.append)
        yield workers, seen


def test_epochs_reach_the_display_in_order_and_before_the_result(opened: Opened) -> None:
    workers, seen = opened
    assert workers.executor.submit(dask_tasks.report, 3).result(60) == "done"
    assert [(event.epoch, event.scores["train_loss"]) for event in seen] == [(1, 1.0), (2, 0.5), (3, 1 / 3)]


def test_a_hopeless_trial_is_ended_where_it_runs(opened: Opened, tmp_path: Path) -> None:
    workers, _ = opened
    future: Future[str] = workers.executor.submit(dask_tasks.until_stopped, str(tmp_path / "pid"))
    eventually((tmp_path / "pid").exists)
    eventually(future.running)
    workers.prune(future)
    assert future.result(60) == "stopped"


def test_a_crash_in_a_trial_spares_the_dask_worker_and_says_how_it_ended(opened: Opened, cluster: Cluster) -> None:
    workers, _ = opened
    with pytest.raises(WorkerDiedError, match=r"killed by SIGKILL\) on tcp://127.0.0.1:"):
        workers.executor.submit(dask_tasks.die).result(60)
    assert psutil.pid_exists(workers.executor.submit(dask_tasks.pid).result(60))


def test_a_study_that_is_abandoned_leaves_nothing_running(cluster: Cluster, tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    with open_workers(run_on(ExecutorSpec(name="dask", address=cluster.address)), most=2) as workers:
        future = workers.executor.submit(dask_tasks.until_stopped, str(marker))
        eventually(lambda: marker.exists() and bool(marker.read_text()))
    assert isinstance(future.exception(), WorkerDiedError)
    eventually(lambda: not psutil.pid_exists(int(marker.read_text())), 20)


def test_resources_say_how_many_trials_run_at_once(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    try:
        cluster.add_worker("--nthreads", "8", "--resources", "GPU=1")
        with open_workers(
            run_on(ExecutorSpec(name="dask", address=cluster.address, resources={"GPU": 0.25})), 100
        ) as workers:
            assert workers.lanes == 4
        asked = ExecutorSpec(name="dask", address=cluster.address, resources={"TPU": 1.0})
        with pytest.raises(InputError, match=r"^`executor.resources` must be .+ Received: .'TPU': 1.0.; offered: GPU"):
            open_workers(run_on(asked), 1).__enter__()
    finally:
        cluster.stop()


def test_a_worker_with_another_keras_is_named_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    place, cluster = make_place(tmp_path / "place"), Cluster(tmp_path / "cluster")
    installed = tmp_path / "other" / "keras-3.0.1.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: keras\nVersion: 3.0.1\n")
    before = place.files()
    try:
        cluster.add_worker(path=installed.parent)
        done = place.run("executor=dask", f"executor.address={cluster.address}")
    finally:
        cluster.stop()
    assert done.returncode == 2
    assert "`executor.address`: keras must be the same on the coordinator and on every worker." in done.stderr
    assert "3.0.1 on worker tcp://127.0.0.1:" in done.stderr
    assert place.files() == before


def test_a_cluster_can_be_started_for_a_study_by_its_class(finished: Place, tmp_path: Path) -> None:
    place = make_place(tmp_path)
    options = "executor.options={threads_per_worker: 1, dashboard_address: '127.0.0.1:0'}"
    done = place.run("executor=dask", "executor.cluster=distributed.LocalCluster", "executor.workers=2", options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert what_was_trained(place) == what_was_trained(finished)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "executor.address=tcp://127.0.0.1:{port}",
            "'tcp://127.0.0.1:{port}': connection refused.\nTo start one: dask",
        ),
        ("executor.address=tcp://nowhere.invalid:8786", "there is no host 'nowhere.invalid'"),
        (
            "executor.address=http://127.0.0.1:8786",
            "`executor.address` must be SCHEME://HOST:PORT with one of tcp, tls",
        ),
        ("executor.address='127.0.0.1:8786'", "`executor.address` must be SCHEME://HOST:PORT"),
        ("executor.address=tcp://127.0.0.1", "`executor.address` must be SCHEME://HOST:PORT"),
        ("runs_dir=runs", "`executor.address` must be given, such as tcp://127.0.0.1:8786"),
        ("executor.cluster=distributed.LocalCluter", "`executor.workers` must be given with `executor.cluster`"),
        ("executor.options={a: 1}", "`executor.options` must be left out without `executor.cluster`"),
    ],
)
def test_an_address_that_is_none_or_does_not_answer_is_said_within_ten_seconds(
    place: Place, given: str, said: str
) -> None:
    before, port, started = place.files(), free_port(), time.monotonic()
    done = place.run("executor=dask", given.replace("{port}", str(port)))
    assert time.monotonic() - started < 10
    assert done.returncode == 2
    assert said.replace("{port}", str(port)) in done.stderr
    assert len(done.stderr.splitlines()) <= 2
    assert place.files() == before


def test_what_is_no_dask_scheduler_is_said_too(place: Place) -> None:
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        done = place.run("executor=dask", f"executor.address=tcp://127.0.0.1:{deaf.getsockname()[1]}")
    assert time.monotonic() - started < 10
    assert done.returncode == 2
    assert "something answers there, but no Dask scheduler" in done.stderr


@pytest.mark.parametrize("field", ["address=tcp://127.0.0.1:8786", "cluster=distributed.LocalCluster"])
def test_the_local_executor_takes_nothing_that_is_dasks(place: Place, field: str) -> None:
    done = place.run(f"executor.{field}")
    assert done.returncode == 2
    assert "must be left out of executor=local: executor=dask has it" in done.stderr


def test_a_cluster_class_that_is_not_there_is_named(place: Place) -> None:
    done = place.run("executor=dask", "executor.cluster=distributed.LocalCluter", "executor.workers=1")
    assert done.returncode == 2
    assert "`executor.cluster` must be the class of a Dask cluster that is installed" in done.stderr
