"""HTML and SVG as text that cannot be broken: what is not markup already is escaped on its way in."""

import html
import re
from collections.abc import Iterable

# Nothing that a browser would drop or misread, and no half of a surrogate pair, which cannot be encoded.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_TIED = re.compile(r"(?<=\b[pg]) (?=[=<])|(?<=[=<]) (?=-?\d)|(?<=\d) (?=pp\b)|(?<=\d,) (?=[+-]?\d[\d.]*\])")
_VOID = frozenset({"br", "circle", "col", "img", "line", "meta", "path", "polygon", "polyline", "rect"})
Value = str | float | None


class Html(str):
    """Text that is markup already and is not escaped again."""

    __slots__ = ()


def escaped(text: str) -> Html:
    """Return `text` as markup that shows it as it is, in an element or in a quoted attribute."""
    return text if isinstance(text, Html) else Html(html.escape(_UNPRINTABLE.sub("\ufffd", text)))


def tied(text: str) -> str:
    """Return a sentence in which no line ends inside of `p = 0.012`, `0.9 pp` or `[0.2, 0.8]`."""
    return _TIED.sub("\u00a0", text)


def tag(name: str, /, *content: str, **attributes: Value) -> Html:
    """Return an element; an attribute of None is left out.

    An underscore in an attribute's name stands for a hyphen, one at its end is dropped (`class_`). Floats are
    written with two decimals, which is a hundredth of a pixel; a number that must be exact is passed as text.
    """
    parts = [f'{_attribute(key)}="{_value(value)}"' for key, value in attributes.items() if value is not None]
    opening = " ".join([name, *parts])
    if name in _VOID and not content:
        return Html(f"<{opening}/>" if name not in ("br", "col", "img", "meta") else f"<{opening}>")
    return Html(f"<{opening}>{joined(content)}</{name}>")


def joined(parts: Iterable[str], separator: str = "") -> Html:
    """Return the parts one after the other, escaped where they are not markup."""
    return Html(separator.join(map(escaped, parts)))


def number(value: float) -> str:
    """Return a coordinate with at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: str | float) -> str:
    return escaped(value) if isinstance(value, str) else number(value)
