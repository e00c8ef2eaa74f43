"""The whole page: its parts in order, style and script inside, and nothing from elsewhere."""

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from tracking.html.caution import caution
from tracking.html.markup import Html, joined, tag
from tracking.html.mistakes import mistakes
from tracking.html.opening import answer, header, unfinished
from tracking.html.palette import Palette
from tracking.html.provenance import design, trials
from tracking.html.results import comparisons, every_point, learning, means

if TYPE_CHECKING:
    from tracking.manifest import StudyManifest
    from tracking.summary import StudySummary

REFRESH_SECONDS = 30
"""How often the page of a running study loads itself again."""
_REFRESH = tag("meta", http_equiv="refresh", content=str(REFRESH_SECONDS))
CONTENTS = {
    "answer": "Answer",
    "means": "Means",
    "comparisons": "Comparisons",
    "points": "Every trial",
    "curves": "Curves",
    "caution": "Caution",
    "predictions": "Predictions",
    "trials": "Trials",
    "design": "Design",
}


def html_page(folder: Path, manifest: "StudyManifest", summary: "StudySummary") -> str:
    """Return the report of the study in `folder` (`runs/STUDY`) as one HTML document."""
    palette = Palette([arm.name for arm in summary.arms], summary.study.control)
    links = tag("nav", *(tag("a", text, href=f"#{name}") for name, text in CONTENTS.items()), aria_label="Contents")
    parts = [
        header(summary),
        links,
        answer(summary),
        means(summary),
        comparisons(summary, palette),
        every_point(summary, palette),
        learning(summary, palette),
        caution(summary),
        mistakes(folder, manifest, summary, palette),
        trials(summary),
        design(summary, manifest),
    ]
    script = _resource("report.js")
    body = tag("body", tag("main", joined(parts, "\n")), "\n", tag("script", Html(script)))
    document = tag("html", _head(summary, script), "\n", body, lang="en")
    return f"<!doctype html>\n{document}\n"


def without_refresh(page: str) -> str:
    """Return `page` for a place where it stands still, and where loading it again fails, as in MLflow's frame."""
    return page.replace(_REFRESH, "", 1)


def _head(summary: "StudySummary", script: str) -> Html:
    style = _resource("report.css")
    # Whatever got into the page against all escaping, a browser runs and loads nothing but these two texts.
    policy = f"default-src 'none'; img-src data:; style-src {_hashed(style)}; script-src {_hashed(script)}"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        _REFRESH if unfinished(summary) else "",
        tag("title", f"{summary.study.name}: {summary.study.question}"),
        tag("style", Html(style)),
    )


def _resource(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
