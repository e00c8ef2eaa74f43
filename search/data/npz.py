"""Reading an npz file that nobody vouches for: nothing in it is unpickled, and no claim in it is believed."""

import math
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from search.data.check import OPTIONAL, REQUIRED
from studies.errors import InputError, nearest

# Deflate cannot do better; an entry that claims to is damaged or made to exhaust memory.
_MOST_COMPRESSED = 1032
_PICKLED = "Pickled arrays are never loaded, since loading one can run any code: save it as numbers or text."


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of `REQUIRED` and `OPTIONAL` in `path`, by name, read-only; others are not read.

    Raises:
        InputError: it is not a whole npz file, lacks a required array, or holds one that cannot be read.
    """
    try:
        archive = zipfile.ZipFile(path)
    except PermissionError:
        raise InputError(f"{path} cannot be read: permission denied.") from None
    except Exception:
        raise InputError(f"{path} must be a whole npz file. Received: {_kind(path)}.") from None
    with archive:
        entries = {_shown(info.filename.removesuffix(".npy")): info for info in archive.infolist()}
        _check_names(path, list(entries))
        wanted = [name for name in (*REQUIRED, *OPTIONAL) if name in entries]
        return {name: _read_entry(archive, entries[name], f"`{name}` in {path}") for name in wanted}


def _shown(name: str) -> str:
    """Return `name` so that it does nothing to a terminal; the names that we know stay as they are."""
    return name.encode("unicode_escape").decode()[:60]


def _check_names(path: Path, names: Sequence[str]) -> None:
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        held = ", ".join(sorted(names)[:12]) or "nothing"
        spare = [name for name in names if name not in (*REQUIRED, *OPTIONAL)]
        raise InputError(
            f"{path} must hold {', '.join(REQUIRED)}. Missing: {', '.join(missing)}. It holds: {held}."
            f"{nearest(missing[0], spare)}"
        )


def _kind(path: Path) -> str:
    """Say what the file that is no npz looks like."""
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"\x93NUMPY"):
        return "a single array (npy); save all of them with numpy.savez"
    if start.startswith(b"\x80"):
        return f"a pickle. {_PICKLED.removesuffix('.')}"
    if start.startswith(b"PK"):
        return f"a zip file that is cut short or damaged ({path.stat().st_size:,} bytes)"
    return f"something that is no zip file ({path.stat().st_size:,} bytes)"


def _read_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, field: str) -> np.ndarray:
    try:
        return _parse_entry(archive, info, field)
    except InputError:
        raise
    except Exception as error:
        # The parsers of zip, deflate and npy raise a dozen types, SyntaxError and struct.error among them.
        reason = (str(error).splitlines() or [""])[0][:120] or type(error).__name__
        raise InputError(f"{field} cannot be read; the file is damaged ({reason}).") from None


def _parse_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, field: str) -> np.ndarray:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(f"{field} is compressed in a way that NumPy does not write; save it with numpy.savez.")
    if info.file_size > _MOST_COMPRESSED * info.compress_size + 1024:
        raise ValueError(f"{info.compress_size:,} bytes cannot hold {info.file_size:,}")
    with archive.open(info) as file:
        major, minor = np.lib.format.read_magic(file)
        if (major, minor) == (1, 0):
            shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
        elif (major, minor) == (2, 0):
            shape, is_fortran, dtype = np.lib.format.read_array_header_2_0(file)
        else:  # 3.0 differs in field names only, which no array of ours has.
            raise ValueError(f"npy version {major}.{minor}")
        if dtype.hasobject:
            raise InputError(f"{field} is a pickled array of Python objects. {_PICKLED}")
        claimed, held = math.prod(shape) * dtype.itemsize, info.file_size - file.tell()
        if min(shape, default=0) < 0 or claimed != held:
            raise ValueError(f"it claims the shape {shape}, {claimed:,} bytes, and holds {held:,}")
        content = file.read()  # to the end, where zipfile compares the checksum
    return np.ndarray(shape, dtype, buffer=content, order="F" if is_fortran else "C")
