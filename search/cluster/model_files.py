"""A model of the user's own on its way to workers that have never heard of it.

A module travels as one file, a package as all its `*.py`. What they import besides has to be installed on the workers,
and so has a model that is itself installed: it is only compared.
"""

import importlib.util
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from search.models import locate, source_digest
from search.trial import TrialTask
from studies.errors import InputError
from tracking import atomic


@dataclass(frozen=True)
class ModelFiles:
    """The source of a model that is not built in."""

    model: str
    digest: str
    """Of `search.models.source_digest`."""
    files: tuple[tuple[str, bytes], ...]
    """Path relative to a folder of `sys.path`, and content; none of a model that is installed."""


def model_of(*arguments: object) -> str | None:
    """Return the model of the user's own that a call with `arguments` builds."""
    first = arguments[0] if arguments else None
    model = first.model if isinstance(first, TrialTask) else first
    return model if isinstance(model, str) and ":" in model else None


def model_files(model: str) -> ModelFiles:
    """Return the files that define `model`, as they are now.

    Raises:
        InputError: its module cannot be found.
    """
    digest = source_digest(model)
    spec = importlib.util.find_spec(locate(model)[0].partition(".")[0])
    assert spec is not None  # `source_digest` has found it.
    if spec.submodule_search_locations:
        roots = [Path(folder) for folder in spec.submodule_search_locations]
        paths = [(root.parent, path) for root in roots for path in sorted(root.rglob("*.py"))]
    else:
        assert spec.origin is not None
        paths = [(Path(spec.origin).parent, Path(spec.origin))]
    travelling = [(home, path) for home, path in paths if not _is_installed(path)]
    return ModelFiles(
        model, digest, tuple((path.relative_to(home).as_posix(), path.read_bytes()) for home, path in travelling)
    )


def unpack(model: ModelFiles, folder: Path, who: str) -> None:
    """Make `model` importable for a process that has `folder` first in its `sys.path`.

    Raises:
        InputError: it should be installed here, and is not, or is another.
    """
    for name, content in model.files:
        if not (folder / name).exists():
            atomic.write_bytes(folder / name, content)
    if not model.files:
        _check_installed(model, who)


def _check_installed(model: ModelFiles, who: str) -> None:
    remedy = "Install it there, or keep it in the folder where the study is started: then it travels."
    try:
        digest = source_digest(model.model)
    except InputError:
        raise InputError(f"`study.model` {model.model!r} is not installed on {who}. {remedy}") from None
    if digest != model.digest:
        raise InputError(f"`study.model` {model.model!r} is another on {who} than on the coordinator. {remedy}")


def _is_installed(path: Path) -> bool:
    homes = {Path(sysconfig.get_paths()[name]).resolve() for name in ("purelib", "platlib", "stdlib")}
    return any(path.resolve().is_relative_to(home) for home in homes)
