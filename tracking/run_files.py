"""The files that a run in MLflow carries: the record, its history, and pictures of them."""

import hashlib
import logging
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from studies.secrets import masked
from tracking import atomic
from tracking.html.watch import without_reload
from tracking.manifest import FILE_NAME, ModelCard, StudyManifest
from tracking.outbox import report_files
from tracking.record import Failure, StoredTrial
from tracking.run_content import TAG_LIMIT

_IMAGE_LINE = re.compile(r"^\s*(!\[.*\]\(.*\)|<img .*>)\s*$")
_LOGGER = logging.getLogger(__name__)


def put_trial_files(source: Path, trial: StoredTrial, manifest: StudyManifest, pictures: Path, target: Path) -> None:
    """Fill `target` with what the run of `trial` carries.

    Args:
        source: The trial's folder of records.
        trial: What was read from it.
        manifest: The study's, for the model of the trial's arm.
        pictures: A folder that keeps the drawn models: one is drawn once and used for all trials of its arm.
        target: An empty folder.
    """
    text = masked((source / "record.json").read_text(encoding="utf-8"))
    (target / "record.json").write_text(text, encoding="utf-8")
    shutil.copyfile(source / "history.csv", target / "history.csv")
    name = f"{trial.record.arm}, seed {trial.record.seed}"
    _drawn(target / "curves.png", lambda: _curves(trial, name))
    if card := manifest.models.get(trial.record.arm):
        (target / "model_summary.txt").write_text(card.summary, encoding="utf-8")
        content = f"{trial.record.arm} {card.model_dump_json()}".encode()
        graph = pictures / f"{hashlib.sha256(content).hexdigest()[:16]}.png"
        if graph.is_file() or _drawn(graph, lambda: _graph(card, trial.record.arm)):
            shutil.copyfile(graph, target / "model_graph.png")


def put_failure_files(failure: Failure, target: Path) -> None:
    """Fill `target` with what the run of a failed trial carries: the traceback too."""
    (target / "failure.json").write_text(masked(failure.model_dump_json(indent=1)), encoding="utf-8")


def put_study_files(folder: Path, target: Path) -> None:
    """Fill `target` with what the study's run carries from the start: the manifest, without credentials."""
    text = masked((folder / FILE_NAME).read_text(encoding="utf-8"))
    (target / FILE_NAME).write_text(text, encoding="utf-8")


def put_report_files(folder: Path, target: Path) -> None:
    """Fill `target` with the report of the study in `folder`."""
    for file in report_files(folder):
        copy = target / file.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".html":
            copy.write_text(without_reload(file.read_text(encoding="utf-8")), encoding="utf-8")
        else:
            shutil.copyfile(file, copy)


def description(folder: Path) -> str:
    """Return the markdown of the report in `folder`, cut at a line to what a description may hold.

    Lines that are pictures are left out: a description cannot reach the files beside it.
    """
    texts = sorted(folder.glob("[!.]*.md"), key=lambda path: (path.name not in ("summary.md", "report.md"), path.name))
    if not texts:
        return ""
    lines = masked(texts[0].read_text(encoding="utf-8")).splitlines()
    text = "\n".join(line for line in lines if not _IMAGE_LINE.match(line)).strip()
    if len(text) <= TAG_LIMIT:
        return text
    ending = f"\n\n(cut here; all of it is in the artifact report/{texts[0].name})"
    return text[: TAG_LIMIT - len(ending)].rpartition("\n")[0] + ending


def _drawn(path: Path, draw: Callable[[], bytes]) -> bool:
    """Return whether `draw` gave a picture for `path`; a run without one is better than no run."""
    try:
        atomic.write_bytes(path, draw())
    except Exception as error:
        _LOGGER.warning("%s could not be drawn: %s", path.name, error)
        return False
    return True


def _curves(trial: StoredTrial, title: str) -> bytes:
    from tracking.figures import trial_curves

    return trial_curves(trial.history, title)


def _graph(card: ModelCard, title: str) -> bytes:
    from tracking.drawing import draw_model

    return draw_model(card, title)
