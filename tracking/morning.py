"""The morning brief, written and sent: `python -m tracking.morning since=TIME`. The scheduler runs it after a night.

runs/briefs/DATE.md                 the brief
experiment `briefs`, run DATE       the same in MLflow; what it missed while it was away it gets another morning
the address in a variable           a JSON message with `text`, `date`, `headline`, `markdown` and `studies`
"""

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from studies.errors import InputError
from studies.leaving import leave
from studies.secrets import masked
from tracking import atomic
from tracking.arguments import named_values
from tracking.moment import moment
from tracking.webhook import NotSentError, check_address, post

if TYPE_CHECKING:
    from pydantic import JsonValue

    from tracking.news import Brief

USAGE = """\
Write the brief to RUNS_DIR/briefs/DATE.md, log it to MLflow, and send it.

    python -m tracking.morning [since=TIME] [date=DATE] [runs_dir=DIR] [webhook=VARIABLE] [apprise=VARIABLE]

    since=TIME          as for tracking.brief (default: 24h)
    date=DATE           its name (default: today's date, such as 2026-11-21)
    runs_dir=DIR        the folder with the studies' records (default: runs)
    webhook=VARIABLE    environment variable with the address to post it to (default: BRIEF_WEBHOOK); may be unset
    apprise=VARIABLE    environment variable with addresses of Apprise (default: BRIEF_APPRISE); may be unset
"""
ARGUMENTS = ("since", "date", "runs_dir", "webhook", "apprise")
_TEXT_LIMIT = 3000
"""Most characters of the message's text; some chats refuse or cut longer ones."""
_LATEST = 14
"""How many of the last briefs MLflow is given if it lacks them."""


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit code: 0, 1 if somebody did not get the brief, or 2 for bad input."""
    if any(argument in ("-h", "--help") for argument in arguments):
        print(USAGE, end="")
        return 0
    try:
        given = named_values(arguments, ARGUMENTS)
        now = datetime.now(UTC)
        since = moment(given.get("since", "24h"), now)
        date = _date(given.get("date", f"{now.astimezone():%Y-%m-%d}"))
        runs_dir = Path(given.get("runs_dir", "runs"))
        if not runs_dir.is_dir():
            raise InputError(f"`runs_dir` must be a folder in which studies have run. Received: {str(runs_dir)!r}.")
        variable = given.get("webhook", "BRIEF_WEBHOOK")
        webhook = os.environ.get(variable, "")
        if webhook:
            check_address(webhook, variable)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return _deliver(runs_dir, since, now, date, webhook, os.environ.get(given.get("apprise", "BRIEF_APPRISE"), ""))


def _deliver(runs_dir: Path, since: datetime, now: datetime, date: str, webhook: str, apprise: str) -> int:
    from tracking.brief_page import headline, page
    from tracking.news import read_news

    brief = read_news(runs_dir, since, now)
    markdown, title = page(brief), headline(brief)
    path = runs_dir / "briefs" / f"{date}.md"
    atomic.write_text(path, markdown)
    print(f"Brief:   {path}")
    ways: list[tuple[str, Callable[[], None]]] = []
    if webhook:
        ways.append(("Webhook", lambda: post(webhook, message(brief, date))))
    if apprise:
        from tracking.channels import send

        ways.append(("Apprise", lambda: send(apprise, title, markdown)))
    ways.append(("MLflow", lambda: _log(runs_dir)))
    # No way is left out because another one is closed.
    return max([_went(name, way) for name, way in ways])


def _went(name: str, way: Callable[[], None]) -> int:
    try:
        way()
    except NotSentError as error:
        print(f"{name}: the brief was not sent: {error}.", file=sys.stderr)
        return 1
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        print(f"{name}: the brief was not sent: {type(error).__name__} {masked(lines[0])[:300]}", file=sys.stderr)
        return 1
    return 0


def message(brief: "Brief", date: str) -> "dict[str, JsonValue]":
    """Return what a webhook is given: `text` is what chats show, the rest is for programs."""
    from tracking.brief_page import headline, page

    markdown, title = page(brief), headline(brief)
    text = markdown if len(markdown) <= _TEXT_LIMIT else f"{title}\n(The whole brief is in briefs/{date}.md.)"
    return {
        "text": text,
        "date": date,
        "since": brief.since.isoformat(),
        "headline": title,
        "markdown": markdown,
        "studies": [
            {
                "study": news.study,
                "state": news.state,
                "planned": news.planned,
                "done": news.done,
                "finished": news.finished,
                "failed": len(news.troubles),
                "conclusions_changed": len(news.changes),
            }
            for news in brief.studies
        ],
    }


def _log(runs_dir: Path) -> None:
    """Give MLflow the briefs that it lacks, and the newest in any case, which may have changed."""
    import logging

    from tracking.address import resolve
    from tracking.delivery_loop import prepare
    from tracking.run_content import TAG_LIMIT, RunContent

    address = resolve(None, runs_dir)
    prepare(address, logging.CRITICAL)
    from tracking.mlflow_store import MlflowStore

    store = MlflowStore(address, runs_dir / "mlflow-artifacts")
    *earlier, newest = sorted((runs_dir / "briefs").glob("[!.]*.md"))[-_LATEST:]
    there = store.briefs() if earlier else set()
    for path in [*(path for path in earlier if path.stem not in there), newest]:
        text, written = path.read_text(encoding="utf-8"), round(1000 * path.stat().st_mtime)
        note = text if len(text) <= TAG_LIMIT else text[: TAG_LIMIT - 1] + "…"
        with tempfile.TemporaryDirectory() as scratch:
            (Path(scratch) / "brief.md").write_text(text, encoding="utf-8")
            tags = {"mlflow.note.content": note}
            store.put_brief(RunContent(path.stem, tags, "FINISHED", written, written), Path(scratch))


def _date(text: str) -> str:
    try:
        return f"{datetime.strptime(text, '%Y-%m-%d'):%Y-%m-%d}"
    except ValueError:
        raise InputError(f"`date` must be a date such as 2026-11-21. Received: {text!r}.") from None


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
