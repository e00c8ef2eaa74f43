"""How far something slow has come: a bar on a terminal, a line at each tenth elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Notify = Callable[[str], None]
Advance = Callable[[int], None]


def say(line: str) -> None:
    """Print `line` to standard error, at once."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def progress(
    label: str, total: int | None, notify: Notify, *, done: int = 0, in_bytes: bool = False
) -> Iterator[Advance]:
    """Show progress from `done` towards `total` (None: unknown); what is yielded takes each step's size.

    Args:
        label: what is going on.
        total: units in all.
        notify: takes the plain lines, when standard error is not a terminal.
        done: units that an earlier run finished.
        in_bytes: whether a unit is a byte, shown in MB.
    """
    if sys.stderr.isatty():
        with _bar(label, total, done, in_bytes) as advance:
            yield advance
    else:
        yield _Lines(label, total, notify, done, in_bytes)


@contextmanager
def _bar(label: str, total: int | None, done: int, in_bytes: bool) -> Iterator[Advance]:
    from rich import progress as rich
    from rich.console import Console

    amount = rich.DownloadColumn() if in_bytes else rich.MofNCompleteColumn()
    columns = (rich.TextColumn("{task.description}"), rich.BarColumn(), amount, rich.TimeRemainingColumn())
    with rich.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=total, completed=done)
        yield lambda amount: bar.advance(task, amount)


class _Lines:
    """A line at the start and whenever another tenth is done."""

    def __init__(self, label: str, total: int | None, notify: Notify, done: int, in_bytes: bool) -> None:
        self.label, self.total, self.notify, self.done = label, total, notify, done
        self.tenths = 10 * done // total if total else 0
        amount = f"{total / 1e6:,.1f} MB" if total and in_bytes else f"{total:,}" if total else "size unknown"
        notify(f"{label} ({amount})" + (f", continuing at {done / total:.0%}" if done and total else ""))

    def __call__(self, amount: int) -> None:
        self.done += amount
        tenths = 10 * self.done // self.total if self.total else 0
        if tenths > self.tenths:
            self.tenths = tenths
            self.notify(f"{self.label}: {10 * tenths}%")
