"""The engine for a group: as many members at once as the device has memory for, or one alone."""

from collections.abc import Iterator, Sequence

import jax

from search.train.fused.convolution import Way
from search.train.fused.seat import End, Member
from search.train.fused.training import FusedParts, GroupTraining

_LEAST_MEMORY: tuple[Way, ...] = ("grouped",)


def train_group(members: Sequence[Member], parts: FusedParts) -> Iterator[tuple[int, End]]:
    """Train `members`, which have one signature, together; yield the number of each with how it ended, when it ends.

    What one member does leaves the others alone: a member that is pruned, or whose loss is no longer a number, only
    leaves. What remains moves together when half of the group are gone. A group is as large as the device's memory
    allows; where the device does not say how large that is, one that does not fit is halved. One member alone that
    does not fit takes its convolutions in the way that needs the least.
    """
    waiting = list(enumerate(members))
    size, ways = len(waiting), None
    while waiting:
        group = waiting[:size]
        numbers = [number for number, _ in group]
        try:
            together = GroupTraining([member for _, member in group], parts, ways)
            size = together.fitting()
            if size < len(group):
                del together  # It has the memory that the smaller one needs.
                continue
            for place, end in together.run():
                waiting.remove((numbers[place], members[numbers[place]]))
                yield numbers[place], end
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error) or (len(group) == 1 and ways == _LEAST_MEMORY):
                raise
            ways = _LEAST_MEMORY if len(group) == 1 else ways
            size = (len(group) + 1) // 2  # Who has not left yet begins anew, in smaller company.


def train_alone(member: Member, parts: FusedParts) -> End:
    """Train `member` with nothing mapped and no number lifted out of its optimizer: what any model that JAX can trace
    allows. To the last bits of sums, this is what `train_group` does with it."""
    try:
        [(_, end)] = GroupTraining([member], parts, mapped=False).run()
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        [(_, end)] = GroupTraining([member], parts, _LEAST_MEMORY, mapped=False).run()
    return end
