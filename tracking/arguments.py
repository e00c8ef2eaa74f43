"""The arguments `name=value` of a command that reads no configuration."""

from collections.abc import Sequence

from studies.errors import InputError, nearest


def named_values(arguments: Sequence[str], valid: Sequence[str]) -> dict[str, str]:
    """Return the values by name.

    Raises:
        InputError: a name is not one of `valid` or is given twice, or a value is missing.
    """
    given: dict[str, str] = {}
    for argument in arguments:
        name, _, value = argument.partition("=")
        if name in valid and not value:
            raise InputError(f"`{name}` must have a value: {name}=VALUE. Received: {argument!r}.")
        if name not in valid:
            expected = ", ".join(f"`{known}=`" for known in valid)
            raise InputError(f"Arguments are {expected}. Received: {argument!r}.{nearest(name, valid)}")
        if name in given:
            raise InputError(f"`{name}` must be given once. Received: {given[name]!r} and {value!r}.")
        given[name] = value
    return given
