"""The end of a search: an ablation of its best settings against the control, on seeds that no choice has seen."""

from collections.abc import Mapping, Sequence

from search.candidate import nested
from studies.arms import ArmSpec
from studies.spec import RunSpec, Scalar, StudySpec
from tracking.proposals import Proposal


def confirmation(spec: RunSpec, ranked: Sequence[Proposal]) -> RunSpec:
    """Return the run that confirms a search.

    Args:
        spec: the search.
        ranked: its proposals, the best first. Those that are an arm of the study already are passed over.
    """
    study = spec.study
    assert study.search is not None
    arms: dict[str, ArmSpec] = dict(study.arms)
    for proposal in ranked:
        if len(arms) == len(study.arms) + study.search.confirm.settings:
            break
        arm = _arm(proposal)
        if not any(_same(study, other, arm) for other in study.arms.values()):
            arms[proposal.arm] = arm
    validation = study.data.validation
    if validation is not None and validation.folds is not None:
        validation = None  # Folds have taken their turns; the confirmation trains on all of the training set.
    fresh = {
        "kind": "ablation",
        "search": None,
        "base": None,
        "arms": {name: arm.model_dump(exclude_unset=True) for name, arm in arms.items()},
        "replicates": study.search.confirm.replicates,
        "first_seed": study.first_seed + study.search.replicates,
        "data": study.data.model_copy(update={"validation": validation}).model_dump(),
    }
    confirming = StudySpec.model_validate({**study.model_dump(), **fresh})
    return spec.model_copy(update={"study": confirming})


def _arm(proposal: Proposal) -> ArmSpec:
    given: Mapping[str, object] = {**proposal.setting}
    if proposal.training:
        given = {**given, "training": nested(proposal.training)}
    return ArmSpec.model_validate(given)


def _same(study: StudySpec, arm: ArmSpec, other: ArmSpec) -> bool:
    """Return whether two arms train the same, what the study fixes included."""
    settings = [_repr({**study.fixed, **one.values}) for one in (arm, other)]
    return settings[0] == settings[1] and arm.training == other.training and arm.model == other.model


def _repr(setting: Mapping[str, Scalar]) -> str:
    return repr(sorted(setting.items()))
