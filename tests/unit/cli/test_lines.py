"""The lines of `tail` and `dev`: one each, and nothing in them that a terminal would act on."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cli import lines
from router.cli.tail import _line
from router.event import Event
from router.record import Received
from router.tools.simulate import Sent
from router.vendors.traffic import Simulated

STRANGE = "a\x1b[2J\u202eb\u0085\x7f\u2028c"


def _received(key: bytes = b"key", value: bytes = b"{}") -> Received:
    return Received(topic="t", partition=1, offset=2, key=key, value=value, headers=())


def _event(**changed: Any) -> Event:
    words = dict.fromkeys(("id", "source", "subject", "dataschema", "traceparent"), STRANGE)
    times = dict.fromkeys(("time", "recordedtime"), "2026-11-21T08:00:00.000Z")
    given: dict[str, Any] = {
        **words,
        **times,
        "type": "rtc.Told",
        "timebasis": "event",
        "idbasis": "vendor",
        "data": {},
        **changed,
    }
    return Event(**given)


def test_tail_escapes_what_a_terminal_would_act_on() -> None:
    """In a key as in a value; the value is the same JSON, in one line."""
    data = {"a": STRANGE, "b": [1.50, "推流"]}
    value = json.dumps(data, ensure_ascii=False, indent=1).replace("\n", "\r\n\t")
    line = _line(_received(STRANGE.encode() + b"\n\xff", value.encode())).decode()

    assert line.endswith("\n")
    assert line[:-1].isprintable()
    assert line.startswith("t[1]@2  a\\x1b[2J\\u202eb\\u0085\\u007f\\u2028c\\n\ufffd  {")
    assert json.loads(line.split("  ", 2)[2]) == data
    assert "推流" in line


@given(st.binary(), st.binary())
def test_tail_prints_any_record_in_one_line(key: bytes, value: bytes) -> None:
    """Total over what a record may hold."""
    line = _line(_received(key, value)).decode()

    assert line.endswith("\n")
    assert line[:-1].isprintable()


@pytest.mark.parametrize(
    "line",
    [
        lines.accepted(_event(), _received(), None),
        lines.accepted(_event(type=f"rtc.{STRANGE}"), _received(), None),
        lines.accepted(
            _event(type="rtc.Unrecognized", data={"reason": STRANGE}), _received(), None
        ),
        lines.derived(_event(source=f"/handlers/{STRANGE}"), _received()),
        lines.derived(_event(data={STRANGE: STRANGE, "b": [STRANGE]}), _received()),
    ],
    ids=["subject", "type", "reason", "handler", "data"],
)
def test_dev_escapes_what_a_terminal_would_act_on(line: str) -> None:
    """Whatever part of the event holds it."""
    assert line.isprintable()
    assert "\\u202e" in line


def test_an_answer_is_escaped() -> None:
    """Whoever answers `simulate` may write anything."""
    callback = Simulated(body=b"{}", kind="unknown", short_type=STRANGE)
    sent = Sent(
        source="rtc",
        callback=callback,
        status=401,
        reason=STRANGE,
        seconds=0.001,
        attempts=1,
        began_secs=0.0,
        traceparent="",
    )

    assert lines.sent_line(sent).count("\\u202e") == 2
    assert lines.sent_line(sent).isprintable()
    assert lines.refused(sent).endswith("refused: a\\x1b[2J\\u202eb\\u0085\\u007f\\u2028c")
