"""Text from outside, so that a terminal or a page shows it and does not obey it."""


def printable(text: str) -> str:
    r"""Return `text` on one line: white space as single spaces, other characters without a shape as `\x1b`."""
    return "".join(character if character.isprintable() else _shown(character) for character in " ".join(text.split()))


def _shown(character: str) -> str:
    return character.encode("unicode_escape").decode()
