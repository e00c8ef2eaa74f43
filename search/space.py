"""The space of a search: what the model declares, narrowed, fixed or extended by the study file."""

import math
from collections.abc import Iterator, Mapping, Sequence

from search.models.space import Hyperparameter, Space
from studies.errors import InputError, nearest, unknown
from studies.spec import ParameterSpec, Scalar, Setting, StudySpec
from tracking.proposals import Parameter

_LONGEST_LADDER = 1000
TRAINING = "training."
"""Beginning of the names of what belongs to the training and not to the model, such as `training.batch_size`."""


def resolve(declared: Space, study: StudySpec) -> tuple[Parameter, ...]:
    """Return what the search varies, parents before their children.

    Args:
        declared: what the model declares.
        study: a study of kind `search`; where its space is empty, all that the model declares is varied.

    Raises:
        InputError: a name that does not exist, a value that the model does not allow, or a condition that cannot hold.
    """
    assert study.search is not None
    asked = study.search.space
    by_name = {one.name: one for one in declared}
    names = list(asked) or [name for name, one in by_name.items() if one.kind != "fixed" and name not in study.fixed]
    found = []
    for name in names:
        if name in study.fixed:
            raise InputError(f"`study.search.space.{name}` must not be fixed too. Received: study.fixed.{name}.")
        variants = [one for one in declared if one.name == name]
        if not variants and not name.startswith(TRAINING):
            raise unknown("study.search.space", name, [*by_name, f"{TRAINING}batch_size"])
        given = asked.get(name)
        found.append(_asked(name, given, variants) if given else _declared(name, variants))
    varied = {one.name: one for one in found}
    return tuple(_ordered([_conditioned(one, varied, by_name, study) for one in found]))


def branches(study: StudySpec) -> dict[str, Setting]:
    """Return, by hyperparameter that has conditions in the study file, a setting that fulfils them."""
    assert study.search is not None
    space = study.search.space

    def above(name: str) -> Setting:
        found: Setting = {}
        for parent, values in space[name].when.items() if name in space else ():
            found |= {parent: values[0], **above(parent)}
        return found

    return {name: above(name) for name, given in space.items() if given.when}


def as_asked(study: StudySpec) -> tuple[Parameter, ...]:
    """Return the space as the study file has it, in its order, without asking the model, which may say more or less."""
    assert study.search is not None
    return tuple(_asked(name, given, ()) for name, given in study.search.space.items())


def _declared(name: str, variants: Sequence[Hyperparameter]) -> Parameter:
    """Return a hyperparameter as the model declares it."""
    first = variants[0]
    if any((one.low, one.high, one.choices) != (first.low, first.high, first.choices) for one in variants):
        raise InputError(
            f"`study.search.space.{name}` must be given: the model declares it {len(variants)} times, differently."
        )
    when = {condition.parent: condition.values for condition in first.conditions} if len(variants) == 1 else {}
    if first.choices:
        return Parameter(name=name, choices=first.choices, when=when)
    if first.log and first.step is not None:
        return Parameter(name=name, choices=_ladder(first), when=when)
    return _numbers(name, first, whole=first.kind == "int", when=when)


def _ladder(one: Hyperparameter) -> tuple[Scalar, ...]:
    """Return the values of a range whose step is a ratio, which Optuna does not have: they are choices for it."""
    low, high, ratio = float(one.low or 0), float(one.high or 0), float(one.step or 0)
    count = int(math.log(high / low, ratio) + 1e-8) + 1  # As Keras Tuner counts them.
    if count > _LONGEST_LADDER:
        raise InputError(
            f"`study.search.space.{one.name}` must be given, as low, high and log: the model declares a ratio of "
            f"{one.step} between values, which makes {count:,} of them. At most {_LONGEST_LADDER:,} are choices."
        )
    values = [low * math.pow(ratio, place) for place in range(count)]
    return tuple(int(value) for value in values) if one.kind == "int" else tuple(values)


def _asked(name: str, given: ParameterSpec, variants: Sequence[Hyperparameter]) -> Parameter:
    """Return a hyperparameter as the study file has it, if the model allows all of it."""
    for value in (given.low, given.high) if given.choices is None else given.choices:
        if variants and not any(_allows(one, value) for one in variants):
            raise InputError(
                f"`study.search.space.{name}` must stay within what the model allows: {_range(variants[0])}. "
                f"Received: {value!r}.{nearest(str(value), map(str, variants[0].choices))}"
            )
    if variants and variants[0].choices and given.choices is None:
        raise InputError(
            f"`study.search.space.{name}` must give choices, of {_range(variants[0])}. "
            f"Received: low={given.low}, high={given.high}."
        )
    when = _both(given, variants)
    if given.choices is not None:
        return Parameter(name=name, choices=tuple(given.choices), when=when)
    whole = given.whole and (not variants or variants[0].kind == "int")
    if variants and variants[0].kind == "int" and not given.whole:
        raise InputError(
            f"`study.search.space.{name}` must be a range of whole numbers. "
            f"Received: low={given.low}, high={given.high}."
        )
    return _numbers(name, given, whole=whole, when=when)


