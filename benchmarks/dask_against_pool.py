"""24 trials of digits on two Dask workers against the local pool on the same cores: `dask_against_pool.py [epochs=30]`.

Whole commands, from the start of the coordinator to its end, in turns: `[rounds=1]` of them. The scheduler and the Dask
workers are there before, as in a service; the processes that train are not. What is trained is compared bit by bit.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOME = Path(__file__).parents[1]
TRIALS, ARMS, WORKERS = 24, 4, 2


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Run a scheduler and two workers; yield the scheduler's address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    locally = ("--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")
    worker = ("dask_worker", address, "--nthreads", "1", "--local-directory", str(folder))
    started = [start(folder, "dask_scheduler", "--port", str(port), *locally)]
    started += [start(folder, *worker, *locally) for _ in range(WORKERS)]
    try:
        from distributed import Client

        with Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(WORKERS, timeout=60)
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


def start(folder: Path, command: str, *arguments: str) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{command}", *arguments], cwd=HOME, env=environment, **quiet
    )


def seconds(runs: Path, epochs: str, *executor: str) -> float:
    study = ["study=dropout_ablation", f"study.replicates={TRIALS // ARMS}", f"study.training.epochs={epochs}"]
    begun = time.perf_counter()
    command = [sys.executable, "-m", "search.run", *study, f"runs_dir={runs}", *executor]
    subprocess.run(command, check=True, capture_output=True, cwd=HOME)
    return time.perf_counter() - begun


def trained(runs: Path) -> dict[str, bytes]:
    found = {path.parent.name: path.read_bytes() for path in runs.glob("dropout_ablation/trials/*/history.csv")}
    assert len(found) == TRIALS, f"{len(found)} of {TRIALS} trials have a record"
    return found


def main() -> None:
    given = dict(text.split("=", 1) for text in sys.argv[1:])
    epochs, rounds = given.get("epochs", "30"), int(given.get("rounds", 1))
    pool, dask = [], []
    for number in range(1, rounds + 1):
        with tempfile.TemporaryDirectory() as name, cluster(Path(name)) as address:
            folder = Path(name)
            dask.append(seconds(folder / "dask", epochs, "executor=dask", f"executor.address={address}"))
            on_dask = trained(folder / "dask")
        with tempfile.TemporaryDirectory() as name:
            pool.append(seconds(Path(name), epochs, f"executor.workers={WORKERS}"))
            assert trained(Path(name)) == on_dask, "the two executors trained different numbers"
        print(f"round {number} of {rounds}: Dask {dask[-1]:.1f} s, local pool {pool[-1]:.1f} s", flush=True)
    print(f"Dask takes {min(dask) / min(pool):.2f} times as long (best of {rounds} each; goal 1.1)")


if __name__ == "__main__":
    main()
