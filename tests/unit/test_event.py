"""The event as its readers see it: attributes, and the two halves of its type."""

import json
from typing import Any

import msgspec
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_structured_event

from router.event import UNRECOGNIZED, Event
from router.record import encode_event

ATTRIBUTES: dict[str, Any] = {
    "id": "appId/123456",
    "source": "/callbacks/rtc",
    "type": "volcengine-rtc.RoomCreate",
    "subject": "appId/room1",
    "time": "2023-03-21T07:32:04.691Z",
    "dataschema": "urn:callback-router:volcengine-rtc.RoomCreate:1",
    "recordedtime": "2026-11-21T08:00:00.123Z",
    "timebasis": "event",
    "idbasis": "vendor",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "data": {"room_id": "room1"},
}


def test_the_vendor_and_the_short_type_are_the_types_halves() -> None:
    """Rules and topics use what stands before and behind the first dot."""
    event = Event(**ATTRIBUTES)

    assert (event.vendor, event.short_type) == ("volcengine-rtc", "RoomCreate")
    assert UNRECOGNIZED == "Unrecognized"


def test_an_event_is_one_structured_object() -> None:
    """The JSON holds the attributes of the contract and no others, in one object."""
    assert json.loads(encode_event(Event(**ATTRIBUTES))) == {
        "specversion": "1.0",
        "datacontenttype": "application/json",
        **ATTRIBUTES,
    }


def test_a_contents_id_is_there_only_for_what_nothing_names() -> None:
    """`contentid` is an attribute where it is set, and else is not there at all."""
    named, unnamed = Event(**ATTRIBUTES), Event(**ATTRIBUTES, contentid="c1")

    assert "contentid" not in json.loads(encode_event(named))
    assert json.loads(encode_event(unnamed))["contentid"] == "c1"


def test_any_cloudevents_reader_reads_it() -> None:
    """The SDK reads every attribute, extensions too, and the data as an object."""
    value = encode_event(Event(**ATTRIBUTES, contentid="c1"))

    read = from_structured_event(KafkaMessage({}, None, value))
    assert (read.get_specversion(), read.get_id()) == ("1.0", "appId/123456")
    assert (read.get_source(), read.get_subject()) == ("/callbacks/rtc", "appId/room1")
    assert read.get_type() == "volcengine-rtc.RoomCreate"
    assert read.get_datacontenttype() == "application/json"
    assert read.get_dataschema() == ATTRIBUTES["dataschema"]
    assert read.get_data() == {"room_id": "room1"}
    time = read.get_time()
    assert time is not None
    assert time.isoformat() == "2023-03-21T07:32:04.691000+00:00"
    for name in ("recordedtime", "timebasis", "idbasis", "traceparent"):
        assert read.get_extension(name) == ATTRIBUTES[name]
    assert read.get_extension("contentid") == "c1"


@pytest.mark.parametrize("name", list(ATTRIBUTES))
def test_every_attribute_must_be_given(name: str) -> None:
    """An event without one of them cannot be made by accident."""
    given = {key: value for key, value in ATTRIBUTES.items() if key != name}

    with pytest.raises(TypeError, match=name):
        Event(**given)


def test_an_event_does_not_change() -> None:
    """What was made stays as it is."""
    with pytest.raises(AttributeError):
        Event(**ATTRIBUTES).id = "other"  # type: ignore[misc]  # the mistake

    assert msgspec.structs.asdict(Event(**ATTRIBUTES))["id"] == "appId/123456"
