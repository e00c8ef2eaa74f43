"""Other ways to send a message than a webhook: mail, chat and much more through Apprise, which is optional."""

import importlib.util
import logging

from studies.errors import InputError
from tracking.webhook import NotSentError


def check_apprise(variable: str) -> None:
    """Raise unless Apprise is there, since `variable` has addresses for it.

    Raises:
        InputError: it is not installed.
    """
    if importlib.util.find_spec("apprise") is None:
        raise InputError(
            f"The variable {variable} is set, but Apprise is not installed. To install it: "
            "pip install -c constraints.txt -e '.[notify]'"
        )


def send(addresses: str, title: str, markdown: str) -> None:
    """Send a message to `addresses` of Apprise, separated by blanks.

    Raises:
        NotSentError: one is no address, or did not take it; which one is a secret.
    """
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # It repeats addresses.
    outlets = apprise.Apprise()
    for number, address in enumerate(addresses.split(), start=1):
        if not outlets.add(address):
            raise NotSentError(f"address {number} is none that Apprise knows")
    if not outlets.notify(body=markdown, title=title, body_format=apprise.NotifyFormat.MARKDOWN):
        raise NotSentError("an address did not take it")
