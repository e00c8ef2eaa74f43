"""What a brief says: one headline, then a table for each kind of news that there is; and all of it in Markdown."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from tracking.moment import ago, clock
from tracking.prospects import STEPS, Prospect
from tracking.render import escaped, markdown
from tracking.scale import duration, p_value
from tracking.tables import Table

if TYPE_CHECKING:
    from tracking.conclusions import Change
    from tracking.news import Brief, StudyNews, Trouble
    from tracking.scale import Scale

DETECTABLE = (
    "Detectable: the smallest true difference found with 80% power, if the spread over seeds stays as it is. To test"
    " again after more seeds is to look twice, which raises the error rate; a study that declares its looks keeps it"
    " (`replicates: {looks: [...]}`)."
)


def headline(brief: "Brief") -> str:
    """Return what happened in one sentence, which is all there is to say where nothing did."""
    when = f"Since {clock(brief.since, brief.now)} ({ago(brief.since, brief.now)})"
    new = [news for news in brief.studies if news.is_new]
    if not brief.studies:
        return f"{when}: no study {'could be read' if brief.unreadable else 'has run here'}."
    if not new:
        unfinished = [f"{news.study}: {news.state}" for news in _unfinished(brief)]
        rest = f" Not complete: {'; '.join(unfinished)}." if unfinished else ""
        return f"{when} nothing changed in {_count(len(brief.studies), 'study', 'studies')}.{rest}"
    finished = [news.finished for news in new if news.finished]
    parts = ["no trial finished"]
    if finished:
        changed = sum(len(news.changes) for news in new)
        parts = [
            f"{_count(sum(finished), 'trial')} of {_count(len(finished), 'study', 'studies')} finished",
            f"{_count(changed, 'conclusion')} changed" if changed else "no conclusion changed",
        ]
    if troubles := sum(len(news.troubles) for news in new):
        parts.append(f"{_count(troubles, 'trial')} failed")
    return f"{when}: {', '.join(parts)}."


def tables(brief: "Brief") -> tuple[Table, ...]:
    """Return a table for each kind of news, without those that would be empty."""
    if not any(news.is_new for news in brief.studies):
        return ()
    made = _studies(brief), _changes(brief), _troubles(brief), _prospects(brief)
    return tuple(table for table in made if table.rows)


def offers(brief: "Brief") -> tuple[tuple[str, str], ...]:
    """Return for each study that more replicates would serve what they cost, and the command."""
    found = []
    for news in brief.studies:
        if (offered := news.prospects) is not None:
            time = duration(offered.seconds)
            cost = f"{news.study}: {STEPS[0]} more seeds are {offered.trials} trials, about {time} on one worker."
            found.append((cost, offered.command(news.command)))
    return tuple(found)


def problems(brief: "Brief") -> tuple[str, ...]:
    """Return the studies that cannot be read, and why."""
    return tuple(f"{one.study} cannot be read: {one.reason}" for one in brief.unreadable)


def page(brief: "Brief") -> str:
    """Return the brief in Markdown."""
    parts = ["# Brief", escaped(headline(brief)), *(f"**{escaped(text)}**" for text in problems(brief))]
    for table in tables(brief):
        parts += [f"## {table.title}", markdown(table)]
    if found := offers(brief):
        parts.append(DETECTABLE)
        parts += [f"{escaped(cost)}\n\n    {command}" for cost, command in found]
    return "\n\n".join(parts) + "\n"


def _studies(brief: "Brief") -> Table:
    """Return the studies with news, and those that are not complete."""
    shown = [news for news in brief.studies if news.is_new or news in _unfinished(brief)]
    rows = [
        (
            news.study,
            news.state,
            f"{news.done} of {news.planned}" if news.planned else "",
            str(news.finished),
            clock(news.last_ended, brief.now) if news.last_ended else "",
        )
        for news in shown
    ]
    return Table("Studies", ("study", "state", "trials", "new", "last ended"), tuple(rows), names=2)


def _changes(brief: "Brief") -> Table:
    headings = ("study", "arm", "before", "now", "to control", "interval", "p (Holm)")
    rows = tuple(_change(news.study, change) for news in brief.studies for change in news.changes)
    return Table("Conclusions that changed", headings, rows, names=4)


def _change(study: str, change: "Change") -> tuple[str, ...]:
    one, scale = change.comparison, change.scale
    interval = scale.interval(one.test.low, one.test.high, signed=True)
    now = f"{change.now} (interim)" if change.interim else change.now
    return study, one.arm, change.before, now, _difference(one.test.difference, scale), interval, p_value(one.p_holm)


def _troubles(brief: "Brief") -> Table:
    """Return what failed, the trials of an arm that failed for one reason in one row."""
    rows = []
    for news in brief.studies:
        groups: dict[tuple[str, str], list[Trouble]] = {}
        for trouble in news.troubles:
            groups.setdefault((trouble.arm, trouble.reason), []).append(trouble)
        for (arm, reason), group in groups.items():
            last = max((one.at for one in group if one.at is not None), default=None)
            seeds = _ranges(one.seed for one in group)
            rows.append((news.study, arm, seeds, clock(last, brief.now) if last else "", reason))
    return Table("Failed", ("study", "arm", "seeds", "last", "reason"), tuple(rows), names=5)


def _prospects(brief: "Brief") -> Table:
    headings = ("study", "arm", "seeds", "seen", "detectable now", *(f"with {step} more" for step in STEPS))
    rows = tuple(
        _prospect(news.study, one, news.prospects.scale)
        for news in brief.studies
        if news.prospects is not None
        for one in news.prospects.comparisons
    )
    return Table("What more seeds would buy", headings, rows, names=2)


def _prospect(study: str, one: Prospect, scale: "Scale") -> tuple[str, ...]:
    sizes = sorted({one.n_treatment, one.n_control})
    sizes_shown = " and ".join(map(str, sizes))
    detectable = (scale.points(size) for size in (one.detectable, *one.with_more))
    return study, one.arm, sizes_shown, _difference(one.difference, scale), *detectable


def _difference(value: float | None, scale: "Scale") -> str:
    shown = scale.difference(value)
    return f"{shown} pp" if shown and scale.unit else shown


def _unfinished(brief: "Brief") -> "list[StudyNews]":
    return [news for news in brief.studies if not news.is_complete]


def _ranges(numbers: Iterable[int]) -> str:
    """Return whole numbers as `1-3, 7`."""
    return ", ".join(f"{low}-{high}" if high > low else str(low) for low, high in _runs(sorted(set(numbers))))


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for end in range(1, len(numbers) + 1):
        if end == len(numbers) or numbers[end] != numbers[end - 1] + 1:
            yield numbers[start], numbers[end - 1]
            start = end


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"
