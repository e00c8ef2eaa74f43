"""The pool of worker processes: what it keeps, what it replaces, and what a death costs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from queue import Queue

import psutil
import pytest
from process_ends import is_gone

from search import progress
from search.executors import LocalExecutor, WorkerDiedError
from search.progress import EpochDone


def nothing() -> None: ...


def pid() -> int:
    return os.getpid()


def label(name: str, gate: str = "") -> tuple[str, int]:
    while gate and not Path(gate).exists():
        time.sleep(0.01)
    time.sleep(0.05)
    return name, os.getpid()


def die(how: int) -> None:
    os.kill(os.getpid(), how)


def leave(code: int) -> None:
    print("the last words", file=sys.stderr, flush=True)
    os._exit(code)


def divide(a: int, b: int) -> float:
    return a / b


def report(epochs: int) -> str:
    for epoch in range(1, epochs + 1):
        progress.send(EpochDone("k", epoch, epochs, 1.0))
    return "done"


def report_until_stopped() -> str:
    for epoch in range(1, 1000):
        progress.send(EpochDone("k", epoch, 1000, 1.0))
        time.sleep(0.01)
        if progress.stop_asked():
            break
    return str(epoch)


def until_stopped(marker: str) -> str:
    Path(marker).write_text(str(os.getpid()))
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if progress.stop_asked():
            return "stopped"
        time.sleep(0.01)
    return "never asked"


def is_stop_asked() -> bool:
    time.sleep(0.1)
    return progress.stop_asked()


def wait_long(marker: str) -> None:
    Path(marker).write_text(str(os.getpid()))
    time.sleep(600)


Pool = Callable[..., LocalExecutor]


@pytest.fixture
def pool() -> Iterator[Pool]:
    made: list[LocalExecutor] = []

    def make(workers: int = 1, tasks_per_worker: int = 100, **options: object) -> LocalExecutor:
        options.setdefault("on_progress", lambda event: None)
        made.append(LocalExecutor(workers, tasks_per_worker, nothing, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for executor in made:
        executor.shutdown(cancel_futures=True)


def eventually(condition: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_tasks_run_in_a_process_that_is_kept_warm(pool: Pool) -> None:
    executor = pool()
    pids = {executor.submit(pid).result() for _ in range(5)}
    assert len(pids) == 1
    assert os.getpid() not in pids


def test_a_worker_is_replaced_after_its_share_of_tasks(pool: Pool) -> None:
    executor = pool(tasks_per_worker=2)
    pids = [executor.submit(pid).result() for _ in range(6)]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4] == pids[5]


def test_a_worker_that_is_starting_does_not_hear_ctrl_c(pool: Pool) -> None:
    future = pool().submit(pid)
    while not future.done():
        for child in psutil.Process().children():
            child.send_signal(signal.SIGINT)
        time.sleep(0.01)
    assert future.result() != os.getpid()


def test_an_exception_comes_back_and_the_worker_stays(pool: Pool) -> None:
    executor = pool()
    before = executor.submit(pid).result()
    with pytest.raises(ZeroDivisionError):
        executor.submit(divide, 1, 0).result()
    assert executor.submit(pid).result() == before


@pytest.mark.parametrize(
    ("task", "argument", "said"),
    [
        (die, signal.SIGKILL, "killed by SIGKILL"),
        (die, signal.SIGSEGV, "killed by SIGSEGV"),
        (leave, 3, r"exit code 3\): the last words"),
    ],
)
def test_a_worker_that_dies_fails_its_own_task_only_and_says_how(
    pool: Pool, task: Callable[[int], None], argument: int, said: str
) -> None:
    executor = pool(workers=2)
    others = [executor.submit(label, "other") for _ in range(4)]
    doomed = executor.submit(task, argument)
    later = [executor.submit(label, "later") for _ in range(4)]
    with pytest.raises(WorkerDiedError, match=said):
        doomed.result(timeout=30)
    assert [future.result(timeout=30)[0] for future in others + later] == ["other"] * 4 + ["later"] * 4


def test_a_worker_killed_from_outside_in_the_middle_of_a_task_is_noticed_at_once(pool: Pool, tmp_path: Path) -> None:
    executor, marker = pool(), tmp_path / "pid"
    future = executor.submit(wait_long, str(marker))
    assert eventually(lambda: marker.exists() and bool(marker.read_text()))
    os.kill(int(marker.read_text()), signal.SIGKILL)
    with pytest.raises(WorkerDiedError, match="SIGKILL"):
        future.result(timeout=10)


def test_progress_reaches_the_listener_in_order_before_the_result(pool: Pool) -> None:
    seen: list[int] = []
    executor = pool(on_progress=lambda event: seen.append(event.epoch))
    assert executor.submit(report, 3).result() == "done"
    assert seen == [1, 2, 3]


@pytest.mark.parametrize("error", [ValueError("a bug"), BrokenPipeError("nobody reads")], ids=repr)
def test_an_exception_of_the_listener_is_the_tasks_and_the_pool_goes_on(pool: Pool, error: Exception) -> None:
    def listen(event: EpochDone) -> None:
        raise error

    executor = pool(on_progress=listen)
    with pytest.raises(type(error), match=str(error)):
        executor.submit(report, 3).result(timeout=30)
    assert executor.submit(divide, 6, 3).result(timeout=30) == 2


def test_a_worker_prefers_what_it_did_last(pool: Pool, tmp_path: Path) -> None:
    executor = pool(workers=2, affinity=lambda *arguments: arguments[0] if arguments else None)
    gate = tmp_path / "gate"
    busy = [executor.submit(label, "first", str(gate)), executor.submit(label, "second", str(gate))]
    futures: list[Future[tuple[str, int]]] = [executor.submit(label, name) for name in "ababababab"]
    gate.touch()
    ran = [future.result() for future in [*busy, *futures]]
    workers_of = {name: {worker for other, worker in ran if other == name} for name in "ab"}
    # The last task of all may go to a worker that has nothing else left.
    assert sum(map(len, workers_of.values())) <= 3, workers_of


def test_waiting_tasks_can_be_cancelled_and_shutdown_kills_the_running_one(pool: Pool, tmp_path: Path) -> None:
    executor, marker = pool(), tmp_path / "pid"
    running = executor.submit(wait_long, str(marker))
    waiting = executor.submit(pid)
    assert eventually(lambda: marker.exists() and bool(marker.read_text()))
    started = time.monotonic()
    executor.shutdown(cancel_futures=True)
    assert time.monotonic() - started < 10
    assert waiting.cancelled()
    assert isinstance(running.exception(), WorkerDiedError)
    assert not psutil.pid_exists(int(marker.read_text()))


def test_a_running_task_learns_that_it_is_to_stop_and_the_next_one_does_not(pool: Pool, tmp_path: Path) -> None:
    executor, marker = pool(), tmp_path / "pid"
    futures = [executor.submit(until_stopped, str(marker)), executor.submit(is_stop_asked)]
    executor.prune(futures[1])
    assert eventually(marker.exists)
    for _ in range(20):
        executor.prune(futures[0])
    assert [future.result(timeout=10) for future in futures] == ["stopped", False]
    executor.prune(futures[0])
    assert executor.submit(is_stop_asked).result() is False


def test_the_one_that_listens_to_progress_may_stop_the_task(pool: Pool) -> None:
    known: Queue[Future[str]] = Queue()

    def listen(event: EpochDone) -> None:
        if event.epoch == 1:
            executor.prune(known.get(timeout=30))

    executor = pool(on_progress=listen)
    executor.submit(pid).result()
    future = executor.submit(report_until_stopped)
    known.put(future)
    assert 1 <= int(future.result(timeout=30)) < 1000


def test_stopping_a_task_whose_worker_dies_changes_nothing(pool: Pool, tmp_path: Path) -> None:
    executor, marker = pool(), tmp_path / "pid"
    future = executor.submit(wait_long, str(marker))
    assert eventually(lambda: marker.exists() and bool(marker.read_text()))
    os.kill(int(marker.read_text()), signal.SIGKILL)
    while not future.done():
        executor.prune(future)
    assert isinstance(future.exception(), WorkerDiedError)


def test_workers_leave_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import time, sys, os\n"
        "from search.executors import LocalExecutor\n"
        "def nothing(): ...\n"
        "def long(marker):\n"
        "    open(marker, 'w').write(str(os.getpid()))\n"
        "    time.sleep(600)\n"
        "if __name__ == '__main__':\n"
        "    executor = LocalExecutor(1, 10, nothing, print)\n"
        "    executor.submit(long, sys.argv[1]).result()\n"
    )
    marker = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, str(script), str(marker)])
    assert eventually(lambda: marker.exists() and bool(marker.read_text()))
    worker = int(marker.read_text())
    parent.kill()
    parent.wait()
    assert eventually(lambda: is_gone(worker)), "the worker outlived its coordinator"
