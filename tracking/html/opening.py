"""How the page opens: the question, how far the study is, and the answer."""

from datetime import datetime
from typing import TYPE_CHECKING

from tracking.html import watch
from tracking.html.grid import bullets, folded, paragraph, section
from tracking.html.markup import Html, joined, tag, tied
from tracking.search_words import UNCONFIRMED

if TYPE_CHECKING:
    from tracking.searched import Searched
    from tracking.summary import StudySummary

LEAD = 2
"""Sentences of the answer that stand out."""
FACTS = 8
"""Arms whose numbers stand below the answer; more are folded away."""


def unfinished(summary: "StudySummary") -> bool:
    """Return whether trials are still to be trained; those that a stopped arm was spared are not planned any more."""
    return any(row.state == "pending" for arm in summary.arms for row in arm.trials)


def header(summary: "StudySummary", written: datetime | None = None, *, confirms: bool = False) -> Html:
    """Return the title of the page.

    Args:
        summary: of the records.
        written: when, if trials are trained at that moment.
        confirms: whether the study is what a search ends in.
    """
    study = summary.study
    kind = "search" if confirms else study.kind
    count = f"{summary.done} of {summary.planned} trials"
    line = f"{kind} {study.name} · {len(summary.arms)} arms · {count} · primary metric: {summary.scale.label}"
    parts = [tag("p", line, class_="eyebrow"), tag("h1", study.question)]
    if study.source:
        parts.append(tag("p", f"After: {study.source}", class_="source"))
    if unfinished(summary):
        progress = f"{count} done"
        parts.append(watch.running(progress, written) if written else watch.stopped(progress))
    return tag("header", *parts, id="question")


def header_of_search(searched: "Searched", written: datetime | None = None) -> Html:
    """Return the title of the page of a search that is not confirmed; `written` is when, if it runs at that moment."""
    study = searched.study
    assert study.search is not None
    count = f"{searched.count('complete')} of {study.search.settings} settings have a score"
    line = f"search {study.name} · {count} · chosen by {searched.objective.replace('_', ' ')}"
    parts = [tag("p", line, class_="eyebrow"), tag("h1", study.question)]
    if study.source:
        parts.append(tag("p", f"After: {study.source}", class_="source"))
    if written:
        parts.append(watch.running(count, written))
    parts.append(tag("p", UNCONFIRMED, class_="banner", role="status"))
    return tag("header", *parts, id="question")


def answer(summary: "StudySummary") -> Html:
    """Return what may be concluded, then what was measured."""
    claims = summary.claims
    lead = LEAD + (1 if unfinished(summary) else 0)  # The first sentence then says that this is an interim view.
    parts = [paragraph(tied(" ".join(claims[:lead])), "lead")]
    if claims[lead:]:
        parts.append(paragraph(tied(" ".join(claims[lead:]))))
    facts = [_fact(fact) for fact in summary.facts]
    parts.append(bullets(facts[:FACTS], "facts"))
    if facts[FACTS:]:
        parts.append(folded(f"{len(facts) - FACTS} more arms", bullets(facts[FACTS:], "facts")))
    return section("answer", "Answer", *parts)


def _fact(fact: str) -> Html:
    """Return a sentence on one arm, whose name, before the colon, stands out."""
    name, colon, rest = fact.partition(": ")
    return joined([tag("strong", name + colon.rstrip()), " " + tied(rest)]) if rest else joined([fact])
