"""Datasets on their way from the coordinator to the machines that lack them."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress

from distributed import Client

from search.cluster.data_cache import DataMissingError, arrays_of, keep
from search.data.progress import say
from search.data.stored import PreparedData
from studies.errors import InputError

Arrived = Callable[[InputError | None], None]
"""Called when data are there, or with the reason why they will never be."""


class Shipping:
    """What is on its way; each dataset travels once to a place, however many trials wait for it there."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._waiting: dict[tuple[str, str], list[Arrived]] = {}
        self._there: set[tuple[str, str]] = set()
        self._lost: set[str] = set()
        self._lock = threading.Lock()

    def bring(self, data: PreparedData, missing: DataMissingError, arrived: Arrived, is_lost: bool) -> None:
        """Send `data` to where they are missing, unless they are on their way or there by now; returns at once.

        Args:
            data: on the coordinator's disk.
            missing: says where.
            arrived: called from another thread, or at once.
            is_lost: whether they are missing though they were brought.
        """
        parcel = data.digest, missing.place
        with self._lock:
            is_there = parcel in self._there and not is_lost
            waiting = self._waiting.setdefault(parcel, []) if not is_there else []
            waiting.append(arrived)
        if is_there:
            arrived(None)
        elif len(waiting) == 1:
            threading.Thread(target=self._bring, args=(data, missing), name="shipping", daemon=True).start()

    def lost(self, worker: str) -> None:
        """Learn that a Dask worker is gone: nothing more arrives there."""
        self._lost.add(worker)

    def _bring(self, data: PreparedData, missing: DataMissingError) -> None:
        error = None
        parcel = data.digest, missing.place
        try:
            if self._send(data, missing):
                self._there.add(parcel)
        except InputError as problem:
            error = problem
        except Exception as problem:
            error = InputError(f"Dataset {data.name!r} cannot be sent to {missing.place}: {problem}.")
        with self._lock:
            waiting = self._waiting.pop(parcel)
        for arrived in waiting:
            arrived(error)

    def _send(self, data: PreparedData, missing: DataMissingError) -> bool:
        """Return whether `data` arrived; else the worker was lost, and the trials will find another."""
        arrays = arrays_of(data)
        size = sum(array.nbytes for array in arrays.values())
        say(f"Sending {data.name} ({size / 1e6:,.1f} MB) to {missing.place}, once.")
        try:
            [remote] = self._client.scatter([arrays], workers=[missing.worker], hash=False)
            kept = self._client.submit(keep, data, remote, workers=[missing.worker], pure=False)
            while missing.worker not in self._lost:
                with suppress(TimeoutError):
                    kept.result(timeout=1)
                    return True
        except (CancelledError, OSError):
            pass
        return False
