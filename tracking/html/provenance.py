"""The trials and how to repeat them; the design, the data, the versions and the hardware."""

from typing import TYPE_CHECKING

from tracking import tables
from tracking.design_facts import command_of_report, design_facts, environments, search_facts
from tracking.html.grid import bullets, folded, grid, paragraph, section
from tracking.html.markup import Html, tag
from tracking.scale import duration
from tracking.tables import Table

if TYPE_CHECKING:
    from studies.spec import StudySpec
    from tracking.manifest import StudyManifest
    from tracking.summary import StudySummary

SHOWN_TRIALS = 60
"""More trials than this are folded away."""


def trials(summary: "StudySummary") -> Html:
    """Return every trial with its time, the averages, and the command that repeats each."""
    table = tables.trials(summary)
    # The averages have no trial's name in the third column; sorting would scatter them among the trials.
    single = Table(table.title, table.headings, tuple(row for row in table.rows if row[2]), table.names)
    averages = Table(
        "Mean and median",
        (table.headings[0], "over seeds", *table.headings[3:]),
        tuple((*row[:2], *row[3:]) for row in table.rows if not row[2]),
        names=2,
    )
    total = sum(row.seconds or 0.0 for arm in summary.arms for row in arm.trials)
    every = grid(single, caption=False)
    if len(single.rows) > SHOWN_TRIALS:
        every = folded(f"All {len(single.rows):,} trials", every, aside=True)
    return section(
        "trials",
        "Trials",
        paragraph(f"Training and evaluation took {duration(total)} in all, added up over the trials."),
        every,
        grid(averages) if averages.rows else "",
        _commands(summary),
    )


def _commands(summary: "StudySummary") -> Html:
    rows = [row for arm in summary.arms for row in arm.trials if row.command]
    if not rows:
        return Html("")
    lines = [
        tag("tr", tag("th", row.arm, scope="row"), tag("td", str(row.seed)), tag("td", tag("code", row.command)))
        for row in rows
    ]
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in ("arm", "seed", "command"))))
    table = tag("table", head, tag("tbody", *lines), class_="commands")
    return folded(
        "The command that trains each of them again", tag("div", table, class_="scroll"), aside=len(rows) > SHOWN_TRIALS
    )


def design(summary: "StudySummary", manifest: "StudyManifest") -> Html:
    """Return what was declared, and what it ran on."""
    facts = design_facts(summary, manifest)
    pairs = [tag("div", tag("dt", name), tag("dd", text)) for name, text in facts.items()]
    return section(
        "design",
        "Design and provenance",
        tag("dl", *pairs),
        tag("h3", "Ran on"),
        bullets(environments(summary)),
        *_commands_of_study(manifest),
    )


def design_of_search(study: "StudySpec", manifest: "StudyManifest") -> Html:
    """Return what was declared of a search that is not confirmed, and how it goes on."""
    facts = search_facts(study, manifest)
    pairs = [tag("div", tag("dt", name), tag("dd", text)) for name, text in facts.items()]
    return section("design", "Design and provenance", tag("dl", *pairs), *_commands_of_study(manifest))


def _commands_of_study(manifest: "StudyManifest") -> list[Html]:
    return [
        tag("h3", "To run it again"),
        tag("pre", manifest.command),
        paragraph("To write this report again from the records:"),
        tag("pre", command_of_report(manifest)),
    ]
