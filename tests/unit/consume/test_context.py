"""What a call reads, writes and emits, and the unit that it comes to."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from router.consume.context import BufferedState, CallContext, Emits, Origin, derived, moment
from router.consume.store import Cause, Unit
from router.event import Event
from router.record import Record, decode_event
from tests.fakes_store import FakeStore

CAUSE = Cause("/callbacks/rtc", "app/1")
RAW: dict[str, Any] = {
    "id": "app/1",
    "source": "/callbacks/rtc",
    "type": "rtc.Stopped",
    "subject": "app/room",
    "time": "2023-03-21T07:32:04.691Z",
    "timebasis": "envelope",
    "idbasis": "vendor",
    "traceparent": "00-1-2-01",
}
ORIGIN = Origin(handler="h", event=RAW, key=b"app/key", cause=CAUSE)
NOW_MS = 1_679_383_925_000
MAX_BYTES = 10_000


class Ready(msgspec.Struct, frozen=True):
    """Data of a derived event."""

    files: tuple[str, ...]
    at: datetime


async def _store(**values: bytes) -> FakeStore:
    store = FakeStore()
    await store.start()
    writes: dict[str, bytes | None] = dict(values)
    await store.write([Unit(handler="h", cause=None, writes=writes)], 0)
    return store


def _emits(*types: str) -> Emits:
    return Emits(types=types, topic_of="derived.{}".format, max_bytes=MAX_BYTES)


def _context(store: FakeStore, origin: Origin = ORIGIN) -> CallContext:
    return CallContext(origin, BufferedState("h", store), _emits("Ready"), NOW_MS, attempt=3)


def _events(context: CallContext) -> list[Event]:
    unit = context.unit()
    assert unit is not None
    return [decode_event(record.value) for record in unit.outbox]


async def test_values_are_read_once_and_written_with_the_unit() -> None:
    """What was put or deleted is seen by the call at once, and by nobody else before its commit."""
    store = await _store(a=b"1", b=b"[2]", c=b"3")
    state = _context(store).state
    assert [await state.get(key) for key in ("a", "b", "none")] == [1, [2], None]
    await store.write([Unit(handler="h", cause=None, writes={"a": b"99"})], 0)

    await state.put("new", Ready(("f",), datetime(2026, 1, 1, tzinfo=UTC)))
    await state.delete("b")

    assert await state.get("a") == 1
    assert await state.get("b") is None
    assert await state.get("new") == {"files": ["f"], "at": "2026-01-01T00:00:00Z"}
    assert (await store.read("h", "b")).value == b"[2]"


async def test_the_unit_holds_what_was_read_written_and_emitted() -> None:
    """Reads with the version that was seen; a key that is not there has version 0."""
    store = await _store(a=b"1")
    context = _context(store)
    await context.state.get("a")
    await context.state.get("none")
    await context.state.put("a", 2)
    await context.state.delete("gone")
    context.emit("Ready", {"n": 1})
    unit = context.unit()

    assert unit is not None
    assert (unit.handler, unit.cause) == ("h", CAUSE)
    assert unit.reads == {"a": (await store.read("h", "a")).version, "none": 0}
    assert unit.writes == {"a": b"2", "gone": None}
    assert [record.topic for record in unit.outbox] == ["derived.Ready"]


async def test_a_value_is_the_callers_own() -> None:
    """Changing what was read changes nothing until it is put."""
    state = _context(await _store(a=b"[1]")).state
    (await state.get("a")).append(2)

    assert await state.get("a") == [1]
    assert state.writes == {}


async def test_a_call_that_wants_nothing_written_is_no_unit() -> None:
    """Reading alone is none."""
    context = _context(await _store(a=b"1"))
    await context.state.get("a")

    assert context.unit() is None


async def test_a_value_that_json_cannot_hold_is_the_handlers_failure() -> None:
    """It is told where it is put, and nothing is kept of it."""
    state = _context(await _store()).state
    with pytest.raises(TypeError):
        await state.put("a", object())

    assert state.writes == {}


async def test_a_derived_event_names_its_cause() -> None:
    """Type, topic, source, subject, key and times are those of the contract."""
    context = _context(await _store())
    context.emit("Ready", Ready(("f",), datetime(2026, 1, 1, tzinfo=UTC)))
    unit = context.unit()

    assert unit is not None
    [record] = unit.outbox
    event = decode_event(record.value)
    assert (record.topic, record.key) == ("derived.Ready", b"app/key")
    assert record.headers == (
        ("content-type", b"application/cloudevents+json; charset=UTF-8"),
        ("event_id", event.id.encode()),
        ("event_source", b"/handlers/h"),
        ("event_type", b"callback-router.Ready"),
        ("traceparent", b"00-1-2-01"),
    )
    assert event == Event(
        id=event.id,
        source="/handlers/h",
        type="callback-router.Ready",
        subject="app/room",
        time="2023-03-21T07:32:04.691Z",
        dataschema="urn:callback-router:callback-router.Ready:1",
        recordedtime="2023-03-21T07:32:05.000Z",
        timebasis="envelope",
        idbasis="natural",
        causesource="/callbacks/rtc",
        causeid="app/1",
        traceparent="00-1-2-01",
        data={"files": ["f"], "at": "2026-01-01T00:00:00Z"},
    )


async def test_the_id_follows_from_the_cause() -> None:
    """It is the same when the call is made again, and differs in all that makes another event."""
    store = await _store()
    first, again = _context(store), _context(store)
    for context in (first, again):
        context.emit("Ready", {"n": 1})
        context.emit("Ready", {"n": 2})

    ids = [event.id for event in _events(first)]
    assert ids == [event.id for event in _events(again)]
    others = [
        derived(origin, event_type, {}, (number, NOW_MS, None)).id
        for origin in (
            ORIGIN,
            msgspec.structs.replace(ORIGIN, handler="other"),
            msgspec.structs.replace(ORIGIN, event={**RAW, "id": "app/2"}),
            msgspec.structs.replace(ORIGIN, event={**RAW, "source": "/callbacks/other"}),
        )
        for event_type in ("Ready", "Steady")
        for number in (0, 1)
    ]
    assert len(set(others)) == 16
    assert set(ids) < set(others)
    assert all(len(each) == 32 and int(each, 16) >= 0 for each in others)


async def test_what_nothing_names_has_effects_that_nothing_names() -> None:
    """The cause's `idbasis` none is that of the derived event, and no cause is remembered."""
    origin = msgspec.structs.replace(ORIGIN, event={**RAW, "idbasis": "none"}, cause=None)
    context = _context(await _store(), origin)
    context.emit("Ready", {})
    unit = context.unit()

    assert unit is not None
    assert unit.cause is None
    assert _events(context)[0].idbasis == "none"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (None, ("app/room", b"app/key")),
        ("täsk", ("täsk", "täsk".encode())),
        ("", ("app/room", b"app/key")),
    ],
    ids=["the cause's", "its own", "empty"],
)
async def test_a_subject_of_its_own_is_also_the_key(
    subject: str | None, expected: tuple[str, bytes]
) -> None:
    """Without one, both are the cause's: its record may have had another key than its subject."""
    context = _context(await _store())
    context.emit("Ready", {}, subject=subject)
    unit = context.unit()

    assert unit is not None
    assert (_events(context)[0].subject, unit.outbox[0].key) == expected


