"""What must not be repeated of what a user said: passwords in addresses."""

import re

_USER_INFO = re.compile(r"(?<=://)[^/?#\s'\"]*@")
_SECRET_PARAMETER = re.compile(r"(?i)([?&](?:\w*password|passwd|pwd|\w*token)=)[^&\s'\"]*")


def without_credentials(uri: str) -> str:
    """Return `uri` without user and password, and with password and token parameters starred."""
    return _SECRET_PARAMETER.sub(r"\1***", _USER_INFO.sub("", uri))


def masked(text: str) -> str:
    """Return `text` with the credentials of every address in it replaced by stars; for logs and tags."""
    return _SECRET_PARAMETER.sub(r"\1***", _USER_INFO.sub("***@", text))
