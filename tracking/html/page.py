"""The whole page: its parts in order, style and script inside, and nothing from elsewhere."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tracking.html.caution import caution
from tracking.html.images import training_images
from tracking.html.markup import Html, joined, tag
from tracking.html.mistakes import mistakes
from tracking.html.opening import answer, header, header_of_search, unfinished
from tracking.html.palette import Palette
from tracking.html.provenance import design, design_of_search, trials
from tracking.html.results import comparisons, every_point, learning, means
from tracking.html.search import search
from tracking.html.watch import RELOAD

if TYPE_CHECKING:
    from tracking.manifest import StudyManifest
    from tracking.search_views import SearchViews
    from tracking.summary import StudySummary

CONTENTS = {
    "answer": "Answer",
    "means": "Means",
    "comparisons": "Comparisons",
    "points": "Every trial",
    "curves": "Curves",
    "caution": "Caution",
    "predictions": "Predictions",
    "trials": "Trials",
    "images": "Images",
    "design": "Design",
}
_SEARCH = "search"
"""Another part, after the comparisons, of the page of a search."""


def html_page(
    folder: Path,
    manifest: "StudyManifest",
    summary: "StudySummary",
    views: "SearchViews | None" = None,
    written: datetime | None = None,
) -> str:
    """Return the report of the study in `folder` (`runs/STUDY`) as one HTML document.

    Args:
        folder: where the trials are.
        manifest: of the study.
        summary: of its records.
        views: of the search that the study confirms, if it confirms one.
        written: when, if trials are being trained at that moment.
    """
    palette = Palette([arm.name for arm in summary.arms], summary.study.control)
    parts = [
        header(summary, written, confirms=views is not None),
        _links(_contents(has_search=views is not None)),
        answer(summary),
        means(summary),
        comparisons(summary, palette),
        search(views, summary) if views is not None else "",
        every_point(summary, palette),
        learning(summary, palette),
        caution(summary),
        mistakes(folder, manifest, summary, palette),
        trials(summary),
        training_images(folder, manifest),
        design(summary, manifest),
    ]
    title = f"{summary.study.name}: {summary.study.question}"
    return _document(title, parts, reload=written is not None and unfinished(summary))


def search_page(manifest: "StudyManifest", views: "SearchViews", written: datetime | None = None) -> str:
    """Return the page of a search that has nothing confirmed yet; `written` is when, if it runs at that moment."""
    study = views.searched.study
    parts = [
        header_of_search(views.searched, written),
        _links({_SEARCH: "Search", "design": CONTENTS["design"]}),
        search(views, None),
        design_of_search(study, manifest),
    ]
    return _document(f"{study.name}: {study.question}", parts, reload=written is not None)


def _contents(*, has_search: bool) -> Mapping[str, str]:
    """Return the parts of a page in order, by name."""
    names = [*CONTENTS]
    if has_search:
        names.insert(names.index("comparisons") + 1, _SEARCH)
    return {name: CONTENTS.get(name, "Search") for name in names}


def _links(parts: Mapping[str, str]) -> Html:
    return tag("nav", *(tag("a", text, href=f"#{name}") for name, text in parts.items()), aria_label="Contents")


def _document(title: str, parts: Sequence[str], *, reload: bool) -> str:
    script = _resource("report.js")
    body = tag("body", tag("main", joined(parts, "\n")), "\n", tag("script", Html(script)))
    document = tag("html", _head(title, script, reload=reload), "\n", body, lang="en")
    return f"<!doctype html>\n{document}\n"


def _head(title: str, script: str, *, reload: bool) -> Html:
    style = _resource("report.css")
    # Whatever got into the page against all escaping, a browser runs and loads nothing but these two texts.
    policy = f"default-src 'none'; img-src data:; style-src {_hashed(style)}; script-src {_hashed(script)}"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        RELOAD if reload else "",
        tag("title", title),
        tag("style", Html(style)),
    )


def _resource(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
