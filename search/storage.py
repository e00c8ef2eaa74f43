"""Optuna's storage: where it is, and what happens while its database is away."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from studies.errors import InputError
from studies.secrets import masked, without_credentials

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from sqlalchemy import Engine

VARIABLE = "OPTUNA_STORAGE"
_DATABASES = ("sqlite", "postgresql", "mysql")
_START_SECONDS = 8
"""How long a server that does not answer is asked before the first trial, when somebody is waiting."""
_RETURN_SECONDS = 600.0
"""How long a study waits for a server that it has used: longer than a restart takes."""
_PAUSE_SECONDS = 1.0


class StorageLostError(Exception):
    """The database went away in the middle of a transaction or for too long, or its disk is full; the message says
    which, masked."""


def default_storage(runs_dir: Path) -> str:
    """Return the URL of the storage in the runs folder."""
    return f"sqlite:///{runs_dir.resolve() / 'optuna.db'}"


def resolve(given: str | None, runs_dir: Path) -> str:
    """Return the URL to use: `given`, else `OPTUNA_STORAGE`, else `optuna.db` in `runs_dir`.

    Where `given` is the variable's URL without its credentials, the variable is taken, since it has them.

    Raises:
        InputError: it is not the URL of a database that Optuna can use.
    """
    variable = os.environ.get(VARIABLE) or None
    if variable and (given is None or given == without_credentials(variable)):
        given = variable
    url = given or default_storage(runs_dir)
    scheme, mark, _ = url.partition("://")
    if not mark or scheme.partition("+")[0] not in _DATABASES:
        expected = ", ".join(f"{name}://..." for name in _DATABASES)
        raise InputError(f"`storage` must be the URL of a database ({expected}). Received: {masked(url)!r}.")
    # Optuna would take another driver than the one that comes with the service.
    return url.replace("postgresql://", "postgresql+psycopg://", 1) if scheme == "postgresql" else url


def check(url: str) -> None:
    """Raise if `url` is a server's that cannot be used now; takes at most about 8 s. A file is not looked at.

    Raises:
        InputError: it refuses, does not answer, or its driver is not installed.
    """
    if not url.startswith("sqlite"):
        open_storage(url).engine.dispose()


def open_storage(url: str) -> "RDBStorage":
    """Return Optuna's storage at `url`, its tables made.

    A server that was there and is not any more is waited for: what Optuna asks next takes until it is back.
    From then on a `StorageLostError` says that it did not come back, or went in the middle of a transaction.

    Raises:
        InputError: the database refuses, does not answer, or its driver is not installed.
    """
    from optuna.exceptions import StorageInternalError
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import SQLAlchemyError

    limit = {"connect_timeout": _START_SECONDS} if url.startswith("postgresql") else {}
    try:
        storage = RDBStorage(url, engine_kwargs={"pool_pre_ping": True, "connect_args": limit})
    except ImportError:
        advice = "pip install 'ablation-search[service]'"
        raise InputError(f"`storage` {masked(url)!r} needs a driver that is not installed: {advice}.") from None
    except (SQLAlchemyError, StorageInternalError) as error:
        raise InputError(f"`storage` {masked(url)!r} cannot be used: {_line(error)}") from None
    if url.startswith("sqlite"):
        _write_ahead(storage.engine)
        _say_if_full(storage.engine, url)
    else:
        _wait_for_returns(storage.engine, masked(url))
    return storage


def _write_ahead(engine: "Engine") -> None:
    """Make commits to a file not wait for the disk: a setting has ten, and records and proposals are the truth.

    A killed process loses nothing; after a power cut the file is whole and may lack the last trials, which the next
    start tells it again.
    """
    from sqlalchemy import event
    from sqlalchemy.engine.interfaces import DBAPIConnection

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    engine.dispose()  # The connection that made the tables is from before.


def _say_if_full(engine: "Engine", name: str) -> None:
    """Make a disk without room for the file `name` a lost storage: records are what counts, and they are kept."""
    import sqlite3

    from sqlalchemy import event
    from sqlalchemy.engine import ExceptionContext

    @event.listens_for(engine, "handle_error")
    def lost(context: ExceptionContext) -> None:
        error = context.original_exception
        if isinstance(error, sqlite3.Error) and error.sqlite_errorcode & 0xFF in (
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_IOERR,
        ):
            raise StorageLostError(f"Optuna's storage {name} cannot be written: {_line(error)}")


def _wait_for_returns(engine: "Engine", name: str) -> None:
    """Make new connections wait for a server that is away; a connection is tried before each use."""
    from sqlalchemy import event
    from sqlalchemy.engine import ExceptionContext
    from sqlalchemy.engine.interfaces import DBAPIConnection, Dialect

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Dialect, _: object, args: tuple[str, ...], options: dict[str, object]) -> DBAPIConnection:
        end = time.monotonic() + _RETURN_SECONDS
        while True:
            try:
                return dialect.connect(*args, **options)
            except dialect.loaded_dbapi.OperationalError as error:
                if time.monotonic() > end:
                    raise StorageLostError(f"Optuna's storage {name} is away: {_line(error)}") from None
            time.sleep(_PAUSE_SECONDS)

    @event.listens_for(engine, "handle_error")
    def lost(context: ExceptionContext) -> None:
        if context.is_disconnect and not context.is_pre_ping:
            raise StorageLostError(f"Optuna's storage {name} went away: {_line(context.original_exception)}")


def _line(error: BaseException) -> str:
    """Return the database's own words, in one line, without credentials."""
    words = str(error.__cause__ or error)
    return masked(" ".join(words.split())[:300])
