"""For authors of handlers: events without a vendor, and what a handler makes of them.

No Kafka, no database, no clock: `sample` makes an event from what its class documents, `run`
hands events to a handler one after the other and tells what came of it. A call's effects count as
in production: an event that comes again had its effect, and a call that fails, or returns `Retry`
or `DeadLetter`, leaves nothing. In production an event whose call failed is tried again; here it
is so where it is listed again.

    >>> import asyncio
    >>> from handlers.recording_ready import recording_ready
    >>> from router.testing import run, sample
    >>> from router.vendors.volcengine_rtc.events import RecordStopped, RecordUploadDone
    >>> stopped = sample(RecordStopped, task_id="task-1", code=0, time=60)
    >>> uploaded = sample(RecordUploadDone, task_id="task-1", code=1, time=90)
    >>> result = asyncio.run(run(recording_ready, [uploaded, stopped, uploaded]))
    >>> [(data["task_id"], data["code"]) for data in result.announced("RecordingReady")]
    [('task-1', 1)]
    >>> result.outcomes
    (None, None, None)

In a test that is async itself: `result = await run(recording_ready, [...])`.

Design: the calls are made by what makes them in production (`router.consume.call`), on a store in
memory, so that no second set of rules can differ from the first.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any, TypeVar, cast

import msgspec
import structlog

from router.clock import LAST_MS, format_rfc3339
from router.consume.call import Abandoned, Call, Calls
from router.consume.inbox import Envelope, opened, typed
from router.consume.offsets import Offsets
from router.consume.settle import Failed, Failures, Unreadable
from router.consume.store import Cause, Store, Stored, Unit, Written
from router.consume.writer import Writer
from router.event import Event as CloudEvent
from router.event import IdBasis, TimeBasis
from router.handler import DeadLetter, Event, Handler, Retry
from router.record import Received, decode_event
from router.vendors import vendors
from router.vendors.fields import Field, Table, snake_case
from router.vendors.spec import EventType, Moment, Vendor
from router.vendors.traffic import LEFT_OUT

__all__ = ["LEFT_OUT", "START", "Failed", "Result", "run", "sample"]

START = datetime(2026, 1, 1, tzinfo=UTC)
"""The time of samples that are given none, and what seconds count from."""

Data = TypeVar("Data", bound=msgspec.Struct)
Time = datetime | float
"""A point in time, or seconds after `START`."""

_Outcome = Retry | DeadLetter | Failed | Unreadable | None

_MS = {"ms": 1, "s": 1000}
_TRACE = f"00-{1:032x}-{1:016x}-01"
_json = msgspec.json.Encoder()


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler made of some events.

    Attributes:
        outcomes: Of each event in turn: None: done, now or before; what the handler returned; or
            how it failed.
        emitted: The derived events, in order, as they would lie in Kafka.
        state: The handler's values by key, for a further `run`.
        logs: What was logged meanwhile: `event`, `log_level`, and what was bound.
    """

    outcomes: tuple[_Outcome, ...]
    emitted: tuple[CloudEvent, ...]
    state: dict[str, Any]
    logs: tuple[Mapping[str, Any], ...]

    def announced(self, event_type: str) -> list[dict[str, Any]]:
        """Return the data of the derived events of a type, in order."""
        return [event.data for event in self.emitted if event.short_type == event_type]


def sample(
    event_class: type[Data],
    *,
    time: Time | None = None,
    recorded_time: Time | None = None,
    event_id: str | None = None,
    **fields: Any,
) -> Event[Data]:
    """Return an event of a vendor's event class, plausible wherever nothing is given.

    Args:
        event_class: One of `router.vendors.<vendor>.events`.
        time: When it happened. Without it, what the given fields tell, else `START`.
        recorded_time: When it was received; without it at once.
        event_id: Without it, equal events have equal ids, and only those.
        fields: Values by the names of the class; of nested objects those given are enough.
            `LEFT_OUT` keeps a field away. The others have the first of their documented examples.
            What no document knows may be added to the event's `raw`, which is what `run` reads.

    Raises:
        TypeError: There is no such class or field, or a value does not fit.
    """
    vendor, kind = _kind_of(event_class)
    data = _filled(kind.table, fields)
    time_ms, time_basis = _timed(vendor, data, fields, time)
    number = sha256(_json.encode([kind.name, time_ms, data])).hexdigest()[:32]
    event = CloudEvent(
        id=event_id or number,
        source=f"/callbacks/{vendor.name}",
        type=kind.name,
        subject=_subject(vendor, kind, data),
        time=format_rfc3339(time_ms),
        dataschema=kind.dataschema,
        recordedtime=format_rfc3339(time_ms if recorded_time is None else _ms(recorded_time)),
        timebasis=time_basis,
        idbasis=_id_basis(vendor, kind, data),
        traceparent=_TRACE,
        data=data,
    )
    envelope = opened(_received(_json.encode(event), event.subject))
    made = (
        envelope if isinstance(envelope, Unreadable) else typed(envelope, {kind.name: event_class})
    )
    if not isinstance(made, Event):
        raise TypeError(f"{event_class.__name__}: {made.detail if made else 'no event'}")
    return made


