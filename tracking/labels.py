"""Names cut to the room that a drawing has."""


def shortened(text: str, length: int) -> str:
    """Return `text` in at most `length` characters, its middle left out: names often differ at their ends."""
    if len(text) <= length:
        return text
    kept = (length - 1) // 2
    return f"{text[: length - 1 - kept]}…{text[-kept:]}"
