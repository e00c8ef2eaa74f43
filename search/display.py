"""What a person sees while a study runs: a live picture on a terminal, plain lines elsewhere."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from search.progress import EpochDone
from tracking.manifest import PlannedTrial

_SHOWN = 5
"""Settings of a search that are shown while it runs: the best so far."""


@dataclass
class _Running:
    trial: PlannedTrial
    epoch: int = 0
    epochs: int = 0
    images_per_second: float = 0.0


@dataclass
class Display:
    """The state of a running study, drawn whenever it changes.

    Methods may be called from any thread.
    """

    console: Console
    study: str
    metric: str
    arms: Sequence[str]
    total: int
    scores: dict[str, list[float]] = field(default_factory=dict)
    """Primary metric of each finished trial, by arm."""
    note: str = ""
    """One line about the state as a whole, such as an interruption."""
    owed: str = ""
    """One line about what MLflow does not take, if it does not."""
    lanes: int = 0
    """How many trials run at once: so many of those that are submitted run, before their first epoch too."""
    _reused: int = 0
    _failed: int = 0
    _pruned: int = 0
    _running: dict[str, _Running] = field(default_factory=dict)
    _seconds: list[float] = field(default_factory=list)
    _planned: dict[str, PlannedTrial] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._started = time.monotonic()
        self._live = (
            Live(console=self.console, get_renderable=self._picture, refresh_per_second=4, transient=True)
            if self.console.is_terminal
            else None
        )

    def __enter__(self) -> "Display":
        if self._live:
            self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live:
            self._live.__exit__(None, None, None)

    def reuse(self, arm: str, score: float) -> None:
        """Count a trial that was recorded before."""
        with self._lock:
            self._reused += 1
            self.scores.setdefault(arm, []).append(score)

    def submit(self, trial: PlannedTrial) -> None:
        """Know a trial that an executor has been given."""
        with self._lock:
            self._planned[trial.key] = trial

    def progress(self, event: EpochDone) -> None:
        """Show where a running trial is."""
        with self._lock:
            if event.key in self._planned:
                running = self._running.setdefault(event.key, _Running(self._planned[event.key]))
                running.epoch, running.epochs = event.epoch, event.epochs
                running.images_per_second = event.images_per_second

    def finish(self, key: str, metrics: Mapping[str, float], seconds: float) -> None:
        """Count a trial that has its record."""
        score = metrics[self.metric]
        with self._lock:
            self._running.pop(key, None)
            trial = self._planned.pop(key)
            self.scores.setdefault(trial.arm, []).append(score)
            self._seconds.append(seconds)
            left = f", {_duration(seconds_left)} left" if (seconds_left := self._seconds_left()) else ""
            done = f"[{self._done}/{self.total}{left}]"
        if self._live is None:
            self.say(f"{done} {trial.arm} seed {trial.seed}: {self.metric} {score:.4f} in {seconds:.1f} s")

    def retry(self, key: str, reason: str) -> None:
        """Say that a trial's worker was lost and that it is tried again."""
        with self._lock:
            self._running.pop(key, None)
            trial = self._planned[key]
        self.say(f"{trial.arm} seed {trial.seed}: {reason}; trying once more")

    def fail(self, key: str, reason: str) -> None:
        """Count a trial that ended without a record."""
        with self._lock:
            self._running.pop(key, None)
            trial = self._planned.pop(key)
            self._failed += 1
        self.say(f"{trial.arm} seed {trial.seed}: failed, {reason}")

    def prune(self, key: str, reason: str) -> None:
        """Count a trial that was ended early, as hopeless."""
        with self._lock:
            self._running.pop(key, None)
            trial = self._planned.pop(key)
            self._pruned += 1
        self.say(f"{trial.arm} seed {trial.seed}: {reason}")

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self.console.print(text, highlight=False, markup=False)

    @property
    def _done(self) -> int:
        return self._reused + len(self._seconds) + self._failed + self._pruned

    def _seconds_left(self) -> float | None:
        """Return the time until the plan is done at the mean pace so far, or None before the first trial."""
        if not self._seconds:
            return None
        trained = len(self._seconds)
        under_way = sum(running.epoch / running.epochs for running in self._running.values() if running.epochs)
        pace = (time.monotonic() - self._started) / (trained + under_way)
        return max(0.0, (self.total - self._done - under_way) * pace)

    def _picture(self) -> RenderableType:
        with self._lock:
            parts: list[RenderableType] = [self._headline(), self._pace()]
            # Above the tables: of those, what a low terminal has no room for is cut.
            parts += [Text(line, style="yellow") for line in (self.note, self.owed) if line]
            if self._running:
                parts.append(self._running_table())
            if self.scores:
                parts.append(_means_table(self.metric, self.arms, self.scores))
            return Group(*parts)

    def _headline(self) -> Text:
        running = max(len(self._running), min(self.lanes, len(self._planned)))
        text = Text(f"{self.study}  ", style="bold")
        text.append(f"{self._done} of {self.total} trials done, {running} running", style="not bold")
        return text.append(f", {self._failed} failed", style="red" if self._failed else "not bold")

    def _pace(self) -> Table:
        """Return how far the study is, how fast it goes, and how long it still takes, in one row."""
        speed = sum(running.images_per_second for running in self._running.values())
        left = self._seconds_left()
        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_row(
            _bar(self._done, self.total, width=40),
            Text(f"{speed:,.0f} images/s" if speed else "preparing", no_wrap=True),
            Text(f"{_duration(left)} left" if left is not None else "", no_wrap=True),
        )
        return row

    def _running_table(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        table.add_column()
        for _ in range(4):
            table.add_column(no_wrap=True)  # On a narrow terminal, it is the arm's name that gives way.
        for running in sorted(self._running.values(), key=lambda running: running.trial.seed):
            trial = running.trial
            table.add_row(
                _name(trial.arm),
                f"seed {trial.seed}",
                _bar(running.epoch, running.epochs, width=20),
                f"epoch {running.epoch}/{running.epochs}",
                f"{running.images_per_second:,.0f} images/s",
            )
        return table


def _name(arm: str) -> Text:
    """Return the name of an arm, on one line however narrow the terminal is."""
    return Text(arm, no_wrap=True, overflow="ellipsis")


def _bar(done: int, total: int, width: int) -> ProgressBar:
    return ProgressBar(total=max(total, 1), completed=done, width=width)


def _means_table(metric: str, arms: Sequence[str], scores: Mapping[str, Sequence[float]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("arm")
    table.add_column("trials", justify="right")
    table.add_column(f"mean {metric} so far", justify="right")
    if not arms:  # A search: its settings come as it goes, and the latest matter less than the best.
        sign = -1 if metric.endswith("accuracy") else 1
        arms = sorted(scores, key=lambda arm: sign * fmean(scores[arm]))[:_SHOWN]
    for arm in arms:
        values = scores.get(arm, ())
        table.add_row(_name(arm), str(len(values)), f"{fmean(values):.4f}" if values else "-")
    return table


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d} h"
    return f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"
