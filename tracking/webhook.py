"""A message posted as JSON to an address that is a secret: who has it can write there."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from pydantic import JsonValue

from studies.errors import InputError

_TIMEOUT_SECONDS = 10.0
_PAUSES = (2.0, 10.0, 30.0)
"""Seconds between attempts."""
_WORTH_A_RETRY = (408, 425, 429)
"""Answers of a server that may be another one soon; those from 500 on are too."""


class NotSentError(Exception):
    """A message that nobody took. Says why, and not where to."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST becomes a GET without its message: better that the answer counts as an error."""

    def redirect_request(self, *_: object) -> None:
        return None


def check_address(address: str, variable: str) -> None:
    """Raise unless `address`, from the environment variable `variable`, is one that can be posted to.

    Raises:
        InputError: it is not; the address is not repeated.
    """
    try:
        parts = urlsplit(address)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # The port is no number.
        is_whole = False
    if not is_whole or not address.isprintable() or " " in address:
        raise InputError(f"The variable {variable} must be an address such as https://HOST/PATH, which it is not.")


def post(address: str, message: Mapping[str, JsonValue], pauses: Sequence[float] = _PAUSES) -> None:
    """Post `message` to `address`, once more after each of `pauses` (seconds) while that may help.

    Raises:
        NotSentError: it was not taken.
    """
    for pause in (*pauses, None):
        reason, hopeless = _attempt(address, json.dumps(message).encode())
        if not reason:
            return
        if hopeless or pause is None:
            raise NotSentError(reason)
        time.sleep(pause)


def _attempt(address: str, body: bytes) -> tuple[str, bool]:
    """Return why the message was not taken, or an empty text, and whether to try again is of no use."""
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"}, method="POST")
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_TIMEOUT_SECONDS):
            return "", False
    except urllib.error.HTTPError as error:
        return f"it answered {error.code}", error.code < 500 and error.code not in _WORTH_A_RETRY
    except urllib.error.URLError as error:
        # A reason that is no error of the system may repeat the address.
        return str(error.reason) if isinstance(error.reason, OSError) else "it cannot be reached", False
    except TimeoutError:
        return f"no answer within {_TIMEOUT_SECONDS:g} s", False
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"it did not answer as a server should ({type(error).__name__})", False
