"""Records: what an event becomes on Kafka, and back."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from router.event import Event
from router.record import Record, decode_event, encode_event, headers_of

TEXT = st.text(max_size=20)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
EVENTS = st.builds(
    Event,
    id=TEXT,
    source=TEXT,
    type=TEXT,
    subject=TEXT,
    time=TEXT,
    dataschema=TEXT,
    recordedtime=TEXT,
    timebasis=st.sampled_from(["event", "envelope", "received"]),
    idbasis=st.sampled_from(["vendor", "natural", "content", "none"]),
    contentid=st.just(UNSET) | TEXT,
    traceparent=TEXT,
    data=st.dictionaries(TEXT, JSON, max_size=3),
)
EVENT = Event(
    id="appId/é",
    source="/callbacks/rtc",
    type="volcengine-rtc.RoomCreate",
    subject="appId/房",
    time="2023-03-21T07:32:04.691Z",
    dataschema="urn:callback-router:volcengine-rtc.RoomCreate:1",
    recordedtime="2026-11-21T08:00:00.123Z",
    timebasis="event",
    idbasis="vendor",
    traceparent="00-x",
    data={"room_id": "房"},
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(EVENTS)
def test_an_event_survives_its_record(event: Event) -> None:
    """What is written is read as the same event, and Python's own JSON reads the same data."""
    value = encode_event(event)

    assert decode_event(value) == event
    assert json.loads(value)["data"] == event.data


def test_a_value_is_compact_utf_8() -> None:
    """No spaces, and no escapes where none are needed."""
    value = encode_event(EVENT)

    assert '"data":{"room_id":"房"}'.encode() in value
    assert b", " not in value
    assert b"\\u" not in value


def test_headers_are_plain_names_to_filter_by() -> None:
    """The contract's five, in UTF-8, and none that makes a reader take it for binary mode."""
    assert dict(headers_of(EVENT)) == {
        "content-type": b"application/cloudevents+json; charset=UTF-8",
        "event_id": "appId/é".encode(),
        "event_source": b"/callbacks/rtc",
        "event_type": b"volcengine-rtc.RoomCreate",
        "traceparent": b"00-x",
    }
    assert len(headers_of(EVENT)) == 5


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"[]",
        b"{}",
        encode_event(EVENT)[:-1],
        encode_event(EVENT).replace(b'"1.0"', b'"0.3"'),
        encode_event(EVENT).replace(b'"vendor"', b'"guess"'),
        encode_event(EVENT).replace(b'"event"', b'"guess"'),
        encode_event(EVENT).replace(b'{"room_id"', b'[{"room_id"'),
    ],
    ids=["empty", "array", "nothing", "cut-off", "version", "id-basis", "time-basis", "data"],
)
def test_what_is_no_event_is_not_read(value: bytes) -> None:
    """Anything else on a topic is an error of msgspec, for the reader to settle."""
    with pytest.raises(msgspec.MsgspecError):
        decode_event(value)


@pytest.mark.parametrize("name", ["appId/1", f"{'a' * 256}/{'e' * 256}"], ids=["short", "longest"])
@given(value=st.binary(max_size=2000), key=st.binary(max_size=300))
def test_the_size_bounds_what_a_batch_takes(name: str, value: bytes, key: bytes) -> None:
    """Key, value, headers and the record's own fields fit in the size, whatever the id is."""
    event = msgspec.structs.replace(EVENT, id=name)
    record = Record(topic="t", key=key, value=value, headers=headers_of(event))

    headers = sum(len(header) + len(text) + 2 * 2 for header, text in record.headers)
    assert record.size >= len(key) + len(value) + headers + 5 * 4
