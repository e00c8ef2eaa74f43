"""A search as an in-memory Optuna study, and how much of its scores each parameter decides, by Optuna's measure.

The study is built from the records and the proposals, so that a report does not need Optuna's own storage.
"""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

if TYPE_CHECKING:
    from tracking.proposals import Parameter
    from tracking.searched import Searched, SettingRow

_STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


def distribution(one: "Parameter") -> BaseDistribution:
    """Return what Optuna draws `one` from."""
    if one.choices:
        return CategoricalDistribution(one.choices)
    assert one.low is not None
    assert one.high is not None
    if one.whole:
        step = 1 if one.step is None else int(one.step)
        return IntDistribution(int(one.low), int(one.high), log=one.log, step=step)
    return FloatDistribution(float(one.low), float(one.high), log=one.log, step=one.step)


def study_of(searched: "Searched", space: "Sequence[Parameter]") -> optuna.Study:
    """Return the settings that have ended as an Optuna study: pruned ones are pruned, failed ones failed."""
    distributions = {one.name: distribution(one) for one in space}
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study(direction="maximize" if searched.greatest else "minimize")
        study.add_trials([_trial(row, distributions) for row in searched.rows if row.state in _STATES])
    finally:
        optuna.logging.set_verbosity(verbosity)
    return study


def importances(searched: "Searched", space: "Sequence[Parameter]") -> dict[str, float]:
    """Return each parameter's share of what tells the best tenth of the settings from the others, the greatest first.

    The shares add up to 1. Empty where they say nothing: fewer than two settings have a score, no two differ, or so
    many are equal that the best tenth is all of them.

    Source: PED-ANOVA (Watanabe, Bansal and Hutter, IJCAI 2023), for conditional parameters too (Optuna 5's default).
    """
    scores = [row.score.mean for row in searched.ranked]
    if len(scores) < 2 or len(set(scores)) == 1:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # What it warns of, equal shares and few settings, is said on the page.
        shares = optuna.importance.get_param_importances(study_of(searched, space))
    values = list(shares.values())
    alike = len(values) > 1 and max(values) - min(values) < 1e-12
    return {} if alike else shares


def _trial(row: "SettingRow", distributions: dict[str, BaseDistribution]) -> FrozenTrial:
    return optuna.trial.create_trial(
        state=_STATES[row.state],
        params=dict(row.values),
        distributions={name: distributions[name] for name in row.values},
        value=row.score.mean if row.state == "complete" else None,
        user_attrs={"arm": row.arm},
    )
