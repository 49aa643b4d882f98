"""Volcengine RTC's messages as events: names, times, ids and doubts beyond the samples."""

import json
from typing import Any

import pytest

from tests.samples import hashed
from tests.sender import (
    EVENT_DATA,
    NOW_TEXT,
    VECTOR,
    accepted,
    event_of,
    rtc,
    rtc_object,
    signature,
)

ROOM = {"RoomId": "room1"}


def _event(data: object, **changed: str) -> dict[str, Any]:
    return event_of("rtc", rtc(json.dumps(data), **changed))


def _doubt(data: object, **changed: str) -> str | None:
    return accepted("rtc", rtc(json.dumps(data), **changed)).doubt


def test_an_event_is_the_example_of_the_contract() -> None:
    """The published vector becomes the event that the contract shows."""
    event = event_of("rtc", rtc())

    traceparent = event.pop("traceparent")
    assert traceparent.startswith("00-")
    assert event == {
        "specversion": "1.0",
        "id": "appId/123456",
        "source": "/callbacks/rtc",
        "type": "volcengine-rtc.RoomCreate",
        "subject": "appId/room1",
        "time": "2023-03-21T07:32:04.691Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:callback-router:volcengine-rtc.RoomCreate:1",
        "recordedtime": NOW_TEXT,
        "timebasis": "event",
        "idbasis": "vendor",
        "data": {
            "app_id": "appId",
            "room_id": "room1",
            "timestamp": 1_679_383_924_691,
            "version": "2020-12-01",
        },
    }


@pytest.mark.parametrize(
    ("timestamp", "event_time", "expected"),
    [
        (0, "2023-03-21T15:32:04Z", ("1970-01-01T00:00:00.000Z", "event")),
        ("5", "2023-03-21T15:32:04Z", ("1970-01-01T00:00:00.005Z", "event")),
        (253_402_300_799_999, "2023-03-21T15:32:04Z", ("9999-12-31T23:59:59.999Z", "event")),
        (253_402_300_800_000, "2023-03-21T15:32:04Z", ("2023-03-21T15:32:04.000Z", "envelope")),
        (-1, "2023-03-21T15:32:04.1239-01:30", ("2023-03-21T17:02:04.123Z", "envelope")),
        (None, "1970-01-01T00:00:00Z", ("1970-01-01T00:00:00.000Z", "envelope")),
        (None, "1970-01-01T00:00:00+00:01", (NOW_TEXT, "received")),
        ("x", "9999-12-31T23:59:59-00:01", (NOW_TEXT, "received")),
    ],
    ids=repr,
)
def test_a_time_is_the_best_that_is_known(
    timestamp: object, event_time: str, expected: tuple[str, str]
) -> None:
    """The event's own, else the envelope's, else the receipt's; outside of 1970 to 9999 is none."""
    event = _event({**ROOM, "Timestamp": timestamp}, EventTime=event_time)

    assert (event["time"], event["timebasis"]) == expected


@pytest.mark.parametrize(
    ("event_type", "data", "subject"),
    [
        ("SomethingNew", {"RoomId": "r"}, "appId/r"),
        ("SomethingNew", {"RoomId": 7}, "appId/7"),
        ("SomethingNew", {"RoomId": "r", "PublicStreamId": "p", "TaskId": "t"}, "appId/r"),
        ("SomethingNew", {"PublicStreamId": "p", "TaskId": "t"}, "appId/p"),
        ("SomethingNew", {"TaskId": "t"}, "appId/t"),
        ("SomethingNew", {"RoomId": "", "TaskId": "t"}, "appId/t"),
        ("SomethingNew", {"RoomId": {}, "TaskId": "t"}, "appId/t"),
        ("SomethingNew", {}, "appId"),
        ("SomethingNew", [], "appId"),
        ("RoomCreate", {"TaskId": "t"}, "appId/t"),
        ("RoomCreate", {"RoomId": "a\u0085b"}, "appId"),
    ],
    ids=repr,
)
def test_what_is_unrecognized_is_named_as_well_as_can_be(
    event_type: str, data: object, subject: str
) -> None:
    """The first entity that can be read follows the application; without one it stands alone."""
    event = _event(data, EventType=event_type)

    assert event["type"] == "volcengine-rtc.Unrecognized"
    assert event["subject"] == subject


