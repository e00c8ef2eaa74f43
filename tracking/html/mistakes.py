"""Predictions and confusions, each arm against the control."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tracking.confusions import (
    ToldApart,
    class_accuracy,
    class_order,
    majorities,
    told_apart,
    worst_pairs,
)
from tracking.html.changes import changes
from tracking.html.grid import figure, folded, grid, paragraph, section
from tracking.html.heatmap import MOST_CLASSES, Heatmap, colour_bar, drawn, of_change, of_shares
from tracking.html.images import predicted_images, thumbnail
from tracking.html.markup import Html, joined, tag
from tracking.html.palette import Palette
from tracking.predictions import NoPredictionsError, Predictions, read_predictions
from tracking.scale import tenths
from tracking.tables import Table

if TYPE_CHECKING:
    from tracking.manifest import StudyManifest
    from tracking.summary import StudySummary

SHOWN_ARMS = 8
"""Arms that are gone through one by one; the others are in the table of classes."""
OPEN_ARMS = 1
PAIRS, EXAMPLES = 10, 8


def mistakes(folder: Path, manifest: "StudyManifest", summary: "StudySummary", palette: Palette) -> Html:
    """Return the section, or why it has nothing to show."""
    title = "Predictions and confusions"
    try:
        found = read_predictions(folder, manifest, summary)
    except NoPredictionsError as error:
        kept = predicted_images(folder, manifest, summary) if manifest.class_names else ""
        return section("predictions", title, kept, paragraph(f"The confusions are left out: {error}."))
    control = summary.study.control
    if control not in found.arms:
        return section("predictions", title, paragraph(f"No trial of {control} is finished yet."))
    treatments = [arm.name for arm in summary.arms if arm.name in found.arms and arm.name != control]
    order = class_order(found) if len(found.class_names) <= MOST_CLASSES else []
    intro = (
        f"All finished trials of each arm on the {len(found.labels):,} test examples. Differences between classes and"
        " single examples are described and not tested: among so many, some are chance."
    )
    blocks = [
        _arm(found, arm, control, order, palette, is_open=place < OPEN_ARMS)
        for place, arm in enumerate(treatments[:SHOWN_ARMS])
    ]
    if treatments[SHOWN_ARMS:]:
        blocks.append(paragraph(f"Confusions are shown for the first {SHOWN_ARMS} arms."))
    return section(
        "predictions",
        title,
        predicted_images(folder, manifest, summary),
        paragraph(intro),
        _control_map(found, control, order),
        *blocks,
        folded("Every class in every arm", grid(_classes(found, control, treatments)), aside=True),
    )


def _control_map(found: Predictions, control: str, order: list[int]) -> Html:
    if not order:
        return paragraph(f"With over {MOST_CLASSES} classes no matrix is drawn; the worst pairs are listed.")
    one = found.arms[control]
    return _map(
        of_shares(one.shares, order, found.class_names),
        f"{control}: what is taken for what",
        "Rows are true classes, columns predicted ones; each row adds up to 100%. The classes stand in an order that"
        " brings those together which are confused.",
    )


def _map(heatmap: Heatmap, title: str, note: str) -> Html:
    picture = tag("div", drawn(heatmap, title), class_="scroll")
    whole = tag("div", tag("h3", title), colour_bar(signed=heatmap.signed), picture, class_="whole")
    return figure(whole, note=note)


def _arm(found: Predictions, arm: str, control: str, order: list[int], palette: Palette, *, is_open: bool) -> Html:
    one, other = found.arms[arm], found.arms[control]
    gained, lost = majorities(found, arm, control)
    said = (
        f"In {gained:,} of {len(found.labels):,} test examples most trials of {arm} are right and most of {control}"
        f" wrong; in {lost:,} it is the other way round."
    )
    parts = [
        paragraph(said),
        figure(
            tag("h4", "Classes that change most"),
            changes(class_accuracy(one), class_accuracy(other), found.class_names, arm, control, palette),
            note=f"Share of right answers per class: {control} is the ring, {arm} the dot.",
        ),
        tag("h4", "Worst confusions"),
        grid(_pairs(found, arm, control), caption=False),
        _examples(found, arm, control),
    ]
    if order:
        note = (
            f"Share of the true class in {arm} minus that in {control}. Blue is better: more right answers on the"
            " diagonal, fewer confusions off it."
        )
        heatmap = of_change(one.shares, other.shares, order, found.class_names)
        parts.append(_map(heatmap, f"{arm} against {control}: what changes", note))
    return folded(f"{arm} against {control}", *parts, is_open=is_open, aside=True)


def _pairs(found: Predictions, arm: str, control: str) -> Table:
    rows = []
    for pair in worst_pairs(found.arms[arm], found.arms[control], PAIRS):
        names = found.class_names[pair.true], found.class_names[pair.predicted]
        shares = f"{100 * pair.control:.1f}", f"{100 * pair.arm:.1f}", tenths(100 * (pair.arm - pair.control))
        rows.append((*names, *shares))
    headings = ("true class", "taken for", f"{control}, %", f"{arm}, %", "change, pp")
    return Table("Worst confusions", headings, tuple(rows), names=2)


def _examples(found: Predictions, arm: str, control: str) -> Html:
    parts = []
    for winner, loser in ((arm, control), (control, arm)):
        shown = told_apart(found, winner, loser, EXAMPLES)
        parts.append(tag("h4", f"{winner} right, {loser} wrong"))
        items = [_example(found, one, winner, loser) for one in shown]
        parts.append(tag("ul", *items, class_="examples") if items else paragraph("No such example."))
    return joined(parts)


def _example(found: Predictions, one: ToldApart, winner: str, loser: str) -> Html:
    total, others = found.arms[winner].trials, found.arms[loser].trials
    words = joined(
        [
            tag("strong", found.class_names[one.true]),
            f", by {loser} taken for ",
            tag("strong", found.class_names[one.taken_for]),
            tag("br"),
            tag(
                "span",
                f"right in {one.right_in_arm} of {total} against {one.right_in_control} of {others} trials"
                f" · test example {one.example}",
                class_="soft",
            ),
        ]
    )
    return tag("li", _thumbnail(found, one), tag("span", words))


def _thumbnail(found: Predictions, one: ToldApart) -> Html:
    """Return the test image itself, if it is small and stored as bytes."""
    if found.images is None:
        return Html("")
    return thumbnail(np.asarray(found.images[one.example]), f"test example {one.example}", side=44)


def _classes(found: Predictions, control: str, treatments: list[str]) -> Table:
    base = class_accuracy(found.arms[control])
    scored = {arm: class_accuracy(found.arms[arm]) for arm in treatments}
    counts = np.bincount(found.labels, minlength=len(found.class_names))
    rows = [
        (
            name,
            str(counts[place]),
            f"{100 * base[place]:.1f}",
            *(tenths(100 * (scored[arm][place] - base[place])) for arm in treatments),
        )
        for place, name in enumerate(found.class_names)
        if counts[place]
    ]
    headings = ("class", "examples", f"{control}, %", *(f"{arm}, pp" for arm in treatments))
    return Table(f"Share of right answers per class: {control}, and how the others differ", headings, tuple(rows))
