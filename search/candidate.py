"""A setting of a search on its way to a score: which trials it takes, and what has come of them."""

from dataclasses import dataclass, field
from statistics import fmean

from search.plan import Recipe
from studies.arms import merged
from studies.spec import Setting, StudySpec
from tracking.manifest import PlannedTrial
from tracking.proposals import Proposal


@dataclass(eq=False)
class Candidate:
    """A setting that is being judged, or has been."""

    proposal: Proposal
    recipe: Recipe
    trials: tuple[PlannedTrial, ...]
    asked: list[int]
    """Optuna's trials that proposed it: the first, and its repetitions."""
    scores: dict[str, float] = field(default_factory=dict)
    """By key, of the finished trials."""
    failed: set[str] = field(default_factory=set)
    pruned: bool = False

    @property
    def is_judged(self) -> bool:
        """Whether no trial of it is still to come."""
        return self.pruned or len(self.scores) + len(self.failed) == len(self.trials)

    @property
    def score(self) -> float | None:
        """The mean over its trials; None if one is missing."""
        complete = len(self.scores) == len(self.trials) and not self.pruned
        return fmean(self.scores[trial.key] for trial in self.trials) if complete else None


def cells(study: StudySpec) -> tuple[tuple[int, int | None], ...]:
    """Return seed and fold of each trial that one setting of a search takes."""
    assert study.search is not None
    folds = study.data.validation.folds if study.data.validation else None
    seeds = range(study.first_seed, study.first_seed + study.search.replicates)
    return tuple((seed, fold) for seed in seeds for fold in (range(folds) if folds else [None]))


def identity(setting: Setting, training: Setting) -> str:
    """Return what two proposals share if they would train the same."""
    return repr((sorted(setting.items()), sorted(training.items())))


def nested(flat: Setting) -> dict[str, object]:
    """Return `{"augmentation.crop": 28}` as `{"augmentation": {"crop": 28}}`."""
    tree: dict[str, object] = {}
    for name, value in flat.items():
        first, _, rest = name.partition(".")
        tree = merged(tree, {first: nested({rest: value}) if rest else value})
    return tree