@pytest.mark.parametrize(
    "room",
    ["", None, True, 1.5, [], {}, "a\nb", "\x00", "\x7f", "\x9f", "r" * 257, "é" * 129, "房" * 86],
    ids=repr,
)
def test_an_entity_that_cannot_be_read_is_a_bad_field(room: object) -> None:
    """Empty, no text or integer, a control character, or more than 256 bytes."""
    assert _doubt({"RoomId": room, "TaskId": "t"}) == "bad-field"


@pytest.mark.parametrize(
    ("room", "name"),
    [("r" * 256, "r" * 256), ("é" * 128, "é" * 128), (7, "7"), (-7, "-7"), (" ", " "), ("/", "/")],
    ids=repr,
)
def test_an_entity_is_a_text_or_an_integer(room: object, name: str) -> None:
    """Up to 256 bytes, and any character but the control ones."""
    assert _event({"RoomId": room})["subject"] == f"appId/{name}"


@pytest.mark.parametrize("name", ["zero\u200bwidth", "line\u2028end", "\u00ad", "\ue000"], ids=repr)
def test_what_does_not_print_is_no_control_character(name: str) -> None:
    """Only C0, C1 and DEL are control characters: other invisible ones may name a room."""
    assert _event({"RoomId": name})["subject"] == f"appId/{name}"


def test_only_its_own_entity_names_a_type() -> None:
    """A recording belongs to its room: a TaskId does not stand in for the RoomId."""
    assert _doubt({"TaskId": "t"}, EventType="RecordStarted") == "bad-field"
    assert _doubt({"TaskId": "t", "RoomId": "r"}, EventType="RecordStarted") is None


@pytest.mark.parametrize(
    "changed",
    [{"EventId": ""}, {"EventId": "a\tb"}, {"EventId": "x" * 257}, {"AppId": ""}, {"AppId": "\n"}],
    ids=repr,
)
def test_without_the_vendors_id_the_content_names_the_event(changed: dict[str, str]) -> None:
    """A bad id or application: bad-field, and the id is the hash of the content sans proof."""
    event = event_of("rtc", rtc(**changed))

    content = {key: value for key, value in {**VECTOR, **changed}.items() if key != "Nonce"}
    assert event["data"]["reason"] == "bad-field"
    assert event["idbasis"] == "content"
    assert event["id"] == hashed("volcengine-rtc", "Unrecognized", content)


def test_the_contents_id_does_not_depend_on_its_proof() -> None:
    """A retry that is signed with another nonce is the same occurrence."""
    first, again = (event_of("rtc", rtc(EventId="", Nonce=nonce)) for nonce in ("aaBc", "7302"))

    assert first["id"] == again["id"]
    assert first["id"] != event_of("rtc", rtc('{"RoomId":"other"}', EventId=""))["id"]


def test_equal_occurrences_have_equal_ids() -> None:
    """The id is the vendor's, whatever else the delivery says."""
    first = event_of("rtc", rtc())
    again = event_of("rtc", rtc(EVENT_DATA, Nonce="7302", EventTime="2023-03-21T15:33:04+08:00"))

    assert (first["source"], first["id"]) == (again["source"], again["id"])


@pytest.mark.parametrize(
    ("changed", "data", "doubt"),
    [
        ({"EventTime": "x", "EventType": "No.Type", "EventId": ""}, "x", "suspicious"),
        ({"EventType": "SomethingNew", "EventId": ""}, "x", "unknown-type"),
        ({"EventId": ""}, "x", "bad-payload"),
        ({"EventId": ""}, {}, "bad-field"),
        ({"EventId": ""}, ROOM, "bad-field"),
        ({}, {}, "bad-field"),
        ({}, ROOM, None),
    ],
    ids=str,
)
def test_the_first_of_several_doubts_counts(
    changed: dict[str, str], data: object, doubt: str | None
) -> None:
    """Suspicious, then unknown type, bad payload, bad field."""
    outcome = accepted("rtc", rtc(json.dumps(data), **changed))

    assert outcome.doubt == doubt
    assert (outcome.short_type == "Unrecognized") == (doubt is not None)


