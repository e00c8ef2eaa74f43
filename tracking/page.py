"""The report as one Markdown page: the question, the answer, and what it rests on."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tracking import tables
from tracking.design_facts import design_facts, environments
from tracking.doubts import WHY_ODD, new_data_table, nothing_odd, odd_samples, on_new_data
from tracking.factorial import reasons
from tracking.factorial_report import effects_note, effects_table
from tracking.reading import RUNNING, better_in, corrected, no_contradiction
from tracking.render import escaped, markdown
from tracking.scale import duration
from tracking.search_page import search_section

if TYPE_CHECKING:
    from tracking.dataset_pictures import DatasetPictures
    from tracking.manifest import StudyManifest
    from tracking.search_views import SearchViews
    from tracking.summary import StudySummary


def page(
    summary: "StudySummary",
    manifest: "StudyManifest",
    views: "SearchViews | None",
    pictures: "DatasetPictures",
) -> str:
    """Return the whole page; the pictures are named relative to it. `views` are of the search that it confirms."""
    sections = (
        _answer(summary),
        _means(summary),
        _comparisons(summary),
        _effects(summary),
        search_section(views, summary) if views is not None else iter(()),
        _figures(summary),
        _pictures(pictures),
        _power(summary),
        _trials(summary),
        _design(summary, manifest),
    )
    return "\n\n".join(block for section in sections for block in section) + "\n"


def _answer(summary: "StudySummary") -> Iterator[str]:
    yield f"# {escaped(summary.study.question)}"
    yield "\n".join(f"- {escaped(fact)}" for fact in summary.facts)
    yield " ".join(escaped(claim) for claim in summary.claims)


def _means(summary: "StudySummary") -> Iterator[str]:
    yield "## Means"
    yield "Mean ± standard deviation over seeds, of the finished trials."
    yield markdown(tables.overview(summary))
    for metric in summary.metrics:
        table = tables.details(summary, metric)
        yield f"### {escaped(table.title)}"
        yield markdown(table)


def _comparisons(summary: "StudySummary") -> Iterator[str]:
    study = summary.study
    test = "the paired t test by seed" if study.paired else "Welch's t test"
    yield "## Comparisons"
    yield (
        f"Difference in {summary.scales[study.metric].label}, arm minus {escaped(study.control)}, by {test}; the"
        f" p-values are {corrected(summary)}. Intervals hold for one comparison at a time."
        f" {no_contradiction(summary)}".rstrip()
    )
    yield markdown(tables.comparisons(summary))
    yield better_in(escaped(study.control))
    yield (
        "The tests behind them. The rank test makes no assumption about the distribution; the smallest p that it can"
        " give with so many trials stands beside it, before correction."
        + (" TOST tests equivalence within the margin, for one comparison at a time." if study.margin else "")
    )
    yield markdown(tables.tests(summary))
    if summary.omnibus.p is not None:
        yield markdown(tables.omnibus(summary))
    if summary.pairs:
        yield f"### {escaped(tables.pairs(summary).title)}"
        yield markdown(tables.pairs(summary))
    notes = [f"- {escaped(one.arm)}: {escaped('; '.join(one.flags))}." for one in summary.comparisons if one.flags]
    if notes:
        yield "\n".join(notes)


def _effects(summary: "StudySummary") -> Iterator[str]:
    """Yield what the components of a factorial study do."""
    if not summary.effects:
        return
    table = effects_table(summary.effects, summary.design, summary.scale)
    yield f"## {escaped(table.title)}"
    yield effects_note(summary.effects, summary.design)
    yield markdown(table)
    if notes := reasons(summary.effects):
        yield "\n".join(f"- {escaped(note)}." for note in notes)


def _figures(summary: "StudySummary") -> Iterator[str]:
    measured = [kind for kind in ("accuracy", "loss") if any(metric.endswith(kind) for metric in summary.metrics)]
    yield "## Figures"
    yield "![Every trial and the means](points.png)"
    yield "Every trial as a dot; above the dots the mean and its interval. The grey line is the control's mean."
    yield f"![{' and '.join(measured).capitalize()} over epochs](curves.png)"
    cut = "Accuracies are cut off below the first tenth of the training, losses" if len(measured) > 1 else "Losses"
    yield f"Mean over seeds, in a band from the lowest to the highest. {cut} are on a log scale."
    if any(name.startswith("train_") for arm in summary.arms for name in arm.histories):
        yield RUNNING
    yield "![The first trial of each arm](first_trials.png)"
    yield "The first finished trial of each arm, on the training and the test set."


def _pictures(pictures: "DatasetPictures") -> Iterator[str]:
    yield "## Images and confusions"
    for picture in pictures.drawn:
        yield f"![{escaped(picture.title)}]({picture.file})"
        yield escaped(picture.note)
    yield from map(escaped, pictures.missing)


def _power(summary: "StudySummary") -> Iterator[str]:
    yield "## What this study could have shown"
    yield (
        "The smallest true difference from the control that a study with these numbers of trials and this spread"
        " finds four times out of five. A difference below it may exist and not have been found."
    )
    yield markdown(tables.power(summary))
    if summary.study.metric == "test_accuracy":
        yield (
            "The last column is the standard deviation that drawing another test set of this size would add. The"
            " tests here are about this test set: they hold it fixed, and only the seeds vary."
        )
        if (table := new_data_table(summary)) is not None:
            yield on_new_data(summary)
            yield markdown(table)
    odd = odd_samples(summary)
    yield "\n".join(f"- {escaped(sentence)}" for sentence in odd) if odd else nothing_odd(summary)
    if odd:
        yield WHY_ODD
    missing = [
        f"- {escaped(row.arm)}, seed {row.seed}: {row.state}, {escaped(row.reason)}"
        for arm in summary.arms
        for row in arm.trials
        if row.state != "done"
    ]
    if missing:
        yield f"{summary.done} of {summary.planned} trials are finished. Left out of all numbers:"
        yield "\n".join(missing)


def _trials(summary: "StudySummary") -> Iterator[str]:
    yield "## Trials"
    yield markdown(tables.trials(summary))
    total = sum(row.seconds or 0.0 for arm in summary.arms for row in arm.trials)
    yield f"Training and evaluation took {duration(total)} in all, added up over the trials."


def _design(summary: "StudySummary", manifest: "StudyManifest") -> Iterator[str]:
    yield "## Design and provenance"
    facts = design_facts(summary, manifest)
    yield "\n".join(f"- {escaped(name)}: {escaped(value)}" for name, value in facts.items())
    yield "Ran on:"
    yield "\n".join(f"- {escaped(text)}" for text in environments(summary))
    yield "The command that runs this study:"
    yield f"```sh\n{manifest.command}\n```"
    first = next((row for arm in summary.arms for row in arm.trials if row.command), None)
    if first:
        yield f"The command that trains one of its trials again, here {escaped(first.arm)} with seed {first.seed}:"
        yield f"```sh\n{first.command}\n```"
