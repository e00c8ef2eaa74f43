"""MLflow, and the only module that imports it: finds or makes runs; filling one twice is as good as once.

Params and tags are set to the same values, MLflow drops a metric's point that it has, artifacts are
overwritten, and a child run is looked for by its key before one is made. Nobody else writes to a study's run while
`tracking.courier` holds the study's lock, so what was found once is remembered.
"""

import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from tracking.address import VARIABLE, StoreAddress
from tracking.run_content import DatasetUse, RunContent

PAGE = 500
BRIEFS = "briefs"
"""The experiment of the morning briefs."""
_PARENT = "mlflow.parentRunId"
_EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}
"""Without it MLflow's pages take an experiment for one of generative models until somebody says otherwise."""


@dataclass(frozen=True)
class ChildRun:
    """A trial's run that is in MLflow."""

    run_id: str
    status: str
    record: str
    """Which training of the key it shows; empty for a failed one."""


@dataclass(frozen=True)
class StudyRun:
    """A study's run that is in MLflow."""

    run_id: str
    experiment_id: str
    children: dict[str, ChildRun] = field(default_factory=dict)
    """By key."""


class ExperimentDeletedError(Exception):
    """The study's experiment is in MLflow's bin."""


class MlflowStore:
    """One MLflow store."""

    def __init__(self, address: StoreAddress, artifacts: Path) -> None:
        """Connect to the store at `address`, made if it is a file that is not there.

        A server's user and password are read from the variables of `address.environment()`, which the process
        must have. `artifacts` is where a bare database's artifacts go; a server knows its own place.

        Raises:
            MlflowException: it does not answer, or refuses.
        """
        self.artifacts = None if address.is_server else artifacts.resolve()
        if address.file is not None:
            _make_database(address.file)
        self.client = MlflowClient(address.environment()[VARIABLE])

    def has(self, run_id: str) -> bool:
        """Return whether the run is there, and not in the bin."""
        try:
            return bool(self.client.get_run(run_id).info.lifecycle_stage == "active")
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise

    def open_study(self, content: RunContent) -> StudyRun:
        """Return the study's run that `content` describes, found by its folder's tag or made, with its trials'.

        Raises:
            ExperimentDeletedError: the study's experiment is in the bin.
        """
        experiment_id = self._experiment(content.name)
        query = f"tags.folder = '{content.tags['folder']}'"
        found = self.client.search_runs([experiment_id], query, max_results=1, order_by=["attributes.start_time ASC"])
        if found:
            run_id = found[0].info.run_id
            return StudyRun(run_id, experiment_id, self._children(experiment_id, run_id))
        return StudyRun(self._create(experiment_id, content, {}), experiment_id)

    def put_study(self, study: StudyRun, content: RunContent, files: Path) -> None:
        """Set the study's own run to `content`; `files` are added to its artifacts."""
        self._fill(study.run_id, content, files, with_tags=True)
        if content.status == "RUNNING":
            self.client.update_run(study.run_id, status=content.status)
        else:
            self.client.set_terminated(study.run_id, content.status, content.ended)

    def put_trial(self, study: StudyRun, content: RunContent, files: Path) -> str:
        """Set the child run of the key in `content`'s tags to `content`; return its id."""
        key, record = content.tags["key"], content.tags.get("record", "")
        child = study.children.get(key)
        if child and child.record != record:
            # It failed before, or its record was damaged: metrics and params cannot be taken back, a run can.
            self.client.delete_run(child.run_id)
            child = None
        run_id = child.run_id if child else self._create(study.experiment_id, content, {_PARENT: study.run_id})
        study.children[key] = ChildRun(run_id, "RUNNING", record)
        self._fill(run_id, content, files, with_tags=child is not None)
        self.client.set_terminated(run_id, content.status, content.ended)
        study.children[key] = ChildRun(run_id, content.status, record)
        return run_id

    def put_brief(self, content: RunContent, files: Path) -> None:
        """Make the run of the experiment `BRIEFS` that has the name of `content` show it; `files` are its artifacts."""
        experiment_id = self._experiment(BRIEFS)
        query = f"attributes.run_name = '{content.name}'"
        found = self.client.search_runs([experiment_id], query, max_results=1)
        run_id = found[0].info.run_id if found else self._create(experiment_id, content, {})
        self._fill(run_id, content, files, with_tags=bool(found))
        self.client.set_terminated(run_id, content.status, content.ended)

    def briefs(self) -> set[str]:
        """Return the names of the last briefs that are there."""
        runs = self.client.search_runs([self._experiment(BRIEFS)], max_results=PAGE)
        return {str(run.info.run_name) for run in runs}

    def _experiment(self, name: str) -> str:
        experiment = self.client.get_experiment_by_name(name)
        if experiment is None:
            place = (self.artifacts / name).as_uri() if self.artifacts else None
            return str(self.client.create_experiment(name, artifact_location=place, tags=_EXPERIMENT_TAGS))
        if experiment.lifecycle_stage != "active":
            raise ExperimentDeletedError(
                f"MLflow's experiment {name!r} was deleted. To see the study there again: "
                f"mlflow experiments restore --experiment-id {experiment.experiment_id}"
            )
        return str(experiment.experiment_id)

    def _create(self, experiment_id: str, content: RunContent, more_tags: dict[str, str]) -> str:
        tags = {**content.tags, **more_tags}
        run = self.client.create_run(experiment_id, content.started, tags, content.name)
        return str(run.info.run_id)

    def _fill(self, run_id: str, content: RunContent, files: Path, *, with_tags: bool) -> None:
        metrics = [Metric(point.name, point.value, point.milliseconds, point.step) for point in content.points]
        params = [Param(name, value) for name, value in content.params.items()]
        tags = [RunTag(name, value) for name, value in content.tags.items()] if with_tags else []
        self.client.log_batch(run_id, metrics, params, tags)  # The client cuts it to what one batch may hold.
        if content.dataset:
            self.client.log_inputs(run_id, [_input(content.dataset)])
        self.client.log_artifacts(run_id, str(files))

    def _children(self, experiment_id: str, parent: str) -> dict[str, ChildRun]:
        """Return the trials' runs by key; of two with one key, left by a lost answer, one goes to the bin."""
        query, token = f"tags.`{_PARENT}` = '{parent}'", None
        children: list[tuple[str, ChildRun]] = []
        while True:
            page = self.client.search_runs([experiment_id], query, max_results=PAGE, page_token=token)
            for run in page:
                child = ChildRun(run.info.run_id, run.info.status, run.data.tags.get("record", ""))
                children.append((run.data.tags.get("key", ""), child))
            token = page.token
            if not token:
                break
        found: dict[str, ChildRun] = {}
        for key, child in sorted(children, key=lambda entry: entry[1].status == "RUNNING"):
            if key and found.setdefault(key, child) is not child:
                self.client.delete_run(child.run_id)
        return found


def _input(dataset: DatasetUse) -> DatasetInput:
    entity = Dataset(dataset.name, dataset.digest, "local", dataset.source, profile=dataset.profile)
    return DatasetInput(entity, [InputTag("mlflow.data.context", "training")])


def _make_database(file: Path) -> None:
    """Make MLflow's database if there is none, so that it is whole or absent.

    Two processes that make one at once break it, and so does a kill in the middle of its hundred migrations.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_name(f".{file.name}.lock")):
        if file.is_file():
            return
        for leftover in file.parent.glob(f".{file.name}.draft-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=f".{file.name}.draft-", dir=file.parent) as scratch:
            draft, copy = Path(scratch) / "draft.db", Path(scratch) / "copy.db"
            MlflowClient(f"sqlite:///{draft}").search_experiments(max_results=1)
            # MLflow keeps its connection to the draft; the copy is nobody's, with no journal beside it.
            with closing(sqlite3.connect(draft)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
            copy.rename(file)
