"""The way to a Dask cluster: one that runs somewhere, or one of our own for the length of a study."""

import logging
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any
from urllib.parse import urlsplit

from distributed import Client
from distributed.deploy import Cluster

from search.cluster.versions import check_versions
from search.data.progress import say
from studies.errors import InputError
from studies.executors import ExecutorSpec, check_address

_SECONDS = 3
"""How long each of three things may take: to reach the address, to be answered by a scheduler, to find a worker."""
_VARIABLE = "DASK_SCHEDULER_ADDRESS"


@dataclass(frozen=True)
class Connection:
    """A cluster whose workers have what the coordinator has."""

    client: Client
    lanes: int
    """How many trials it runs at once."""


@contextmanager
def connected(spec: ExecutorSpec) -> Iterator[Connection]:
    """Connect to the cluster of `spec`, or start it; leave it, or end it, afterwards.

    Raises:
        InputError: nobody answers, nobody works there, versions differ, or no worker offers what a trial takes.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL + 1)  # What concerns the study is said by the executor.
    with _cluster(spec) if spec.cluster else _address(spec) as client:
        field = "executor.cluster" if spec.cluster else "executor.address"
        check_versions(client, field)
        workers = client.scheduler_info(n_workers=-1)["workers"]
        slots = [_slots(worker, spec.resources) for worker in workers.values()]
        if not any(slots):
            offered = sorted({name for worker in workers.values() for name in worker["resources"]})
            raise InputError(
                f"`executor.resources` must be what a worker offers (dask worker --resources NAME=NUMBER). "
                f"Received: {dict(spec.resources)}; offered: {', '.join(offered) or 'none'}."
            )
        # Of a queue's jobs the first is there; the others will be like it.
        expected = max(slots) * (spec.workers or 1) if spec.cluster else min(sum(slots), spec.workers or sum(slots))
        yield Connection(client, expected)


def _slots(worker: Mapping[str, Any], needed: Mapping[str, float]) -> int:
    """Return how many trials a worker runs at once."""
    offered = worker["resources"]
    shares = (int(offered.get(name, 0) / amount + 1e-9) for name, amount in needed.items())
    return min([int(worker["nthreads"]), *shares])


@contextmanager
def _address(spec: ExecutorSpec) -> Iterator[Client]:
    address = spec.address or os.environ.get(_VARIABLE)
    if not address:
        raise InputError(
            f"`executor.address` must be given, such as tcp://127.0.0.1:8786 (or {_VARIABLE}, or `executor.cluster`)."
        )
    try:
        check_address(address)
    except ValueError as error:
        raise InputError(str(error)) from None
    _reach(address)
    with _greeted(address) as client:
        try:
            client.wait_for_workers(1, timeout=_SECONDS)
        except TimeoutError:
            raise InputError(
                f"`executor.address` must have workers. Received: {address!r}, with none. To start one: "
                f"dask worker {address}"
            ) from None
        yield client


def _reach(address: str) -> None:
    """Raise unless something listens at `address`, which Dask itself would try for longer, and say less of."""
    parts = urlsplit(address)
    try:
        socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=_SECONDS).close()
    except socket.gaierror:
        raise _unanswered(address, f"there is no host {parts.hostname!r}") from None
    except TimeoutError:
        raise _unanswered(address, f"no answer within {_SECONDS} s") from None
    except OSError as error:
        raise _unanswered(address, (error.strerror or str(error)).lower()) from None


def _greeted(address: str) -> Client:
    """Return a client of the scheduler at `address`."""
    made: Future[Client] = Future()

    def make() -> None:
        try:
            made.set_result(Client(address, timeout=_SECONDS, set_as_default=False))
        except Exception as error:
            made.set_exception(error)

    # Dask's own limit does not hold for something that accepts the connection and then says nothing.
    threading.Thread(target=make, name="greeting", daemon=True).start()
    try:
        return made.result(_SECONDS)
    except Exception:
        raise _unanswered(address, "something answers there, but no Dask scheduler of this version") from None


def _unanswered(address: str, why: str) -> InputError:
    return InputError(
        f"`executor.address` must be that of a Dask scheduler that runs. Received: {address!r}: {why}.\n"
        f"To start one: dask scheduler --host HOST --port {urlsplit(address).port}; without one: executor=local."
    )


@contextmanager
def _cluster(spec: ExecutorSpec) -> Iterator[Client]:
    kind = _class(str(spec.cluster))
    try:
        cluster = kind(**{"n_workers": spec.workers, **spec.options})
    except (TypeError, ValueError, OSError) as error:
        raise InputError(f"`executor.options` must be what {spec.cluster} takes. It says: {error}.") from None
    with cluster, Client(cluster, set_as_default=False) as client:
        try:
            client.wait_for_workers(1, timeout=_SECONDS)
        except TimeoutError:
            say(f"Waiting for the first worker of {spec.cluster}.")
            client.wait_for_workers(1)
        yield client


def _class(name: str) -> type[Any]:
    module, _, attribute = name.rpartition(".")
    try:
        found = resolve_name(f"{module}:{attribute}")
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"`executor.cluster` must be the class of a Dask cluster that is installed, such as "
            f"dask_jobqueue.SLURMCluster. Received: {name!r} ({error})."
        ) from None
    if not (isinstance(found, type) and issubclass(found, Cluster)):
        raise InputError(f"`executor.cluster` must be the class of a Dask cluster. Received: {name!r}.")
    return found
