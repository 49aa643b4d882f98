"""A record to what its handler is called with: total, pure."""

from typing import Any, TypeGuard

import msgspec

from router.clock import LAST_MS, parse_rfc3339
from router.consume.context import moment
from router.consume.settle import Unreadable
from router.consume.store import Cause
from router.handler import Event
from router.record import Received

_decode = msgspec.json.Decoder().decode
_TEXTS = ("id", "source", "type", "subject", "time", "recordedtime")

Classes = dict[str, type[msgspec.Struct]]
"""Event classes by `{vendor}.{Type}`."""


class Envelope(msgspec.Struct, frozen=True):
    """A record that holds an event.

    Attributes:
        raw: The event as it lies in Kafka.
        time_ms: When it happened, Unix ms.
        recorded_ms: When it was received, Unix ms.
        cause: What its effects are remembered by; None where nothing names the event.
    """

    raw: dict[str, Any]
    time_ms: int
    recorded_ms: int
    cause: Cause | None


def opened(received: Received) -> Envelope | Unreadable:
    """Return the event in a record, or why there is none."""
    try:
        raw = _decode(received.value)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return Unreadable("undecodable", f"no JSON: {error}")
    if not isinstance(raw, dict):
        return Unreadable("undecodable", "no JSON object")
    for name in _TEXTS:
        if type(raw.get(name)) is not str:
            return Unreadable("undecodable", f"no event: {name} is missing or no text")
    time_ms, recorded_ms = parse_rfc3339(raw["time"]), parse_rfc3339(raw["recordedtime"])
    if not _is_moment(time_ms) or not _is_moment(recorded_ms):
        return Unreadable("undecodable", "no event: a time that is not RFC 3339")
    cause = None if raw.get("idbasis") == "none" else Cause(raw["source"], raw["id"])
    return Envelope(raw, time_ms, recorded_ms, cause)


def _is_moment(unix_ms: int | None) -> TypeGuard[int]:
    return unix_ms is not None and 0 <= unix_ms <= LAST_MS


def typed(envelope: Envelope, classes: Classes) -> Event[Any] | Unreadable | None:
    """Return the event with its data as the handler's class; None for a type it does not read."""
    raw = envelope.raw
    event_class = classes.get(raw["type"])
    if event_class is None:
        return None
    try:
        data = msgspec.convert(raw.get("data"), event_class)
    except msgspec.ValidationError as error:
        return Unreadable("bad-field", str(error))
    return Event(
        id=raw["id"],
        source=raw["source"],
        type=raw["type"],
        subject=raw["subject"],
        time=moment(envelope.time_ms),
        recorded_time=moment(envelope.recorded_ms),
        data=data,
        raw=raw,
    )
