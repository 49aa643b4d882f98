"""An event with something of every kind, and ways to ask conditions about it."""

from typing import Any

import msgspec

from router.event import Event
from router.routing import RouteTable, Rule, parse_conditions

EVENT = Event(
    id="1",
    source="/callbacks/rtc",
    type="volcengine-rtc.RecordStopped",
    subject="app/room",
    time="2023-03-21T07:32:04.691Z",
    dataschema="urn:x",
    recordedtime="2023-03-21T07:32:04.691Z",
    timebasis="event",
    idbasis="vendor",
    traceparent="00-x",
    data={
        "code": 0,
        "share": 1.0,
        "is_on": True,
        "nothing": None,
        "text": "0",
        "empty": "",
        "one": {"deep": {"key": "v"}, "": "unnamed"},
        "many": [1, {"key": "v"}, [7, {"key": 3}]],
        "files": [{"vid": "a", "size": 3}, {"vid": "b", "size": 20, "name": None}],
        "none": [],
        "empties": [{"of": []}, {"of": []}],
        "body": {"RoomId": msgspec.Raw(b'"r"'), "Files": msgspec.Raw(b'[{"Size":9}]')},
        "raw": msgspec.Raw(b'{"key":[1,2]}'),
        "dotted.key": 1,
    },
)


def with_data(data: dict[str, Any]) -> Event:
    """Return the event with other data."""
    return msgspec.structs.replace(EVENT, data=data)


def rule(when: dict[str, Any], name: str = "r") -> Rule:
    """Return a rule that adds the topic `x`."""
    conditions, faults = parse_conditions(when)
    assert faults == []
    return Rule(name=name, conditions=conditions, topics=("x",))


def fits(when: dict[str, Any], event: Event = EVENT) -> bool:
    """Tell whether *when* fits: as it is interpreted, and as the route table runs it."""
    table = RouteTable(rules=[rule(when)])
    is_routed = len(table.records_for(event, "rtc").records) == 2
    is_fit = all(condition.fits(event, "rtc") for condition in table.rules[0].conditions)
    assert is_routed == is_fit
    return is_fit
