"""What is wrong with a tracking server, in words: asked once at the start, and read from the errors of its client."""

import base64
import os
import re
import ssl
import urllib.error
import urllib.request

from studies.secrets import masked
from tracking.address import StoreAddress

ASK_SECONDS = 8.0
"""How long a server may take for its first answer before somebody is told that there was none."""
_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Where MLflow's client looks for certificates."""
_REFUSED = "it refuses the user or the password"
_STATUS = re.compile(
    r"error code (\d{3})|too many (\d{3}) error responses|HTTP (?:Error )?(\d{3})|(\d{3}) (?:Client|Server) Error"
)
_PLAIN = (
    (r"Connection refused|ConnectionRefused", "nobody answers there"),
    (r"timed out|[Tt]imeout", "no answer in time"),
    (r"Name or service not known|Failed to resolve|NameResolution|getaddrinfo", "no machine has that name"),
    (r"Connection (?:reset|aborted)|RemoteDisconnected|No route to host|unreachable", "the connection broke"),
    (r"CERTIFICATE_VERIFY_FAILED", "its certificate is not trusted"),
)


def trouble_with(address: StoreAddress, seconds: float = ASK_SECONDS) -> str:
    """Return why the server at `address` cannot be used now, in a few words; empty if it can, or is no server.

    Asks what needs the right password, and gives up after about `seconds`.
    """
    if not address.uri.startswith(("http://", "https://")):
        return ""
    url = f"{address.public.rstrip('/')}/api/2.0/mlflow/experiments/search?max_results=1"
    request = urllib.request.Request(url, headers=_credentials(address))
    try:
        with urllib.request.urlopen(request, timeout=seconds, context=_trusted(url)) as answer:
            answer.read()
    except (OSError, ValueError) as error:
        return plainly(masked(str(error)))
    return ""


def plainly(error: str) -> str:
    """Return what the text of a client's error comes to, or the text itself if it is none of those that are known."""
    found = _STATUS.search(error)
    status = next(filter(None, found.groups()), "") if found else ""
    if status == "401":
        return f"{_REFUSED} (HTTP 401)"
    if status == "403":
        return "it forbids that (HTTP 403): not its user's right, or its --allowed-hosts lacks this name"
    if status == "404":
        return "there is no MLflow server at that address (HTTP 404)"
    if status == "507" or re.search(r"No space left|disk is full", error):
        return f"its disk is full (HTTP {status})" if status else "its disk is full"
    if status.startswith("5"):
        return f"it fails (HTTP {status})"
    return next((words for pattern, words in _PLAIN if re.search(pattern, error)), error)


def is_refusal(reason: str) -> bool:
    """Return whether `reason`, from `plainly`, will not go away by trying again soon."""
    return "(HTTP 401)" in reason or "(HTTP 403)" in reason


def _credentials(address: StoreAddress) -> dict[str, str]:
    """Return the header with the user and password that MLflow's client would send."""
    known = {**os.environ, **address.environment()}
    user = known.get("MLFLOW_TRACKING_USERNAME")
    if user is not None:
        pair = f"{user}:{known.get('MLFLOW_TRACKING_PASSWORD', '')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    token = known.get("MLFLOW_TRACKING_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _trusted(url: str) -> ssl.SSLContext | None:
    if not url.startswith("https"):
        return None
    bundle = next(filter(None, map(os.environ.get, _CERTIFICATES)), None)
    context = ssl.create_default_context(cafile=bundle)
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() == "true":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
