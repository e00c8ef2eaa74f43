"""Text from outside on a terminal or a page."""

import pytest

from tracking.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ünïcode 漢字", "plain, ünïcode 漢字"),
        ("a\n\tb\u00a0c", "a b c"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
    ],
)
def test_what_has_no_shape_is_spelt_out(text, shown):
    assert printable(text) == shown
    assert printable(text).isprintable()
