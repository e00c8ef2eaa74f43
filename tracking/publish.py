"""`python -m tracking.publish study=NAME`: deliver to MLflow what it has not been told yet.

The coordinator does the same in the background through `Publisher`, which keeps this command running in a
process of its own: then MLflow's import, its migrations and a server that hangs cost no trial anything.
"""

import contextlib
import logging
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from studies.errors import InputError, unknown
from studies.leaving import leave
from tracking import beside
from tracking.address import resolve
from tracking.arguments import named_values
from tracking.courier import BusyError, Courier
from tracking.delivery_loop import follow, prepare
from tracking.manifest import read_manifest
from tracking.outbox import Outbox

USAGE = """\
Deliver to MLflow what it has not been told yet.

    python -m tracking.publish study=NAME [name=value ...]

    study=NAME         a study that has run
    runs_dir=DIR       the folder with its records (default: runs)
    tracking_uri=URI   MLflow's address (default: the study's, else MLFLOW_TRACKING_URI, else
                       mlflow.db in runs_dir)
    follow=true        go on until standard input is closed (default: false)

What is delivered already is not sent again.
"""
ARGUMENTS = ("study", "runs_dir", "tracking_uri", "follow")
_RESTARTS = 3
_END_SECONDS = 5.0
"""How long a publisher that overran gets to end by itself before it is killed."""


class Publisher:
    """Delivers a study to MLflow in a process of its own, at low priority, while the coordinator goes on."""

    def __init__(self, folder: Path, tracking_uri: str | None) -> None:
        """Start delivering the study in `folder` (`runs/STUDY`).

        Raises:
            InputError: `tracking_uri` is not the address of a server or a database.
        """
        self.folder = folder
        self._address = resolve(tracking_uri, folder.parent)
        self._outbox = Outbox(folder, self._address.uri)
        self._outbox.note_trouble("")  # What an earlier run had to say.
        self._restarts = 0
        self._process = self._start()

    @property
    def address(self) -> str:
        """Where it delivers to, without credentials."""
        return self._address.public

    @property
    def ui_command(self) -> str:
        """What shows the study in MLflow: a command for a database, an address for a server."""
        file = self._address.file
        if file is not None or not self._address.is_server:
            store = self.address if file is None else f"sqlite:///{_near(file)}"
            # Of a virtual environment that is used without being activated, the shell does not find the programs.
            program = "mlflow" if shutil.which("mlflow") else str(_near(Path(sys.executable).with_name("mlflow")))
            return shlex.join([program, "ui", "--backend-store-uri", store])
        experiment = self._outbox.experiment()
        # MLflow opens in the view that it was last used in, of which one calls runs evaluations.
        view = "?workflowType=machine_learning"
        return f"{self.address.rstrip('/')}/#/experiments/{experiment}{view}" if experiment else self.address

    def nudge(self) -> None:
        """Say that there is something new on disk. Never waits."""
        if self._process.poll() is not None and self._restarts < _RESTARTS:
            self._restarts += 1
            self._process = self._start()
        stdin = self._process.stdin
        if stdin is not None and not stdin.closed:
            # A full pipe has nudges enough; a broken one means that the process ended. The disk has it all.
            with contextlib.suppress(OSError):
                os.write(stdin.fileno(), b"\n")

    @property
    def trouble(self) -> str:
        """Why MLflow did not take what it is owed, when it was last tried; empty if it did."""
        return self._outbox.trouble

    def owed(self) -> int:
        """Return how many items are not delivered, from the disk."""
        return len(self._outbox.owed())

    def finish(self, timeout_seconds: float) -> int:
        """Have the rest delivered, but end after `timeout_seconds`; return how many items are still owed."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            try:
                self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        return self.owed()

    def _start(self) -> "subprocess.Popen[bytes]":
        log = self._outbox.home / "publish.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        arguments = (
            f"study={self.folder.name}",
            f"runs_dir={self.folder.parent}",
            f"tracking_uri={self.address}",
        )
        with log.open("ab") as output:
            return beside.start(
                (sys.executable, "-m", "tracking.publish", *arguments, "follow=true"),
                stdout=output,
                stderr=subprocess.STDOUT,
                environment={**os.environ, **self._address.environment()},
            )


def _near(path: Path) -> Path:
    """Return `path` from here, if it is below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def main(argv: Sequence[str]) -> int:
    """Deliver what is owed.

    Returns:
        0 if nothing is owed any more, 1 if something is, 2 for bad input.
    """
    if any(argument in ("-h", "--help") for argument in argv):
        print(USAGE, end="")
        return 0
    try:
        given = _parsed(argv)
        runs_dir = Path(given.get("runs_dir", "runs"))
        manifest = read_manifest(runs_dir, given["study"])
        address = resolve(given.get("tracking_uri", manifest.spec.tracking_uri), runs_dir)
        follows = given.get("follow", "false")
        if follows not in ("true", "false"):
            raise unknown("follow", follows, ("true", "false"))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    courier = Courier(runs_dir / given["study"], address.uri)
    if follows == "true":
        beside.give_way()
        prepare(address, logging.WARNING)
        return 1 if follow(courier, sys.stdin.fileno()) else 0
    prepare(address, logging.ERROR)
    return _deliver_once(courier, given["study"], address.public)


def _deliver_once(courier: Courier, study: str, address: str) -> int:
    try:
        doubt = courier.verify()
        outcome = courier.deliver(wait_seconds=2.0)
    except BusyError as error:
        owed = len(courier.outbox.owed())
        print(f"{error} Owed at this moment: {owed}.", file=sys.stderr)
        return 1 if owed else 0
    if outcome.owed:
        print(
            f"{outcome.delivered} delivered, {outcome.owed} still owed to {address}: {outcome.reason}",
            file=sys.stderr,
        )
        print("Nothing is lost; the same command tries again.", file=sys.stderr)
        return 1
    note = f" (as far as this folder knows; {address} could not be asked: {doubt})" if doubt else ""
    print(f"{outcome.delivered} delivered, nothing is owed to {address} for {study}{note}.")
    return 0


def _parsed(arguments: Sequence[str]) -> dict[str, str]:
    """Return the arguments by name.

    Raises:
        InputError: one is not known, has no value or two, or `study` is missing.
    """
    given = named_values(arguments, ARGUMENTS)
    if "study" not in given:
        raise InputError("`study=NAME` is missing. It must name a study that has run.")
    return given


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
