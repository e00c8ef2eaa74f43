"""The scheduler: looks at the clock, begins and ends nights, starts their studies, and has the brief written."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from search.crew import Crew
from search.diary import Diary
from search.morning_brief import MorningBriefs
from search.schedule_state import NightWork, Upcoming, Work
from search.timetable import Schedule
from tracking.coordinator import coordinator


class Scheduler:
    """Keeps a timetable; all it does happens in `tick`, which never waits."""

    def __init__(
        self,
        timetable: Sequence[Schedule],
        runs_dir: Path,
        config_dirs: Sequence[Path],
        say: Callable[[str], None],
        now: datetime,
    ) -> None:
        """Go on from the state on disk: studies that still run are watched, interrupted ones wait to go on.

        Args:
            timetable: the schedules, the most urgent first.
            runs_dir: where the studies' records are.
            config_dirs: folders of the user's own, as `search.run` takes them.
            say: told what happens, in a line.
            now: with its time zone.
        """
        self._timetable, self._runs_dir, self._config_dirs, self._say = timetable, runs_dir, config_dirs, say
        self._diary = Diary(runs_dir, [one.name for one in timetable], now)
        for one in timetable:
            self._take_up(one)
        self._crew = Crew(runs_dir, self._diary, say)
        self._briefs = MorningBriefs(runs_dir, self._diary)
        self._coming: dict[str, Upcoming] = {}
        self._write(now)

    def tick(self, now: datetime) -> None:
        """Do all that is to be done `now`."""
        self._crew.take_ended()
        for one in self._timetable:
            self._begin_night(one, now)
            self._end_night(one, now)
        for one in self._timetable:
            self._start_studies(one, now)
        if said := self._briefs.tick(self._timetable, now):
            self._say(said)
        self._write(now)

    def stop(self, hurry: Callable[[], bool], now: Callable[[], datetime]) -> None:
        """Start nothing more, end what runs, and leave a whole state (see `Crew.stop`)."""
        self._crew.stop(hurry)
        self._briefs.stop()
        self._diary.close()
        self._write(now())

    def _take_up(self, one: Schedule) -> None:
        """Take up a night that is not over: its studies as the schedule has them now, and what is known of each."""
        night = self._diary.night(one.name)
        if night is not None and not night.is_over:
            known = {work.asked: work for work in night.works}
            works = tuple(known.get(work.asked, work) for work in _works(one))
            self._diary.put(one.name, night.model_copy(update={"works": works}))

    def _begin_night(self, one: Schedule, now: datetime) -> None:
        last = self._diary.night(one.name)
        if self._briefs.is_pending(one.name) or (last is not None and not last.is_over):
            return
        handled = self._diary.handled(one.name)
        begun = one.calendar.missed(handled, now)
        if begun is None:
            return
        due = one.calendar.due(handled, now)
        self._diary.see_to(one.name, max(begun.end, now))
        if due is None:
            self._say(f"{one.name}: nobody was there for the night of {_shown(one, begun.start)}; it is left out.")
            return
        self._diary.put(one.name, NightWork(start=due.start, end=due.end, works=_works(one)))
        self._say(f"{one.name}: the night of {_shown(one, due.start)} begins; it ends {_shown(one, due.end)}.")

    def _end_night(self, one: Schedule, now: datetime) -> None:
        night = self._diary.night(one.name)
        if night is None or now < night.end:
            return
        for number, work in enumerate(night.works):
            if work.state == "waiting":
                self._diary.settle((one.name, number), "left")
                self._say(f"{one.name}: the night is over; {work.study} goes on in the next one.")

    def _start_studies(self, one: Schedule, now: datetime) -> None:
        night = self._diary.night(one.name)
        for number, work in enumerate(night.works if night else ()):
            if len(self._crew) >= one.spec.at_once:
                return
            # One that somebody else runs at this moment has to wait, since a study has one coordinator.
            if night is None or work.state != "waiting" or coordinator(self._runs_dir / work.study) is not None:
                continue
            folders = [text for path in self._config_dirs for text in ("--config-dir", str(path))]
            until = f"until={night.end.isoformat(timespec='seconds')}"
            self._crew.start((one.name, number), [*folders, *one.errands[number].overrides, until], now)
            # At once: if the scheduler is killed now, it has to know of the process when it is back.
            self._write(now)

    def _write(self, now: datetime) -> None:
        for one in self._timetable:
            known = self._coming.get(one.name)
            if known is None or (known.start is not None and known.start <= now):
                self._coming[one.name] = _upcoming(one, max(now, self._diary.handled(one.name)))
        self._diary.write(tuple(self._coming.values()))


def _works(one: Schedule) -> tuple[Work, ...]:
    return tuple(Work(study=errand.study, asked=errand.asked) for errand in one.errands)


def _upcoming(one: Schedule, since: datetime) -> Upcoming:
    night = next(one.calendar.after(since), None)
    return Upcoming(
        schedule=one.name,
        timezone=one.spec.timezone,
        window=one.spec.window,
        start=night.start if night else None,
        end=night.end if night else None,
        studies=tuple(errand.study for errand in one.errands),
    )


def _shown(one: Schedule, moment: datetime) -> str:
    return f"{moment.astimezone(one.calendar.zone):%a %d %b %H:%M %Z}"
