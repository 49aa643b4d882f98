"""Records to events: whatever lies in Kafka, there is an event, or a reason why not."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.consume.inbox import Envelope, opened, typed
from router.consume.settle import Unreadable
from router.consume.store import Cause
from router.handler import Event
from router.record import Received


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """An event class."""

    room_id: str
    code: int = 0


CLASSES: dict[str, type[msgspec.Struct]] = {"rtc.Stopped": Stopped}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "app/1",
    "source": "/callbacks/rtc",
    "type": "rtc.Stopped",
    "subject": "app/room",
    "time": "2023-03-21T07:32:04.691Z",
    "recordedtime": "2023-03-21T07:32:05Z",
    "idbasis": "vendor",
    "data": {"room_id": "room", "code": 1, "unknown": [1]},
}


def _received(value: bytes) -> Received:
    return Received(topic="t", partition=0, offset=0, key=b"k", value=value, headers=())


def _opened(**changes: Any) -> Envelope | Unreadable:
    event = {name: value for name, value in {**EVENT, **changes}.items() if value is not ...}
    return opened(_received(msgspec.json.encode(event)))


def _typed(**changes: Any) -> Event[Any] | Unreadable | None:
    envelope = _opened(**changes)
    assert isinstance(envelope, Envelope)
    return typed(envelope, CLASSES)


def test_an_event_has_its_attributes_and_its_data_as_a_class() -> None:
    """Times are UTC; `raw` keeps what no class knows."""
    assert _typed() == Event(
        id="app/1",
        source="/callbacks/rtc",
        type="rtc.Stopped",
        subject="app/room",
        time=datetime(2023, 3, 21, 7, 32, 4, 691_000, tzinfo=UTC),
        recorded_time=datetime(2023, 3, 21, 7, 32, 5, tzinfo=UTC),
        data=Stopped(room_id="room", code=1),
        raw=EVENT,
    )


@pytest.mark.parametrize(
    ("id_basis", "expected"),
    [
        ("vendor", Cause("/callbacks/rtc", "app/1")),
        ("natural", Cause("/callbacks/rtc", "app/1")),
        ("content", Cause("/callbacks/rtc", "app/1")),
        (..., Cause("/callbacks/rtc", "app/1")),
        ("none", None),
    ],
    ids=["vendor", "natural", "content", "missing", "none"],
)
def test_source_and_id_name_the_cause(id_basis: object, expected: Cause | None) -> None:
    """Where nothing names the event there is none, so it is never skipped."""
    envelope = _opened(idbasis=id_basis)

    assert isinstance(envelope, Envelope)
    assert envelope.cause == expected


def test_a_type_that_the_handler_does_not_read_is_none() -> None:
    """A base topic may be shared by types: that is no failure."""
    assert _typed(type="rtc.RoomCreate") is None


@pytest.mark.parametrize(
    "data",
    [{"room_id": 1}, {}, None, [1], {"room_id": "r", "code": "1"}],
    ids=["wrong type", "missing", "null", "no object", "text for a number"],
)
def test_data_that_does_not_fit_is_a_bad_field(data: object) -> None:
    """The class is asked for, so it is what the handler gets, or nothing."""
    found = _typed(data=data)

    assert isinstance(found, Unreadable)
    assert found.reason == "bad-field"


@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"\xff", b'{"a":"\xff"}', b"[]", b"1", b'"x"', b"null", b"[" * 100_000],
    ids=["empty", "cut", "no UTF-8", "bad text", "array", "number", "text", "null", "deep"],
)
def test_what_is_no_json_object_is_undecodable(value: bytes) -> None:
    """With a reason, and without an exception."""
    found = opened(_received(value))

    assert isinstance(found, Unreadable)
    assert found.reason == "undecodable"


@pytest.mark.parametrize("name", ["id", "source", "type", "subject", "time", "recordedtime"])
@pytest.mark.parametrize("value", [..., None, 1, ["x"]], ids=["missing", "null", "number", "array"])
def test_an_event_without_its_attributes_is_undecodable(name: str, value: object) -> None:
    """Each of them is text; the reason names the first that is not."""
    found = _opened(**{name: value})

    assert found == Unreadable("undecodable", f"no event: {name} is missing or no text")


@pytest.mark.parametrize("name", ["time", "recordedtime"])
def test_a_time_is_rfc_3339(name: str) -> None:
    """Anything else is no event of ours."""
    assert _opened(**{name: "yesterday"}) == Unreadable(
        "undecodable", "no event: a time that is not RFC 3339"
    )


@pytest.mark.parametrize(
    "time",
    ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:60Z"],
    ids=["before year 1", "after year 9999", "a leap second at the end of time"],
)
def test_a_time_that_no_calendar_has_is_no_failure_of_ours(time: str) -> None:
    """RFC 3339 can write instants that a datetime cannot hold: the record dies, not the runner."""
    envelope = _opened(time=time)
    found = typed(envelope, CLASSES) if isinstance(envelope, Envelope) else envelope

    assert isinstance(found, Unreadable)


TIMES = st.builds(
    "{:04}-{:02}-{:02}T{:02}:59:{:02}{}".format,
    st.sampled_from([0, 1, 1969, 2026, 9999]),
    st.integers(0, 13),
    st.integers(0, 32),
    st.integers(0, 24),
    st.integers(0, 61),
    st.sampled_from(["Z", "+23:59", "-23:59", "", ".999999999Z"]),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | TIMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def _check(value: bytes) -> None:
    envelope = opened(_received(value))
    if isinstance(envelope, Envelope):
        assert envelope.cause is None or isinstance(envelope.cause, Cause)
        envelope = msgspec.structs.replace(envelope, raw={**envelope.raw, "type": "rtc.Stopped"})
        assert isinstance(typed(envelope, CLASSES), Event | Unreadable)
    else:
        assert envelope.reason == "undecodable"


@given(st.binary())
def test_any_bytes_are_read(value: bytes) -> None:
    """An event, or the reason why there is none; never an exception."""
    _check(value)


@given(st.dictionaries(st.sampled_from(sorted(EVENT)), JSON | TIMES, max_size=3))
def test_any_event_is_read(changes: dict[str, Any]) -> None:
    """Whatever stands where an attribute should."""
    _check(msgspec.json.encode({**EVENT, **changes}))


@given(st.integers(0, 300), st.binary(max_size=3))
def test_any_damage_is_read(place: int, damage: bytes) -> None:
    """An event with some bytes of it replaced."""
    value = msgspec.json.encode(EVENT)

    _check(value[:place] + damage + value[place + len(damage) :])
