"""A real Postgres, as a plain process."""

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import pytest

PASSWORD = "n0t/to@be:seen#anywhere"
"""With what an address may not contain as it is."""
_PLACES = "usr/lib/postgresql/*/bin"
"""Where Debian puts the server's programs, which are not on the path."""


def program(name: str) -> str:
    """Return the path of one of Postgres' programs; skip the test, loudly, if it is not installed."""
    found = shutil.which(name) or next((str(path) for path in Path("/").glob(f"{_PLACES}/{name}")), None)
    if found is None:
        pytest.skip(f"NO POSTGRES ON THIS MACHINE: {name} is missing (apt install postgresql); nothing here was tested")
    return found


class Postgres:
    """A server on 127.0.0.1 that asks for a password; its data are gone with it."""

    def __init__(self, folder: Path, user: str | None) -> None:
        self.folder, self._user = folder, user
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        (self.folder / "password").write_text(PASSWORD)
        arguments = ("--auth=scram-sha-256", "--no-sync", f"--pwfile={self.folder / 'password'}", "--encoding=UTF8")
        command = (program("initdb"), f"--pgdata={self.folder / 'data'}", "--username=optuna", *arguments)
        subprocess.run(command, user=self._user, check=True, capture_output=True, cwd=self.folder)

    def start(self) -> None:
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": "off"}
        command = [program("postgres"), "-D", str(self.folder / "data")]
        command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, user=self._user, stdout=log, stderr=log, cwd=self.folder)
        end = time.monotonic() + 30
        ready = (program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port))
        while subprocess.run(ready, check=False).returncode:
            assert time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """End it as a restart of its container would: connections are cut."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)
            self._process = None

    def url(self, database: str = "postgres", password: str = PASSWORD) -> str:
        return f"postgresql://optuna:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    def database(self, name: str) -> str:
        """Make an empty database; return its address."""
        import psycopg
        from psycopg.sql import SQL, Identifier

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        return self.url(name)
