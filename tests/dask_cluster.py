"""A Dask scheduler and workers as processes of this machine, in a folder that shares nothing with a study's."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from distributed import Client
from small_study import PATIENCE_SECONDS

HOME = Path(__file__).parent
LOCALLY = ("--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Cluster:
    """Its processes; each leads a session of its own, so that all of them end with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.processes = [self._start("dask_scheduler", "--port", str(self.port), "--idle-timeout", "600")]
        self._wait_for_scheduler()

    def add_worker(self, *arguments: str, path: Path = HOME) -> "subprocess.Popen[bytes]":
        """Start a Dask worker, and wait until it is in the cluster; without a nanny its process is the one to kill."""
        given = (self.address, "--nthreads", "1", "--no-nanny", "--death-timeout", "60", *arguments)
        self.processes.append(self._start("dask_worker", *given, path=path))
        _, *workers = (process.poll() is None for process in self.processes)
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(sum(workers), timeout=PATIENCE_SECONDS)
        return self.processes[-1]

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, command: str, *arguments: str, path: Path = HOME) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, "PYTHONPATH": str(path), "XDG_CACHE_HOME": str(self.folder / "cache")}
        with (self.folder / f"{command}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{command}", *LOCALLY, *arguments],
                cwd=self.folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_for_scheduler(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError((self.folder / "dask_scheduler.log").read_text())
