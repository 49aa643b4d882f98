"""Printable: nothing reaches a terminal that it might act on."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ingress.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u3042 \\x1b", "a\u3042 \\x1b"),
        ("\x1b[2J\n\t", "\\x1b[2J\\n\\t"),
        ("\u202e\x7f\x85\xa0\u2028", "\\u202e\\u007f\\u0085\\u00a0\\u2028"),
        ("\U000e0001\ud800", "\\udb40\\udc01\\ud800"),
    ],
    ids=["printable", "control", "bidirectional", "beyond-16-bits"],
)
def test_what_a_terminal_might_act_on_is_escaped(text: str, shown: str) -> None:
    """As Python has it below the blank, as JSON has it elsewhere."""
    assert printable(text) == shown


@given(st.text())
def test_printable_text_is_unchanged(text: str) -> None:
    """And what is not becomes so, once for all."""
    escaped = printable(text)

    assert escaped.isprintable()
    assert printable(escaped) == escaped
    assert escaped == text or not text.isprintable()


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_stays_json(value: Any) -> None:
    """Of the same value, whatever its writer did not escape."""
    assert json.loads(printable(json.dumps(value, ensure_ascii=False))) == value
