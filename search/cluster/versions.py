"""Whether everybody in a cluster has what the coordinator has: else the same key would mean other numbers."""

import hashlib
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studies.errors import InputError

if TYPE_CHECKING:
    from distributed import Client

_ARITHMETIC = ("tensorflow", "keras", "keras-tuner", "numpy")
_TRANSPORT = ("python", "dask", "distributed")
_PACKAGES = ("search", "studies", "tracking")


def check_versions(client: "Client", field: str) -> None:
    """Compare coordinator, scheduler and every worker: packages first, since the rest depends on them.

    Args:
        client: connected.
        field: what the user gave to name the cluster, such as `executor.address`.

    Raises:
        InputError: naming the first difference: the package, both versions, and whose they are.
    """
    found = client.get_versions(packages=[*_ARITHMETIC, *_TRANSPORT])
    ours = found["client"]["packages"]
    _compare(field, ours, "the scheduler", found["scheduler"]["packages"], _TRANSPORT)
    for address, one in sorted(found["workers"].items()):
        _compare(field, ours, f"worker {address}", one["packages"], _TRANSPORT + _ARITHMETIC)
    _check_source(client, field)


def check_same_source(expected: str, who: str) -> None:
    """Raise InputError unless this process would run the source whose digest is `expected`, on the same packages."""
    if package_digest() != expected:
        name = f"this package (ablation-search), or one of {', '.join(_ARITHMETIC)},"
        raise InputError(_difference(name, expected[:12], package_digest()[:12], who))


def package_digest() -> str:
    """Return the SHA-256 (hex) of what a worker's next process runs: this package's source on disk, and versions."""
    home = Path(__file__).parents[2]
    sha = hashlib.sha256("\n".join(f"{name} {version(name)}" for name in _ARITHMETIC).encode())
    for path in sorted(path for name in _PACKAGES for path in (home / name).rglob("*.py")):
        sha.update(f"{path.relative_to(home).as_posix()}\n".encode())
        sha.update(path.read_bytes())
    return sha.hexdigest()


def _compare(field: str, ours: Mapping[str, Any], who: str, theirs: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        here, there = _shown(name, ours.get(name)), _shown(name, theirs.get(name))
        if here != there:
            raise InputError(f"`{field}`: {_difference(name, here, there, who)}")


def _difference(name: str, here: str, there: str, who: str) -> str:
    return (
        f"{name} must be the same on the coordinator and on every worker. "
        f"Received: {here} on the coordinator, {there} on {who}."
    )


def _shown(name: str, found: str | None) -> str:
    if found is None:
        return "none"
    # Releases of one minor version of Python neither compute nor pickle differently.
    return ".".join(found.split(".")[:2]) if name == "python" else found


def _check_source(client: "Client", field: str) -> None:
    ours = package_digest()
    run = {"the scheduler": client.run_on_scheduler}
    for address in client.scheduler_info(n_workers=-1)["workers"]:
        run[f"worker {address}"] = partial(client.run, workers=[address])
    for who, call in run.items():
        try:
            answer = call(package_digest)
        except ImportError as error:
            raise InputError(
                f"`{field}`: this package (ablation-search) must be installed on the scheduler and on every worker. "
                f"Received: {error} on {who}."
            ) from None
        theirs = answer if isinstance(answer, str) else next(iter(answer.values()))
        if theirs != ours:
            text = _difference("this package (ablation-search)", f"source {ours[:12]}", f"source {theirs[:12]}", who)
            raise InputError(f"`{field}`: {text}")
