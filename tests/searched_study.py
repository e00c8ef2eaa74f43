"""A search as it is on disk, or as it was read, with scores that a test gives and nothing trained."""

from collections.abc import Sequence
from pathlib import Path

from stored_trials import cell, stored

from studies.compose import compose
from studies.spec import RunSpec, Scalar
from tracking.manifest import PlannedTrial, SearchManifest, StudyManifest
from tracking.proposals import Parameter, Proposal, ProposalLog
from tracking.record import RecordStore
from tracking.searched import Pruned, Searched, SettingRow, objective_of, write_pruned
from tracking.stats import describe

SPACE = (
    Parameter(name="placement", choices=("none", "after_pooling")),
    Parameter(name="rate", low=0.1, high=0.7, when={"placement": ("after_pooling",)}),
    Parameter(name="learning_rate", low=1e-4, high=0.1, log=True),
    Parameter(name="units", low=0, high=256, step=64, whole=True),
)
SCORES = (0.70, 0.81, None, 0.78, 0.90, 0.86, None, 0.88, 0.91, 0.83, 0.79, 0.92)
"""By setting, in the order of asking; None for one that was pruned."""
Scores = Sequence[float | None]


def spec_of(*overrides: str) -> RunSpec:
    """Return `dropout_search` with `overrides`."""
    return compose(["study=dropout_search", "study.search.pruner=median", *overrides])


def values_of(number: int, space: Sequence[Parameter] = SPACE) -> dict[str, Scalar]:
    """Return the values of setting `number`, from 0: spread over the space, the conditional one where it applies."""
    values: dict[str, Scalar] = {}
    for one in space:
        if not one.is_active(values):
            continue
        share = ((number + 1) * 0.618) % 1.0
        if one.choices:
            values[one.name] = one.choices[number % len(one.choices)]
        elif one.whole:
            values[one.name] = int(one.low or 0) + int(one.step or 1) * int(share * 4)
        else:
            values[one.name] = float(one.low or 0) + share * (float(one.high or 0) - float(one.low or 0))
    return values


def proposal(number: int, space: Sequence[Parameter] = SPACE) -> Proposal:
    """Return the proposal of setting `number`, from 0, whose one trial has a key that says which one it is."""
    arm, values = f"setting-{number + 1:04d}", values_of(number, space)
    return Proposal(number=number, optuna=number, arm=arm, values=values, setting=values, keys=(f"{arm}-1",))


def searched(scores: Scores = SCORES, space: Sequence[Parameter] = SPACE) -> Searched:
    """Return a search that has found `scores`."""
    study = spec_of().study
    rows = tuple(
        SettingRow(
            proposal(number, space),
            "pruned" if score is None else "complete",
            describe([] if score is None else [score]),
            seconds=2.0,
        )
        for number, score in enumerate(scores)
    )
    return Searched(study, objective_of(study), rows, repeated=0)


def write_search_study(runs: Path, scores: Scores = SCORES, confirmed: Sequence[float] = ()) -> RecordStore:
    """Write a search under `runs`, and the records of its confirmation if there are any.

    Args:
        runs: the folder of the studies.
        scores: of the settings.
        confirmed: test accuracies of the best setting on fresh seeds; the control has 0.05 less with each.
    """
    spec = spec_of()
    store = RecordStore(runs / spec.study.name)
    log = ProposalLog(store.folder, "abcd1234")
    for number, score in enumerate(scores):
        one = proposal(number)
        log.add(one)
        if score is None:
            write_pruned(store.folder, Pruned(arm=one.arm, key=one.keys[0], step=2, score=0.3, reason="hopeless"))
        else:
            _write(store, PlannedTrial(key=one.keys[0], arm=one.arm, setting=one.setting, seed=1), score)
    best = max((score or 0.0, f"setting-{number + 1:04d}") for number, score in enumerate(scores))[1]
    planned = [cell(arm, seed) for seed in range(2, 2 + len(confirmed)) for arm in ("original", best)]
    for trial in planned:
        _write(store, trial, confirmed[trial.seed - 2] - 0.05 * (trial.arm == "original"))
    manifest = SearchManifest(spec=spec, space=SPACE, design="abcd1234")
    _manifest(spec, manifest, planned, best).write(store.folder)
    return store


def _write(store: RecordStore, trial: PlannedTrial, score: float) -> None:
    one = stored(trial, score)
    measured = {**one.record.metrics, "validation_accuracy": score}
    object.__setattr__(one, "record", one.record.model_copy(update={"metrics": measured}))
    store.write(one)


def _manifest(spec: RunSpec, search: SearchManifest, planned: Sequence[PlannedTrial], best: str) -> StudyManifest:
    study = spec.study
    if planned:
        fresh = {"kind": "ablation", "search": None, "replicates": len(planned) // 2, "first_seed": 2}
        arms = {"original": {}, best: {"rate": 0.5}}
        study = type(study).model_validate({**study.model_dump(), **fresh, "arms": arms})
    return StudyManifest(
        spec=spec.model_copy(update={"study": study}),
        search=search,
        data_digest="0123456789abcdef" * 4,
        class_names=tuple("0123456789"),
        n_train=1000,
        n_test=8,
        engine="1",
        trials=tuple(planned),
        command="python -m search.run study=dropout_search",
    )
