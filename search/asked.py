"""What a search asks of a dataset: the models of its arms, its space, and the name of its proposals."""

import hashlib
from dataclasses import dataclass

from search.beginning import public
from search.data.prepared import PreparedData
from search.models import source_digest
from search.plan import Plan, begin_plan
from search.proposer import check_proposable
from search.space import resolve
from search.workers import Workers
from studies.spec import RunSpec
from tracking.manifest import ModelCard, SearchManifest
from tracking.proposals import Parameter


@dataclass(frozen=True)
class Asked:
    """A search that is known to be sound."""

    plan: Plan
    """Without trials: they are proposed as the search goes."""
    cards: dict[str, ModelCard]
    """The model of each arm."""
    search: SearchManifest


def ask(spec: RunSpec, data: PreparedData, workers: Workers) -> Asked:
    """Return what the search `spec` asks of `data`, having built its models in the workers.

    Raises:
        InputError: a model, a setting or the space is not sound.
    """
    choosing = begin_plan(spec, data)
    cards = workers.describe(choosing)
    space = resolve(workers.declared(choosing), spec.study)
    assert spec.study.search is not None
    check_proposable(space, spec.study.search)
    return Asked(choosing, cards, SearchManifest(spec=public(spec), space=space, design=design_of(choosing, space)))


def design_of(choosing: Plan, space: tuple[Parameter, ...]) -> str:
    """Return a short hash of what a search's proposals and the keys of their trials depend on.

    A search with another one has proposals of its own.
    """
    study = choosing.spec.study
    assert study.search is not None
    said = [
        study.model,
        [one.model_dump_json() for one in space],
        study.search.model_dump_json(include={"sampler", "seed", "pruner", "replicates"}),
        study.model_dump_json(include={"fixed", "data", "training", "metric", "first_seed"}),
        [choosing.data.digest, choosing.engine, source_digest(study.model)],
    ]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:8]
