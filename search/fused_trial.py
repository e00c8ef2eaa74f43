"""The worker's side of a group of trials on JAX: tasks come in, one result after the other goes out."""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from search import progress
from search.data.prepared import PreparedData
from search.train.checkpoint import EVERY_SECONDS
from search.train.inputs import held_out, outputs, seen_shape
from search.train.result import NotFiniteError, TrialPrunedError, TrialResult
from search.trial import Reporter, TrialFailedError, TrialOutcome, TrialTask, checkpoint_of, reason_of, served_of
from studies.errors import InputError
from tracking.provenance import environment

if TYPE_CHECKING:
    from search.train.fused.group import Examples
    from search.train.fused.seat import End, Member
    from search.train.fused.training import FusedParts

Ended = TrialOutcome | Exception
"""What a trial left, or why it left nothing."""


def run_group(
    tasks: Sequence[TrialTask], checkpoint_seconds: float = EVERY_SECONDS
) -> Iterator[tuple[TrialTask, Ended]]:
    """Train `tasks`, all that are one program together, the largest group first; yield each as soon as it has ended.

    Those that have a checkpoint go on from it, together with those that had come as far.
    A group that cannot be one program, because its model does not let itself be mapped, is trained one by one.
    """
    ready: list[tuple[str, TrialTask, Member]] = []
    for task in tasks:
        try:
            member = _member(task, checkpoint_seconds)
            done = 0 if member.resumed is None else member.resumed.epochs
            ready.append((f"{_company(task)} {done} {member.recipe.signature}", task, member))
        except Exception as error:
            yield task, _failure(error)
    ready.sort(key=lambda one: one[0])
    groups = [list(group) for _, group in groupby(ready, key=lambda one: one[0])]
    for group in sorted(groups, key=len, reverse=True):
        yield from _trained([(task, member) for _, task, member in group], checkpoint_seconds)


def _trained(group: "list[tuple[TrialTask, Member]]", checkpoint_seconds: float) -> Iterator[tuple[TrialTask, Ended]]:
    from search.train.fused.engine import train_group

    waiting = dict(enumerate(group))
    try:
        parts = _parts(group[0][0])
        for number, end in train_group([member for _, member in group], parts):
            task, member = waiting.pop(number)
            try:
                ended = _outcome(task, member, end)
            except Exception as error:  # Its model must be kept and cannot be: the others go on.
                ended = _failure(error)
            yield task, ended
    except Exception as error:
        why = reason_of(error)
        if len(group) > 1:
            progress.send(progress.Said(f"Model {group[0][0].model!r} cannot be fused, trained one by one: {why}"))
        for task, _ in waiting.values():
            try:  # What the failed attempt did to the model, another model does not know.
                yield task, _alone(task, checkpoint_seconds)
            except Exception as second:
                yield task, _failure(second)


def run_alone(task: TrialTask, checkpoint_seconds: float = EVERY_SECONDS) -> TrialOutcome:
    """Train `task` in this process, on JAX.

    Raises:
        As `search.trial.run_trial`.
    """
    try:
        ended = _alone(task, checkpoint_seconds)
    except Exception as error:
        raise _failure(error) from None
    if isinstance(ended, TrialOutcome):
        return ended
    raise ended


def train_tasks(tasks: Sequence[TrialTask], checkpoint_seconds: float = EVERY_SECONDS) -> None:
    """Train `tasks`, and send what each left as soon as it has ended."""
    for task, ended in run_group(tasks, checkpoint_seconds):
        if isinstance(ended, TrialOutcome):
            progress.send(progress.TrialEnded(task.key, outcome=ended))
        else:
            progress.send(progress.TrialEnded(task.key, error=ended))


def _alone(task: TrialTask, checkpoint_seconds: float) -> Ended:
    from search.train.fused.engine import train_alone

    member = _member(task, checkpoint_seconds)
    return _outcome(task, member, train_alone(member, _parts(task)))


def _company(task: TrialTask) -> str:
    """Return what must be equal for trials to see the same examples."""
    return f"{task.data.digest} {task.data_spec.model_dump_json()} {task.fold} {task.scored_on}"


def _member(task: TrialTask, checkpoint_seconds: float) -> "Member":
    import jax

    from search.models.hypermodel import HyperModel
    from search.train.fused.group import beginning
    from search.train.fused.precision import built_in
    from search.train.fused.recipe import Recipe
    from search.train.fused.seat import Member
    from search.train.fused.skeleton import skeleton_of

    hypermodel = HyperModel(task.model, seen_shape(task.data, task.training), outputs(task.data))
    model = built_in(task.training.precision, lambda: hypermodel.build(task.setting, task.seed))
    recipe = Recipe(skeleton_of(model), task.training, task.data_spec.range, task.setting)
    held = held_out(task.data, task.data_spec, task.fold)
    report = Reporter(task, task.data.n_train if held is None else len(held.train))
    checkpoint = checkpoint_of(task, report, checkpoint_seconds)
    return Member(
        recipe,
        task.seed,
        report,
        watched=task.watched,
        keep_model=task.keep_model or task.serve_model,
        checkpoint=checkpoint,
        resumed=checkpoint.load(jax.tree.leaves(beginning(recipe.skeleton))) if checkpoint else None,
    )


def _outcome(task: TrialTask, member: "Member", end: "End") -> Ended:
    from search.train.saving import model_bytes

    if not isinstance(end, TrialResult):
        return end if isinstance(end, TrialPrunedError) else _failure(end)
    model = member.recipe.skeleton.model  # With the trained weights, if it is to be kept.
    served, unsaved = served_of(task, model) if task.serve_model else (None, "")
    content = model_bytes(model) if task.keep_model else None
    return TrialOutcome(replace(end, model=content), environment(), served, unsaved)


def _failure(error: Exception) -> Exception:
    if isinstance(error, InputError):
        return error
    if isinstance(error, NotFiniteError):
        return TrialFailedError(str(error), "")
    return TrialFailedError(reason_of(error), "".join(traceback.format_exception(error)))


@lru_cache(maxsize=2)
def _on_device(data: PreparedData, part: Literal["train", "test"]) -> "Examples":
    """Return one part of a dataset where the training runs; those of the last dataset stay there, no others."""
    import jax.numpy as jnp

    from search.train.fused.group import Examples

    images = data.open()
    x, y = (images.x_train, images.y_train) if part == "train" else (images.x_test, images.y_test)
    kind = jnp.float32 if y.dtype.kind == "f" else jnp.int32
    return Examples(jnp.asarray(x), jnp.asarray(y, kind), jnp.arange(len(y), dtype=jnp.int32))


def _parts(task: TrialTask) -> "FusedParts":
    """Return what `task` meets of its dataset; the test set only if it is scored on it."""
    import jax.numpy as jnp

    from search.train.fused.training import FusedParts

    train = _on_device(task.data, "train")
    held = held_out(task.data, task.data_spec, task.fold)
    others: Mapping[str, Examples] = {"test": _on_device(task.data, "test")} if task.scored_on == "test" else {}
    if held is None:
        return FusedParts(train, others)
    rest, validation = (train._replace(rows=jnp.asarray(rows, jnp.int32)) for rows in (held.train, held.validation))
    return FusedParts(rest, {"validation": validation, **others})