@pytest.mark.parametrize("emits", [("Ready", "Steady"), ()], ids=["some", "none"])
async def test_only_what_emits_names_is_emitted(emits: tuple[str, ...]) -> None:
    """A type without a topic is a mistake of the handler, and said with what it may emit."""
    context = CallContext(
        ORIGIN, BufferedState("h", await _store()), _emits(*emits), NOW_MS, attempt=1
    )
    words = "which names Ready, Steady" if emits else "which names nothing"

    with pytest.raises(ValueError, match=words):
        context.emit("Other", {})
    assert context.unit() is None


async def test_what_kafka_would_refuse_is_not_emitted() -> None:
    """The largest that fits is kept; one byte more is the handler's failure, and said in bytes."""
    context = _context(await _store())
    context.emit("Ready", "")
    unit = context.unit()
    assert unit is not None
    room = MAX_BYTES - unit.outbox[0].size

    context.emit("Ready", "x" * room)
    words = "Ready takes 10001 bytes; topics.max_message_bytes allows 10000"
    with pytest.raises(ValueError, match=words):
        context.emit("Ready", "x" * (room + 1))
    unit = context.unit()

    assert unit is not None
    assert [record.size for record in unit.outbox][1:] == [MAX_BYTES]


async def test_the_context_tells_attempt_time_and_logs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The log line knows the handler and the event."""
    context = _context(await _store())
    context.log.warning("something")

    assert (context.attempt, context.now) == (3, datetime(2023, 3, 21, 7, 32, 5, tzinfo=UTC))
    line = capsys.readouterr().out
    assert "something" in line
    assert all(words in line for words in ("app/1", "rtc.Stopped"))


def test_moments_are_exact() -> None:
    """Milliseconds survive, before 1970 too."""
    assert moment(-1) == datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    assert moment(1) == datetime(1970, 1, 1, 0, 0, 0, 1_000, tzinfo=UTC)


async def test_records_of_a_unit_keep_their_order() -> None:
    """They leave in the order in which they were emitted."""
    context = _context(await _store())
    for number in range(5):
        context.emit("Ready", {"n": number}, subject=str(number))
    unit = context.unit()

    assert unit is not None
    assert all(isinstance(record, Record) for record in unit.outbox)
    assert [event.data["n"] for event in _events(context)] == [0, 1, 2, 3, 4]