def _numbers(
    name: str, given: Hyperparameter | ParameterSpec, *, whole: bool, when: Mapping[str, tuple[Scalar, ...]]
) -> Parameter:
    """Return a range that ends with its last step; Optuna warns of any other."""
    found = Parameter(
        name=name, low=given.low, high=given.high, step=given.step, log=given.log, whole=whole, when=dict(when)
    )
    return found if found.step is None or found.log else found.model_copy(update={"high": found.at(found.steps)})


def _both(given: ParameterSpec, variants: Sequence[Hyperparameter]) -> dict[str, tuple[Scalar, ...]]:
    """Return the conditions of the model and of the study file: both must hold."""
    inherited = variants[0].conditions if len(variants) == 1 else ()
    when: dict[str, tuple[Scalar, ...]] = {condition.parent: condition.values for condition in inherited}
    for parent, values in given.when.items():
        when[parent] = tuple(value for value in values if value in when.get(parent, values))
    return when


def _allows(one: Hyperparameter, value: Scalar | None) -> bool:
    if one.choices:
        return any(value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in one.choices)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or (one.kind == "int" and not isinstance(value, int)):
        return False
    low, high = one.low, one.high
    return (low is None or value >= low) and (high is None or value <= high)  # type: ignore[operator]  # a number, above


def _range(one: Hyperparameter) -> str:
    return ", ".join(map(str, one.choices)) if one.choices else f"{one.low} to {one.high}"


def _conditioned(
    one: Parameter, varied: Mapping[str, Parameter], declared: Mapping[str, Hyperparameter], study: StudySpec
) -> Parameter:
    """Return `one` with the conditions that depend on something varied; the others are settled here."""
    field = f"study.search.space.{one.name}.when"
    when = {}
    for parent, values in one.when.items():
        if parent in varied:
            if not any(_tries(varied[parent], value) for value in values):
                raise InputError(
                    f"`study.search.space.{one.name}` applies only where {parent} is one of {_listed(values)}, which "
                    f"this search never tries. Received: {parent} {_tried(varied[parent])}."
                )
            when[parent] = values
        elif parent in declared:
            stands = study.fixed.get(parent, declared[parent].default)
            if stands not in values:
                raise InputError(
                    f"`study.search.space.{one.name}` applies only where {parent} is one of {_listed(values)}. "
                    f"Received: {parent}={stands!r}, which this search does not vary."
                )
        else:
            raise InputError(f"`{field}` must name hyperparameters. Received: {parent!r}.{nearest(parent, declared)}")
    return one.model_copy(update={"when": when})


def _tries(parent: Parameter, value: Scalar) -> bool:
    """Return whether a search may propose `value`; a fraction is hardly ever met to the last bit."""
    if parent.choices:
        return repr(value) in map(repr, parent.choices)
    if not parent.whole or isinstance(value, str | bool) or parent.low is None or parent.high is None:
        return False
    return parent.low <= value <= parent.high and (value - parent.low) % (parent.step or 1) == 0


def _tried(parent: Parameter) -> str:
    if parent.choices:
        return f"one of {_listed(parent.choices)}"
    step = f" in steps of {parent.step}" if parent.step else ""
    hint = "" if parent.whole else ", which has no choices to depend on"
    return f"any {'whole ' * parent.whole}number from {parent.low} to {parent.high}{step}{hint}"


def _listed(values: Sequence[Scalar]) -> str:
    return ", ".join(map(str, values))


def _ordered(parameters: Sequence[Parameter]) -> Iterator[Parameter]:
    """Yield `parameters` with parents before their children; the schema has refused circles in what the study says."""
    waiting = list(parameters)
    placed: set[str] = set()
    while waiting:
        ready = [one for one in waiting if set(one.when) <= placed]
        if not ready:
            names = _listed([one.name for one in waiting])
            raise InputError(f"`study.search.space` must not have conditions in a circle. Received: {names}.")
        yield from ready
        placed |= {one.name for one in ready}
        waiting = [one for one in waiting if one.name not in placed]
