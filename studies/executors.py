"""Where trials run."""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, JsonValue, StrictFloat, StrictInt, model_validator

from studies.declaration import Declaration

Device = Literal["cpu", "gpu"]
_SCHEMES = ("tcp", "tls", "ws", "wss")
"""How one speaks to a Dask scheduler; what `tls` and `wss` need is in Dask's own configuration."""


class ExecutorSpec(Declaration):
    """Where trials run."""

    name: Literal["local", "dask"]
    """`local`: worker processes on this machine. `dask`: the workers of a Dask cluster."""
    workers: StrictInt | None = Field(default=None, ge=1, le=1024)
    """How many trials run at once, one thread each; of `cluster`, how many workers it starts. Null: as many as there
    are cores to run on, or threads of the workers at `address`."""
    fuse: StrictInt | None = Field(default=None, ge=1, le=1024)
    """With `backend=jax`: how many trials at most are trained as one program. Null: on a GPU as many as its memory
    holds, on a CPU one."""
    device: Device | None = None
    """What trials on this machine compute on; a study that asks for a GPU does not begin without one. Null: a GPU, if
    there is one."""
    trials_per_worker: StrictInt = Field(default=100, ge=1)
    """A worker is replaced after this many trials, since Keras keeps some memory of each model it built."""
    address: str | None = None
    """For `dask`: the scheduler, such as tcp://127.0.0.1:8786. Null: `DASK_SCHEDULER_ADDRESS`."""
    cluster: str | None = Field(default=None, pattern=r"^\w+(\.\w+)+$")
    """For `dask`, instead of `address`: a class that starts a cluster for the length of the study, such as
    dask_jobqueue.SLURMCluster, dask_kubernetes.operator.KubeCluster or distributed.LocalCluster."""
    options: dict[str, JsonValue] = Field(default={})
    """For `cluster`: its arguments by name, such as `{cores: 4, memory: 16GB, walltime: "08:00:00"}`."""
    resources: dict[str, Annotated[StrictFloat, Field(gt=0)]] = Field(default={})
    """For `dask`: what each trial takes of what its worker offers, such as `{GPU: 0.25}`."""

    @model_validator(mode="after")
    def _fields_are_of_its_kind(self) -> Self:
        if self.name == "local":
            of_dask = {
                "address": self.address,
                "cluster": self.cluster,
                "options": self.options,
                "resources": self.resources,
            }
            given = next((name for name, value in of_dask.items() if value), None)
            if given:
                raise ValueError(f"`executor.{given}` must be left out of executor=local: executor=dask has it.")
        elif self.device is not None:
            raise ValueError(
                f"`executor.device` must be left out of executor=dask, whose workers have what they have "
                f"(`executor.resources` asks for it). Received: {self.device!r}."
            )
        elif self.cluster is None and self.options:
            raise ValueError(
                f"`executor.options` must be left out without `executor.cluster`. Received: {self.options}."
            )
        elif self.cluster is not None and self.address is not None:
            raise ValueError(
                f"`executor.address` must be left out with `executor.cluster`. Received: {self.address!r} and "
                f"{self.cluster!r}."
            )
        elif self.cluster is not None and self.workers is None:
            raise ValueError("`executor.workers` must be given with `executor.cluster`: how many workers it starts.")
        if self.address is not None:
            check_address(self.address)
        return self


def check_address(address: str) -> None:
    """Raise ValueError unless `address` has the form of that of a Dask scheduler."""
    try:
        parts = urlsplit(address)
        is_whole = bool(parts.scheme in _SCHEMES and parts.hostname and parts.port) and not parts.path.strip("/")
    except ValueError:  # The port is no number, or too large.
        is_whole = False
    if not is_whole:
        raise ValueError(
            f"`executor.address` must be SCHEME://HOST:PORT with one of {', '.join(_SCHEMES)}, such as "
            f"tcp://127.0.0.1:8786. Received: {address!r}."
        )
