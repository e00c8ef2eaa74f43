"""What stands before the first trial: a folder of records made what it should be, and what a report needs to know."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from studies.secrets import masked, without_credentials
from studies.spec import RunSpec

if TYPE_CHECKING:
    from search.plan import Plan
    from search.recorded import Recorded
    from search.shelf import ModelShelf
    from tracking.manifest import ModelCard, SearchManifest
    from tracking.record import RecordStore

Say = Callable[[str], None]


def write_manifest(
    folder: Path, plan: "Plan", cards: "Mapping[str, ModelCard]", search: "SearchManifest | None", command: str
) -> None:
    """Write what a study asks, its plan and its models, so that a report needs nothing but the folder.

    Args:
        folder: of the study.
        plan: its trials are those that the manifest lists.
        cards: the model of each arm.
        search: the search that `plan` is, or confirms.
        command: the shell command that runs the study.
    """
    from tracking.manifest import StudyManifest

    StudyManifest(
        spec=public(plan.spec),
        search=search,
        dataset=plan.data.name,
        data_digest=plan.data.digest,
        class_names=plan.data.class_names,
        n_train=plan.data.n_train,
        n_test=plan.data.n_test,
        engine=plan.engine,
        trials=plan.trials,
        models=dict(cards),
        command=masked(command),
    ).write(folder)


def tidy_records(recorded: "Recorded", store: "RecordStore", say: Say) -> None:
    """Set damaged records aside, and take over those that another study finished."""
    for trial in recorded.damaged:
        where = store.set_aside(trial.key)
        say(f"The record of {trial.arm} seed {trial.seed} is damaged: set aside as {where}, trained again.")
    for trial, other in recorded.elsewhere:
        store.adopt(trial.key, other)
    if recorded.elsewhere:
        say(f"{len(recorded.elsewhere)} trials were finished by another study and are taken from there.")


def tidy_checkpoints(store: "RecordStore") -> None:
    """Remove the checkpoints that a killed coordinator left beside the records of their trials."""
    from search.train import checkpoint

    folder = store.folder / checkpoint.FOLDER_NAME
    for key in checkpoint.kept(folder):
        if store.has(key):
            checkpoint.discard(folder, key)


def tidy_models(plan: "Plan", store: "RecordStore", say: Say) -> "ModelShelf":
    """Finish what a killed run left undone with the models, and name those that are lost; return the shelf."""
    from search.shelf import ModelShelf

    shelf = ModelShelf(plan.spec.study, plan.trials, store)
    shelf.tidy()
    if without := shelf.without_model():
        named = ", ".join(f"{trial.arm} seed {trial.seed}" for trial in without[:4])
        more = f" and {len(without) - 4} more" if len(without) > 4 else ""
        say(
            f"Recorded without a model, and not trained again for one: {named}{more}. To have it, remove the "
            f"trial's folder in {store.trials}/."
        )
    return shelf


def public(spec: RunSpec) -> RunSpec:
    """Return `spec` as it may be written down."""
    uri = without_credentials(spec.tracking_uri) if spec.tracking_uri else None
    storage = without_credentials(spec.storage) if spec.storage else None
    return spec.model_copy(update={"tracking_uri": uri, "storage": storage})
