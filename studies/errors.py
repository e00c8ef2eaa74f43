"""The one exception that a user is meant to read."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Something that the user gave cannot be used.

    The message is one or two lines: the field, what was expected, what was received, the nearest valid name.
    Commands print it without a traceback and exit with code 2; nothing has been written when it is raised.
    """


def nearest(received: object, valid: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` for the valid name closest to `received`, or an empty string if none is close."""
    name, names = str(received), list(valid)
    swapped = [other for other in names if sorted(other) == sorted(name)]  # difflib is poor at swapped letters
    matches = swapped or difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f" Did you mean {matches[0]!r}?" if matches else ""


def unknown(field: str, received: object, valid: Iterable[str]) -> InputError:
    """Return the error for a name that is not one of `valid`."""
    names = sorted(valid)
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    return InputError(f"`{field}` must be one of: {shown}. Received: {received!r}.{nearest(received, names)}")