@pytest.mark.parametrize(
    ("member", "doubt"),
    [
        ("EventType", "suspicious"),
        ("EventTime", "suspicious"),
        ("Version", "suspicious"),
        ("EventData", "bad-payload"),
        ("EventId", None),
        ("AppId", None),
        ("Nonce", None),
    ],
)
def test_a_number_for_a_text_is_proven_and_judged(member: str, doubt: str | None) -> None:
    """Each signed member may come as a number; it is what its place makes of it."""
    values = {**VECTOR, member: "123"}
    envelope = {**values, member: 123, "Signature": signature(values)}

    assert accepted("rtc", json.dumps(envelope).encode()).doubt == doubt


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "null", "1", '"{}"', '{"RoomId":"r"', '{"a":1e400}', '{"a":"\\ud800"}']
)
def test_event_data_that_is_no_object_is_a_bad_payload(text: str) -> None:
    """The message stays as it came, and it is accepted."""
    event = event_of("rtc", rtc(text))

    assert event["data"]["reason"] == "bad-payload"
    assert event["data"]["body"]["EventData"] == text
    assert event["time"] == NOW_TEXT


def test_an_unrecognized_body_stays_as_it_came() -> None:
    """Keys, numbers and spaces are the sender's; only the members that prove it are gone."""
    body = rtc_object('{ "RoomId" : "r", "N": 1.50, "n":1E2 }', EventType="SomethingNew")

    value = accepted("rtc", body).records[0].value
    assert b'"EventData":{ "RoomId" : "r", "N": 1.50, "n":1E2 }' in value
    assert list(json.loads(value)["data"]["body"]) == [name for name in VECTOR if name != "Nonce"]


@pytest.mark.parametrize(
    ("data", "envelope", "expected"),
    [
        ({"AppId": "inner"}, "", {"app_id": "appId", "version": "2020-12-01"}),
        (
            {"Version": "2"},
            "",
            {"app_id": "appId", "version": "2020-12-01", "Version": "2"},
        ),
        (
            {"BusinessId": "inner"},
            ',"BusinessId":"outer"',
            {"app_id": "appId", "version": "2020-12-01", "business_id": "inner"},
        ),
        (
            {},
            ',"BusinessId":"outer"',
            {"app_id": "appId", "version": "2020-12-01", "business_id": "outer"},
        ),
        (
            {},
            ',"BusinessId":null,"MoreOf":{"NewKey":1},"Code":1',
            {"app_id": "appId", "version": "2020-12-01"},  # whoever saw one callback can add these
        ),
    ],
    ids=["app-id", "version", "business-id-twice", "business-id-outer", "unsigned"],
)
def test_the_envelope_joins_the_data(
    data: dict[str, str], envelope: str, expected: dict[str, object]
) -> None:
    """`app_id` and `version` are the envelope's, `business_id` EventData's if it has one."""
    body = rtc_object(json.dumps({**data, **ROOM}), envelope)

    assert event_of("rtc", body)["data"] == {**expected, "room_id": "room1"}


@pytest.mark.parametrize(
    ("data", "count"),
    [
        ({}, 0),
        ({"Timestamp": 1}, 0),
        ({"Timestamp": "x"}, 1),
        ({"NewOne": {"a": 1, "b": 2}}, 1),
        ({"NewOne": 1, "NewTwo": 2, "Timestamp": True}, 3),
        ({"Version": "2"}, 1),
    ],
    ids=repr,
)
def test_what_no_document_explains_is_counted(data: dict[str, object], count: int) -> None:
    """Undocumented fields and values that do not convert count; what is understood does not."""
    outcome = accepted("rtc", rtc(json.dumps({**ROOM, **data})))

    assert outcome.unknown_fields == count


def test_values_that_nest_too_deep_are_kept_as_they_came() -> None:
    """More levels than can be copied safely: a bad payload, nothing lost."""
    deep = "[" * 300 + "]" * 300
    event = event_of("rtc", rtc(f'{{"RoomId":"r","New":{deep}}}'))

    assert event["data"]["reason"] == "bad-payload"
    assert deep in event["data"]["body"]["EventData"]


def test_the_events_time_is_the_documented_fields_only() -> None:
    """A field that only ends up under the name `timestamp` is not the vendor's Timestamp."""
    event = _event({**ROOM, "timestamp": 1_000})

    assert event["data"]["timestamp"] == 1_000
    assert event["timebasis"] == "envelope"


def test_what_was_not_signed_does_not_set_the_time() -> None:
    """The digest covers EventData, and not what else stands in the envelope."""
    event = event_of("rtc", rtc_object(json.dumps(ROOM), ',"Timestamp":1000'))

    assert event["timebasis"] == "envelope"


def test_what_was_not_signed_does_not_name_the_subject() -> None:
    """Nor does a room beside EventData name what an unknown type is about."""
    event = event_of("rtc", rtc_object("{}", ',"RoomId":"elsewhere"', EventType="Nothing"))

    assert event["data"]["reason"] == "unknown-type"
    assert event["subject"] == "appId"
