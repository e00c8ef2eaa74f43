"""The training of a group: members begin together, are looked at from time to time, and leave one by one."""

import math
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from search.train.checkpoint import Snapshot, write_together
from search.train.fused.convolution import Choice, Way, ways_of
from search.train.fused.group import Examples, State, beginning, members_of, stacked
from search.train.fused.program import EPOCHS_A_CALL, program_for
from search.train.fused.recipe import numbers_of
from search.train.fused.seat import End, Member, Seat
from search.train.result import NotFiniteError, TrialPrunedError, TrialResult
from search.train.stopping import EarlyStopping
from tracking.record import Cost, ExecutionPlan


@dataclass(frozen=True)
class FusedParts:
    """What a group trains on, and what it is measured on after every epoch; the last of these scores the trials."""

    train: Examples
    others: Mapping[str, Examples]

    @property
    def scored(self) -> str:
        """The name of the part whose examples are judged one by one."""
        return list(self.others)[-1]


class GroupTraining:
    """Members on their way together, from the first epoch to the last one's end.

    Args:
        members: of one signature, and as many epochs on their way.
        parts: what all of them see.
        ways: how convolutions may be taken; None: as is likely to be fast here.
        mapped: as `FusedProgram` has it.
    """

    def __init__(
        self,
        members: Sequence[Member],
        parts: FusedParts,
        ways: Sequence[Way] | None = None,
        *,
        mapped: bool = True,
    ) -> None:
        places = sorted({place for member in members for place in member.recipe.skeleton.rates})
        recipe, self._parts = members[0].recipe, parts
        self._classifies = jnp.issubdtype(parts.train.labels.dtype, jnp.integer)
        ways = ways_of(recipe.skeleton.bare) if ways is None else ways
        self._choice = Choice(ways)
        self._programs = {way: program_for(recipe, places, parts.train, way, mapped=mapped) for way in ways}
        self._way = self._choice.fastest
        self._most = 0
        self._states = stacked([_start(member) for member in members])
        self._numbers = stacked([numbers_of(member.recipe, member.seed, places) for member in members])
        self._size = len(members)
        self._seats: list[Seat | None] = [Seat(number, member) for number, member in enumerate(members)]
        for place, seat in self._sitting():
            asked = seat.member.recipe.training.early_stopping
            seat.stopping = None if asked is None else EarlyStopping(asked, _Weights(self, place))
            seat.resume()

    def fitting(self) -> int:
        """Return how many of the members the device has memory for, one at least; all where it does not say."""
        free = free_bytes()
        if free is None:
            return self._size
        return max(1, min(self._size, free * self._size // max(1, self._bytes_taken())))

    def _bytes_taken(self) -> int:
        program = self._programs[self._way]
        return program.bytes_taken(self._states, self._numbers, self._parts.train, self._parts.others)

    def run(self) -> Iterator[tuple[int, End]]:
        """Train; yield the number of each member with how it ended, when it ends."""
        while self._sitting():
            self._train(self._chosen())
            ended = [(seat.number, end) for place, seat in self._sitting() if (end := self._looked_at(place, seat))]
            yield from ended
            yield from self._finished()
            self._save()
            self._move_together()

    def _sitting(self) -> list[tuple[int, Seat]]:
        return [(place, seat) for place, seat in enumerate(self._seats) if seat is not None]

    def _chosen(self) -> int:
        """Choose the way of the next call; return how many epochs it trains."""
        left = [seat.member.recipe.training.epochs - seat.epochs for _, seat in self._sitting()]
        trial = self._choice.trial(max(left))
        self._way = trial or self._choice.fastest
        if trial and (free := free_bytes()) is not None and self._bytes_taken() > free:
            self._choice.note(trial, math.inf, 0.0)
            return self._chosen()
        single = (
            trial or self._choice.is_open or any(seat.member.watched or seat.stopping for _, seat in self._sitting())
        )
        return 1 if single else min(EPOCHS_A_CALL, *left)

    def _train(self, count: int) -> None:
        clock = time.perf_counter()
        program, examples = self._programs[self._way], (self._parts.train, self._parts.others)
        program.compiled(self._states, self._numbers, *examples)
        ready = time.perf_counter()
        first = next(seat.epochs for _, seat in self._sitting())
        self._states, history = program.train(self._states, self._numbers, first, count, *examples)
        found = {name: np.asarray(values, np.float64)[:, :count] for name, values in history.items()}
        over = time.perf_counter()
        self._choice.note(self._way, (over - ready) / count, ready - clock)
        self._most = max(self._most, count)
        sitting = self._sitting()
        for place, seat in sitting:
            seat.seconds += (over - clock) / len(sitting)
            for name, values in found.items():
                if self._classifies or name.endswith("_loss"):
                    seat.history.setdefault(name, []).extend(float(value) for value in values[place])
            seat.fresh = count

    def _looked_at(self, place: int, seat: Seat) -> End | None:
        """Tell who watches the epochs that `seat` has just done; return its end if it has to leave before its time."""
        last = seat.epochs
        for epoch in range(last - seat.fresh + 1, last + 1):
            values = {name: values[epoch - 1] for name, values in seat.history.items()}
            bad = [name for name, value in values.items() if not np.isfinite(value)]
            if bad:
                self._seats[place] = None
                return NotFiniteError(f"{bad[0]} became {values[bad[0]]} in epoch {epoch}")
            if seat.member.on_epoch(epoch, values) and epoch < seat.member.recipe.training.epochs:
                self._seats[place] = None
                return TrialPrunedError(seat.curves, self._cost(seat), seat.started)
        return None

    def _finished(self) -> list[tuple[int, End]]:
        """Return the results of the members that have done all their epochs, or stopped early."""
        done = [(place, seat) for place, seat in self._sitting() if seat.is_over]
        if not done:
            return []
        for _, seat in done:
            if seat.stopping is not None:
                seat.stopping.restore()
        parts = {"train": self._parts.train, **self._parts.others}
        found = {
            name: self._programs[self._way].measure(self._states, self._numbers, part) for name, part in parts.items()
        }
        results: list[tuple[int, End]] = []
        for place, seat in done:
            metrics = {}
            for name, measured in found.items():
                if self._classifies:
                    metrics[f"{name}_accuracy"] = float(measured.accuracy[place])
                metrics[f"{name}_loss"] = float(measured.loss[place])
            if seat.member.keep_model:
                self._put_back(place, seat)
            predicted = np.asarray(found[self._parts.scored].predicted[place])
            results.append((seat.number, self._result(seat, metrics, predicted)))
            self._seats[place] = None
        return results

    def _result(self, seat: Seat, metrics: dict[str, float], predicted: np.ndarray) -> TrialResult:
        scored = self._parts.others[self._parts.scored]
        truth = np.asarray(scored.labels[scored.rows])
        return TrialResult(
            seed=seat.member.seed,
            metrics=metrics,
            history=seat.curves,
            predicted=predicted,
            correct=predicted == truth if self._classifies else None,
            cost=self._cost(seat),
            started=seat.started,
        )

    def _put_back(self, place: int, seat: Seat) -> None:
        """Give the member's own model the weights that it has now."""
        skeleton = seat.member.recipe.skeleton
        own: State = members_of(self._states, [place])
        for variables, values in (
            (skeleton.model.trainable_variables, own.trainable),
            (skeleton.other_variables(), own.other),
        ):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value[0])

    def _cost(self, seat: Seat) -> Cost:
        return Cost(
            seconds=seat.seconds,
            images_per_second=len(self._parts.train.rows) * seat.epochs / seat.seconds,
            peak_memory_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            members=self._size,
            plan=ExecutionPlan(convolution=self._choice.fastest, epochs_per_call=self._most),
        )

    def _save(self) -> None:
        """Leave the states of all together, once one's checkpoint is due."""
        keeping = [(place, seat, seat.member.checkpoint) for place, seat in self._sitting()]
        kept = [(place, seat, checkpoint) for place, seat, checkpoint in keeping if checkpoint is not None]
        if not any(checkpoint.is_due() for _, _, checkpoint in kept):
            return
        leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(self._states)]
        snapshots = []
        for place, seat, checkpoint in kept:
            state = [leaf[place] for leaf in leaves]
            remembered = None if seat.stopping is None else seat.stopping.state
            own = Snapshot(seat.history, state, remembered, seat.seconds, seat.seconds, seat.started)
            snapshots.append((checkpoint, own))
        write_together(snapshots)

    def _move_together(self) -> None:
        """Give up the empty seats, once they are half of all: each costs as much as a taken one."""
        sitting = self._sitting()
        if sitting and 2 * len(sitting) <= len(self._seats):
            places = [place for place, _ in sitting]
            self._states = members_of(self._states, places)
            self._numbers = members_of(self._numbers, places)
            self._seats = [seat for _, seat in sitting]
            for place, (_, seat) in enumerate(sitting):
                if seat.stopping is not None:
                    seat.stopping.moved_to(_Weights(self, place))


@dataclass(frozen=True)
class _Weights:
    """The weights of one member, to be read and put back as those of a Keras model are."""

    group: GroupTraining
    place: int

    def get_weights(self) -> list[Any]:
        state = self.group._states
        return [values[self.place] for values in (*state.trainable, *state.other)]

    def set_weights(self, weights: Sequence[Any]) -> None:
        state = self.group._states
        all_of = [*state.trainable, *state.other]
        put = [values.at[self.place].set(one) for values, one in zip(all_of, weights, strict=True)]
        count = len(state.trainable)
        self.group._states = State(put[:count], put[count:], state.optimizer)


def free_bytes() -> int | None:
    """Return how much memory the device that JAX computes on has left; None where it does not say, as on a CPU."""
    told = jax.devices()[0].memory_stats() or {}
    return int(told["bytes_limit"] - told["bytes_in_use"]) if "bytes_limit" in told else None


def _start(member: Member) -> State:
    """Return the state in which `member` begins, or goes on."""
    fresh = beginning(member.recipe.skeleton)
    if member.resumed is None:
        return fresh
    state: State = jax.tree.unflatten(jax.tree.structure(fresh), [jnp.asarray(one) for one in member.resumed.state])
    return state
