"""Every setting of a space, and how many of them a search tries."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from studies.errors import InputError
from studies.spec import Scalar, SearchSpec, Setting
from tracking.proposals import Parameter

_LARGEST_GRID = 100_000


def most_settings(search: SearchSpec, space: Sequence[Parameter]) -> int:
    """Return how many settings `search` tries at most: as many as were asked for, or as the space has."""
    try:
        return sum(1 for _ in itertools.islice(_cells(space), search.settings))
    except InputError:  # A range without a step: there is no end of them.
        return search.settings


def grid(space: Sequence[Parameter]) -> list[Setting]:
    """Return every setting of a discrete space, in order.

    Raises:
        InputError: it has a range without a step, or is too large to try all of it.
    """
    cells = list(itertools.islice(_cells(space), _LARGEST_GRID + 1))
    if len(cells) > _LARGEST_GRID:
        raise InputError(
            f"`study.search.sampler` grid takes at most {_LARGEST_GRID:,} settings. "
            "Received: a space with more; random samples it."
        )
    return cells


def _cells(space: Sequence[Parameter], cell: Mapping[str, Scalar] = MappingProxyType({})) -> Iterator[Setting]:
    """Yield every setting of a discrete space, in order; `cell` is what is chosen already."""
    if not space:
        yield dict(cell)
        return
    first, *others = space
    for value in _values(first) if first.is_active(cell) else ():
        yield from _cells(others, {**cell, first.name: value})
    if not first.is_active(cell):
        yield from _cells(others, cell)


def _values(one: Parameter) -> Sequence[Scalar]:
    if one.choices:
        return one.choices
    assert one.low is not None
    assert one.high is not None
    if (one.step is None and not one.whole) or one.log:
        raise InputError(
            f"`study.search.space.{one.name}` must have choices or a step for the sampler grid. "
            f"Received: any number from {one.low} to {one.high}."
        )
    count = one.steps + 1
    if count > _LARGEST_GRID:
        raise InputError(
            f"`study.search.space.{one.name}` must have at most {_LARGEST_GRID:,} values for a grid. "
            f"Received: {count:,}."
        )
    return [one.at(place) for place in range(count)]