async def run(
    handler: Handler,
    events: Sequence[Event[Any]],
    *,
    state: Mapping[str, Any] | None = None,
    now: Time | None = None,
) -> Result:
    """Return what the handler makes of *events*, handed over in this order.

    Args:
        handler: What `@handler` returned.
        events: From `sample`; the same one twice is a duplicate.
        state: The handler's values before, by key; none if not given.
        now: `context.now` of every call; without it, when the event was received.

    Raises:
        TypeError: The handler does not read one of the events.
    """
    memory = _Memory(state or {})
    calls = _Calls(handler, memory, None if now is None else _ms(now))
    with structlog.testing.capture_logs() as logs:
        outcomes = [await calls.outcome(event) for event in events]
    return Result(
        outcomes=tuple(outcomes),
        emitted=tuple(memory.emitted),
        state=memory.state,
        logs=tuple(logs),
    )


class _Memory:
    """As much of a `Store` as calls need, for one handler, until the run ends."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self._values = {key: Stored(1, _json.encode(value)) for key, value in state.items()}
        self._causes: set[Cause] = set()
        self.emitted: list[CloudEvent] = []

    @property
    def state(self) -> dict[str, Any]:
        values = {key: stored.value for key, stored in self._values.items()}
        return {key: msgspec.json.decode(value) for key, value in values.items() if value}

    async def read(self, _handler: str, key: str) -> Stored:
        return self._values.get(key, Stored(0, None))

    async def had_effect(self, _handler: str, causes: Sequence[Cause]) -> set[Cause]:
        return self._causes.intersection(causes)

    def write(self, unit: Unit) -> None:
        """Write all that the unit holds; calls come one after the other, so nothing conflicts."""
        self._values |= {key: Stored(1, value) for key, value in unit.writes.items()}
        self._causes |= {unit.cause} if unit.cause else set()
        self.emitted += [decode_event(record.value) for record in unit.outbox]


class _AtOnce(Writer):
    """Writes without waiting for others."""

    def __init__(self, memory: _Memory) -> None:
        super().__init__(cast(Store, memory))
        self._memory = memory

    async def write(self, unit: Unit) -> Written:
        self._memory.write(unit)
        return "done"


class _Calls(Calls):
    """The calls of a run, at a time that is given."""

    def __init__(self, handler: Handler, memory: _Memory, now_ms: int | None) -> None:
        classes = {_kind_of(event_class)[1].name: event_class for event_class in handler.events}
        store = cast(Store, memory)
        super().__init__(
            handler, classes, store, _AtOnce(memory), "derived.{}".format, lambda: self._present_ms
        )
        self._fixed_ms = now_ms
        self._present_ms = 0
        self._failures: dict[str, int] = {}

    async def outcome(self, event: Event[Any]) -> _Outcome:
        """Return what became of one event."""
        if event.type not in self._classes:
            raise TypeError(f"{self._handler.name} does not read {event.type}")
        received = _received(_json.encode(event.raw), event.subject)
        envelope = opened(received)
        if isinstance(envelope, Envelope) and envelope.cause in await self._had_effect(envelope):
            return None
        if isinstance(envelope, Envelope):
            fixed_ms = self._fixed_ms
            self._present_ms = envelope.recorded_ms if fixed_ms is None else fixed_ms
        call = Call(received, envelope, Offsets())
        call.failures = Failures(self._failures.get(event.id, 0))
        outcome = await self.made(call)
        if isinstance(outcome, Abandoned):
            outcome = Failed("failed", "UnavailableError: in production tried again for ever")
        if outcome is not None:
            self._failures[event.id] = call.failures.attempts + 1
        return outcome

    async def _had_effect(self, envelope: Envelope) -> set[Cause]:
        return await self.known([envelope.cause] if envelope.cause else [])


def _received(value: bytes, key: str) -> Received:
    return Received(topic="", partition=0, offset=0, key=key.encode(), value=value, headers=())


@cache
def _kinds() -> dict[type[msgspec.Struct], tuple[Vendor, EventType]]:
    known = ((vendor, kind) for vendor in vendors().values() for kind in vendor.types.values())
    return {kind.event_class: (vendor, kind) for vendor, kind in known}


def _kind_of(event_class: type[msgspec.Struct]) -> tuple[Vendor, EventType]:
    found = _kinds().get(event_class)
    if found is None:
        raise TypeError(f"{event_class.__name__} is no event class of router.vendors")
    return found


def _filled(table: Table, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return every documented field by its name in the event, the given ones as given."""
    fields = {field.name: field for field in table.values()}
    for name in given:
        if name not in fields:
            raise TypeError(f"no field {name}; there are {', '.join(fields)}")
    values = {name: _value(field, given) for name, field in fields.items()}
    return {name: value for name, value in values.items() if value is not LEFT_OUT}


