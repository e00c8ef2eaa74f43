"""Where MLflow's store is: which address a study uses, and what of it may be written down."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from studies.errors import InputError
from studies.secrets import masked, without_credentials

VARIABLE = "MLFLOW_TRACKING_URI"
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
SERVERS = ("http", "https", "databricks")


@dataclass(frozen=True)
class StoreAddress:
    """The address of one MLflow store."""

    uri: str
    """As given, credentials included: for the connection only."""

    @property
    def public(self) -> str:
        """The address without credentials: for ledgers, tags, logs and command lines."""
        return without_credentials(self.uri)

    @property
    def is_server(self) -> bool:
        """Whether a server keeps the artifacts; beside a bare database we say where they go."""
        return _scheme(self.uri) in SERVERS

    @property
    def file(self) -> Path | None:
        """The database file of a SQLite store."""
        return Path(self.uri.partition("///")[2].partition("?")[0]) if _scheme(self.uri) == "sqlite" else None

    def environment(self) -> dict[str, str]:
        """Return the variables by which a process finds this store without its password on a command line.

        MLflow takes a server's user and password from variables of their own, so that no message of it can
        repeat them; a database's have to stay in the address.
        """
        parts = urlsplit(self.uri) if self.is_server else None
        if parts is None or parts.username is None:
            return {VARIABLE: self.uri}
        return {
            VARIABLE: self.public,
            "MLFLOW_TRACKING_USERNAME": unquote(parts.username),
            "MLFLOW_TRACKING_PASSWORD": unquote(parts.password or ""),
        }


def resolve(given: str | None, runs_dir: Path) -> StoreAddress:
    """Return the store to use: `given`, else `MLFLOW_TRACKING_URI`, else `mlflow.db` in `runs_dir`.

    Where `given` is the variable's address without its credentials, the variable is taken, since it has them.

    Raises:
        InputError: it is not the address of a server or a database.
    """
    variable = os.environ.get(VARIABLE) or None
    if variable and (given is None or given == without_credentials(variable)):
        given = variable
    return check(given or f"sqlite:///{(runs_dir / 'mlflow.db').resolve()}")


def check(uri: str) -> StoreAddress:
    """Return the store at `uri`; a relative SQLite file is made absolute: one name from every folder.

    Raises:
        InputError: it is not the address of a server or a database.
    """
    scheme, path = _scheme(uri), uri.partition("///")[2]
    if scheme == "sqlite" and path and not path.startswith(":memory:"):
        file, mark, query = path.partition("?")
        return StoreAddress(f"{uri.partition(':')[0]}:///{Path(file).resolve()}{mark}{query}")
    if scheme not in (*SERVERS, *DATABASES) or scheme == "sqlite":
        raise InputError(
            "`tracking_uri` must be the address of an MLflow server (http://HOST:PORT) or of a database "
            f"(sqlite:///FILE, postgresql://...). Received: {masked(uri)!r}."
        )
    return StoreAddress(uri)


def _scheme(uri: str) -> str:
    """Return `postgresql` for `postgresql+psycopg2://...`."""
    return uri.partition(":")[0].partition("+")[0] if ":" in uri else uri
