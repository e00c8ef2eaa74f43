"""Studies with predictions, and their pages as a tree that can be asked questions."""

from collections.abc import Callable
from datetime import datetime
from html.parser import HTMLParser

import pytest
from labelled_study import Made, labelled_study

from tracking.html.page import html_page
from tracking.summary import summarize

VOID = {"meta", "br", "img"}


class Page(HTMLParser):
    """A parsed page: every element with its attributes, and whether each was closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.source = text
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice in {tag}: {attrs}"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        """Return the attributes of the elements of one kind; `class_` must be among the classes."""
        name = wanted.pop("class_", None)
        return [
            attributes
            for found, attributes in self.elements
            if found == tag
            and (name is None or name in (attributes.get("class") or "").split())
            and all(attributes.get(key) == value for key, value in wanted.items())
        ]

    @property
    def text(self) -> str:
        """What a reader sees, style and script left out."""
        return " ".join(" ".join(data for tag, data in self.texts if tag not in ("style", "script")).split())


@pytest.fixture
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Page]:
    """Return a function that makes a study up and returns its page."""

    def build(made: Made | None = None, *, with_data: bool = True, written: datetime | None = None) -> Page:
        runs = tmp_path_factory.mktemp("runs")
        manifest, store = labelled_study(runs, made or Made())
        if not with_data:
            for path in (runs / "data").rglob("*.npy"):
                path.unlink()
        return Page(html_page(store.folder, manifest, summarize(manifest, store), written=written))

    return build