def _value(field: Field, given: Mapping[str, Any]) -> Any:
    if field.table is None:
        plain = field.examples[0] if field.examples else field.kind()
        return given.get(field.name, plain)
    value = given.get(field.name, {} if field.kind is dict else [{}])
    if isinstance(value, Mapping):
        return _filled(field.table, value)
    if isinstance(value, list):
        return [_filled(field.table, item) for item in value]
    return value


def _ms(time: Time) -> int:
    instant = time if isinstance(time, datetime) else START + timedelta(seconds=time)
    return round(instant.timestamp() * 1000)


def _names(path: str) -> list[str]:
    return [snake_case(part) for part in path.split(".") if part]


def _at(data: dict[str, Any], path: str) -> Any:
    """Return the value at a path in the vendor's spelling, or None; *data* where it is empty."""
    value: Any = data
    for name in _names(path):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _timed(
    vendor: Vendor, data: dict[str, Any], fields: dict[str, Any], time: Time | None
) -> tuple[int, TimeBasis]:
    """Return the event's time, Unix ms, and write it into *data* where the vendor tells it."""
    places = [place for place in vendor.time if place.basis == "event"]
    given = [told for place in places if (told := _told(fields, place)) is not None]
    time_ms = given[0] if given and time is None else _ms(START if time is None else time)
    for place in places:
        if _at(data, place.path) is not None and _at(fields, place.path) is None:
            *outer, name = _names(place.path)
            _at(data, ".".join(outer))[name] = time_ms // _MS[place.unit]
    if any(_told(data, place) is not None for place in places):
        return time_ms, "event"
    return time_ms, "received" if len(places) == len(vendor.time) else "envelope"


def _told(data: dict[str, Any], place: Moment) -> int | None:
    """Return the time at a place, Unix ms, where there is one that an event can have."""
    value = _at(data, place.path)
    time_ms = value * _MS[place.unit] if isinstance(value, int) else -1
    return time_ms if 0 <= time_ms <= LAST_MS else None


def _subject(vendor: Vendor, kind: EventType, data: dict[str, Any]) -> str:
    """Return the entity's name, as `router.vendors.spec.Subject` tells."""
    inside = f"{vendor.payload.member}." if vendor.payload.is_merged else ""
    within = [_at(data, path.removeprefix(inside)) for path in vendor.subject.within]
    entity = [value for path in kind.entity if (value := _at(data, path)) is not None]
    return "/".join(str(value) for value in [*within, *entity[:1]]) or vendor.name


def _id_basis(vendor: Vendor, kind: EventType, data: dict[str, Any]) -> IdBasis:
    if vendor.identity is not None:
        return "vendor"
    identity = kind.identity
    if identity and all(_at(data, path) not in (None, "") for path in identity.required):
        return "natural"
    return vendor.unnamed
