"""What a handler is called with, and the unit that its call comes to."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
import structlog

from router.clock import format_rfc3339
from router.consume.store import Cause, Store, Stored, Unit
from router.event import Event as CloudEvent
from router.event import IdBasis, dataschema_of
from router.record import Record, encode_event, headers_of

MAX_EMITTED_BYTES = 2 * 1024 * 1024
"""The default of `topics.max_message_bytes`."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_json = msgspec.json.Encoder()


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The event that derived ones come from, and whose handler makes them.

    Attributes:
        handler: Its name.
        event: The event as it lies in Kafka.
        key: Of its record.
        cause: What the event's effects are remembered by, if anything names it.
    """

    handler: str
    event: dict[str, Any]
    key: bytes
    cause: Cause | None


class Emits(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler may announce.

    Attributes:
        types: Of derived events.
        topic_of: Names a type's topic.
        max_bytes: Of one record; Kafka would refuse a larger one for ever, and no later record
            would leave.
    """

    types: Sequence[str]
    topic_of: Callable[[str], str]
    max_bytes: int = MAX_EMITTED_BYTES


class BufferedState:
    """A handler's values: read when asked for, and written with the unit."""

    def __init__(self, handler: str, store: Store) -> None:
        """Take whose values they are and where they lie."""
        self._handler = handler
        self._store = store
        self._read: dict[str, Stored] = {}
        self.writes: dict[str, bytes | None] = {}

    @property
    def reads(self) -> dict[str, int]:
        """The version of each key that was read."""
        return {key: stored.version for key, stored in self._read.items()}

    async def get(self, key: str) -> Any:
        """Return the value, with what was put since; see `router.handler.State`."""
        if key in self.writes:
            value = self.writes[key]
        else:
            stored = self._read.get(key)
            if stored is None:  # once read, it is the same for the whole call
                stored = self._read[key] = await self._store.read(self._handler, key)
            value = stored.value
        return None if value is None else msgspec.json.decode(value)

    async def put(self, key: str, value: Any) -> None:
        """Write a value; see `router.handler.State`."""
        self.writes[key] = _json.encode(value)

    async def delete(self, key: str) -> None:
        """Remove a value; see `router.handler.State`."""
        self.writes[key] = None


class CallContext:
    """The context of one call; see `router.handler.Context`."""

    def __init__(
        self,
        origin: Origin,
        state: BufferedState,
        emits: Emits,
        now_ms: int,
        attempt: int,
    ) -> None:
        """Take everything that the call may ask for."""
        self.state = state
        self.attempt = attempt
        self.now = moment(now_ms)
        self._origin = origin
        self._emits = emits
        self._now_ms = now_ms
        self._records: list[Record] = []

    @property
    def log(self) -> structlog.typing.FilteringBoundLogger:
        """A logger that knows the handler and the event; made only where it is asked for."""
        event = self._origin.event
        logger: structlog.typing.FilteringBoundLogger = structlog.get_logger("handlers")
        return logger.bind(
            handler=self._origin.handler, event_type=event["type"], event_id=event["id"]
        )

    def emit(self, event_type: str, data: Any, subject: str | None = None) -> None:
        """Announce a derived event; see `router.handler.Context`."""
        if event_type not in self._emits.types:
            known = ", ".join(self._emits.types) or "nothing"
            raise ValueError(f"{event_type} is not in the handler's emits, which names {known}")
        event = derived(self._origin, event_type, data, (len(self._records), self._now_ms, subject))
        record = Record(
            topic=self._emits.topic_of(event_type),
            key=subject.encode() if subject else self._origin.key,
            value=encode_event(event),
            headers=headers_of(event),
        )
        if record.size > self._emits.max_bytes:
            raise ValueError(
                f"{event_type} takes {record.size} bytes; topics.max_message_bytes allows "
                f"{self._emits.max_bytes}"
            )
        self._records.append(record)

    def unit(self) -> Unit | None:
        """Return what the call wants written, or None where that is nothing."""
        if not self.state.writes and not self._records:
            return None
        return Unit(
            handler=self._origin.handler,
            cause=self._origin.cause,
            reads=self.state.reads,
            writes=self.state.writes,
            outbox=tuple(self._records),
        )


def derived(
    origin: Origin, event_type: str, data: Any, place: tuple[int, int, str | None]
) -> CloudEvent:
    """Return the derived event of a cause; its id follows from the cause, so it is the same again.

    *place* is its number among those of the cause, the time in Unix ms, and its own subject if any.
    """
    number, now_ms, subject = place
    cause = origin.event
    id_basis: IdBasis = "none" if cause.get("idbasis") == "none" else "natural"
    name = f"callback-router.{event_type}"
    parts = [origin.handler, cause["source"], cause["id"], event_type, number]
    return CloudEvent(
        id=sha256(_json.encode(parts)).hexdigest()[:32],
        source=f"/handlers/{origin.handler}",
        type=name,
        subject=subject or cause["subject"],
        time=cause["time"],
        dataschema=dataschema_of(name),
        recordedtime=format_rfc3339(now_ms),
        timebasis=cause.get("timebasis", "received"),
        idbasis=id_basis,
        causesource=cause["source"],
        causeid=cause["id"],
        traceparent=cause.get("traceparent", ""),
        data=msgspec.to_builtins(data, str_keys=True),
    )


def moment(unix_ms: int) -> datetime:
    """Return Unix ms as a datetime in UTC."""
    return _EPOCH + timedelta(milliseconds=unix_ms)
