"""How the page opens: the question, how far the study is, and the answer."""

from typing import TYPE_CHECKING

from tracking.html.grid import bullets, folded, paragraph, section
from tracking.html.markup import Html, joined, tag

if TYPE_CHECKING:
    from tracking.summary import StudySummary

LEAD = 2
"""Sentences of the answer that stand out."""
FACTS = 8
"""Arms whose numbers stand below the answer; more are folded away."""


def unfinished(summary: "StudySummary") -> bool:
    """Return whether trials are still to be trained; those that a stopped arm was spared are not planned any more."""
    return any(row.state == "pending" for arm in summary.arms for row in arm.trials)


def header(summary: "StudySummary") -> Html:
    """Return the title of the page."""
    study = summary.study
    count = f"{summary.done} of {summary.planned} trials"
    line = f"{study.kind} {study.name} · {len(summary.arms)} arms · {count} · primary metric: {summary.scale.label}"
    parts = [tag("p", line, class_="eyebrow"), tag("h1", study.question)]
    if study.source:
        parts.append(tag("p", f"After: {study.source}", class_="source"))
    if unfinished(summary):
        parts.append(
            tag(
                "p",
                tag("strong", f"Interim, {summary.done} of {summary.planned} trials."),
                " The numbers below change as trials finish.",
                class_="banner",
                role="status",
            )
        )
    return tag("header", *parts, id="question")


def answer(summary: "StudySummary") -> Html:
    """Return what may be concluded, then what was measured."""
    claims = summary.claims
    lead = LEAD + (1 if unfinished(summary) else 0)  # The first sentence then says that this is an interim view.
    parts = [paragraph(" ".join(claims[:lead]), "lead")]
    if claims[lead:]:
        parts.append(paragraph(" ".join(claims[lead:])))
    facts = [_fact(fact) for fact in summary.facts]
    parts.append(bullets(facts[:FACTS], "facts"))
    if facts[FACTS:]:
        parts.append(folded(f"{len(facts) - FACTS} more arms", bullets(facts[FACTS:], "facts")))
    return section("answer", "Answer", *parts)


def _fact(fact: str) -> Html:
    """Return a sentence on one arm, whose name, before the colon, stands out."""
    name, colon, rest = fact.partition(": ")
    return joined([tag("strong", name + colon.rstrip()), " " + rest]) if rest else joined([fact])
