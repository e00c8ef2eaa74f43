"""The report as one Markdown page: the question, the answer, and what it rests on."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tracking import tables
from tracking.record import METRICS
from tracking.render import escaped, markdown
from tracking.scale import duration

if TYPE_CHECKING:
    from studies.spec import Setting
    from tracking.manifest import StudyManifest
    from tracking.record import Environment
    from tracking.summary import StudySummary


def page(summary: "StudySummary", manifest: "StudyManifest") -> str:
    """Return the whole page; the pictures are named relative to it."""
    sections = (
        _answer(summary),
        _means(summary),
        _comparisons(summary),
        _figures(),
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
    for metric in METRICS:
        table = tables.details(summary, metric)
        yield f"### {escaped(table.title)}"
        yield markdown(table)


def _comparisons(summary: "StudySummary") -> Iterator[str]:
    study = summary.study
    test = "the paired t test by seed" if study.paired else "Welch's t test"
    yield "## Comparisons"
    yield (
        f"Difference in {summary.scales[study.metric].label}, arm minus {escaped(study.control)}, by {test}; the"
        f" p-values are corrected by Holm's procedure for {len(summary.comparisons)} comparisons at {study.alpha:g}."
        f" Intervals hold for one comparison at a time."
    )
    yield markdown(tables.comparisons(summary))
    yield (
        "The tests behind them. The rank test makes no assumption about the distribution; the smallest p that it can"
        " give with so many trials stands beside it, before correction."
        + (" TOST tests equivalence within the margin, for one comparison at a time." if study.margin else "")
    )
    yield markdown(tables.tests(summary))
    notes = [f"- {escaped(one.arm)}: {escaped('; '.join(one.flags))}." for one in summary.comparisons if one.flags]
    if notes:
        yield "\n".join(notes)


def _figures() -> Iterator[str]:
    yield "## Figures"
    yield "![Every trial and the means](points.png)"
    yield "Every trial as a dot; above the dots the mean and its interval. The grey line is the control's mean."
    yield "![Accuracy and loss over epochs](curves.png)"
    yield (
        "Mean over seeds, in a band from the lowest to the highest. Accuracies are cut off below the first tenth"
        " of the training, losses are on a log scale."
    )
    yield "![The first trial of each arm](first_trials.png)"
    yield "The first finished trial of each arm, on the training and the test set."


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
    study, dataset = summary.study, manifest.spec.dataset
    yield "## Design and provenance"
    training = study.training
    facts = {
        "Study": study.name,
        "Source": study.source,
        "Model": study.model,
        "Fixed for all arms": _setting(study.fixed),
        **{f"Arm {arm.name}": _setting(study.arms[arm.name]) + _params(arm.params) for arm in summary.arms},
        "Control": study.control,
        "Seeds": f"{study.seeds[0]} to {study.seeds[-1]}, shared between the arms",
        "Training": f"{training.epochs} epochs, batches of {training.batch_size}, crop {training.augmentation.crop}",
        "Primary metric": study.metric,
        "Declared test": f"{'paired by seed' if study.paired else 'unpaired'}, alpha {study.alpha:g}, "
        + (f"equivalence margin {study.margin:g}" if study.margin else "no equivalence margin"),
        "Dataset": f"{dataset.name}, {manifest.n_train} training and {manifest.n_test} test images, "
        f"{len(manifest.class_names)} classes",
        "Data digest": manifest.data_digest,
        "Engine": manifest.engine,
    }
    yield "\n".join(f"- {escaped(name)}: {escaped(value)}" for name, value in facts.items() if value)
    yield "Ran on:"
    yield "\n".join(_environments(summary))
    yield "The command that runs this study:"
    yield f"```sh\n{manifest.command}\n```"
    first = next((row for arm in summary.arms for row in arm.trials if row.command), None)
    if first:
        yield f"The command that trains one of its trials again, here {escaped(first.arm)} with seed {first.seed}:"
        yield f"```sh\n{first.command}\n```"


def _environments(summary: "StudySummary") -> Iterator[str]:
    counts = Counter(
        _environment(row.environment) for arm in summary.arms for row in arm.trials if row.environment is not None
    )
    for text, count in sorted(counts.items()):
        yield f"- {count} trial{'s' if count > 1 else ''}: {escaped(text)}"


def _environment(environment: "Environment") -> str:
    versions = ", ".join(f"{name} {number}" for name, number in sorted(environment.packages.items()))
    commit = f"; commit {environment.git_commit}" if environment.git_commit else ""
    return f"{environment.hardware}; host {environment.host}; Python {environment.python}; {versions}{commit}"


def _setting(setting: "Setting") -> str:
    return ", ".join(f"{name} {value}" for name, value in setting.items())


def _params(params: int | None) -> str:
    return "" if params is None else f" ({params:,} trainable parameters)"
