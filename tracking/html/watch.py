"""A page that is looked at while trials are trained: it says how far the study is, and loads itself again.

A script does it where one may run: it waits while the reader points, scrolls, types or has selected something, leaves a
hidden page alone, and brings back what was unfolded and sorted; the browser itself keeps the place on the page. Without
scripts, a plain refresh does. Both stand in one element, so that a page without it stands still.
"""

from datetime import datetime

from tracking.html.markup import Html, tag

RELOAD_SECONDS = 30
RELOAD = tag(
    "noscript",
    tag("meta", http_equiv="refresh", content=str(RELOAD_SECONDS)),
    class_="reload",
    data_seconds=str(RELOAD_SECONDS),
)
"""Belongs in the head of a page of a running study."""


def running(progress: str, written: datetime) -> Html:
    """Return the banner of a page of a running study: `progress`, and when it was written (with a time zone)."""
    moment = tag(
        "time",
        f"{written:%Y-%m-%d %H:%M:%S %Z}",
        class_="written",
        datetime=written.isoformat(timespec="seconds"),
    )
    return _banner(f"Running: {progress}.", " Written ", moment, ". The numbers below change as trials finish.")


def stopped(progress: str) -> Html:
    """Return the banner of a page of a study that is not at its end and does not run."""
    return _banner(f"Interim: {progress}.", " Nothing was being trained when this page was written.")


def without_reload(page: str) -> str:
    """Return `page` for a place where it stands still, and where loading it again fails, as in MLflow's frame."""
    return page.replace(RELOAD, "", 1)


def _banner(lead: str, *rest: str) -> Html:
    return tag("p", tag("strong", lead), *rest, class_="banner", role="status")
