"""A `Verified` message to an `Event`: total, never a refusal, at worst `Unrecognized`.

Design: what is authentic is published, whatever it looks like, since the vendor would send the
same bytes again and then give up. Doubts are checked in one fixed order (suspicious, unknown
type, bad payload, bad field), and the first one decides. What cannot be understood is kept as it
came, minus what proves it, so that a capture of a topic is no key to the entrance.
"""

import re
from base64 import b64encode
from hashlib import sha256
from typing import Any, Literal

import msgspec

from router.clock import LAST_MS, format_rfc3339, parse_rfc3339
from router.event import UNRECOGNIZED, Event, IdBasis, TimeBasis
from router.vendors.decode import NOT_JSON, json_value, raw_members, without_mark
from router.vendors.fields import MAX_DEPTH, Pass, TooDeepError, nests_deeper, snake_case
from router.vendors.spec import EventType, Message, Moment, NaturalId, Vendor, VendorId
from router.vendors.verify import Verified

Doubt = Literal["stale", "suspicious", "unknown-type", "bad-payload", "bad-field"]
"""Why an authentic message is `Unrecognized`; of several, the first in this order."""

MAX_NAME_BYTES = 256
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_canonical = msgspec.json.Encoder(order="deterministic")


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One arrival of a message.

    Attributes:
        source: The name of the source it came to.
        received_ms: Unix milliseconds, from the wall clock.
        unique: 32 hex digits that no other delivery has.
        traceparent: The W3C trace context that the event carries on.
    """

    source: str
    received_ms: int
    unique: str
    traceparent: str


class Normalised(msgspec.Struct, frozen=True):
    """The event, what nobody documented in it, and why it is `Unrecognized` if it is."""

    event: Event
    short_type: str
    unknown_fields: int = 0
    doubt: Doubt | None = None


class _Doubtful(msgspec.Struct, frozen=True):
    doubt: Doubt
    detail: str


def normalise(proven: Verified, delivery: Delivery) -> Normalised:
    """Return the event that the message tells of.

    Source: `data`, `id`, `subject` and `time` follow the vendor's table; types that the vendor
    adds later, fields that cannot be read and payloads that are no object become `Unrecognized`.
    """
    vendor, message = proven.vendor, proven.message
    members = message.members
    if members is None:
        return unrecognized(proven, delivery, "bad-payload", "the body is no JSON object")
    doubtful = _misshapen(vendor, members)
    if doubtful is not None:
        return unrecognized(proven, delivery, doubtful.doubt, doubtful.detail)
    word = members.get(vendor.type_of)
    event_type = vendor.types.get(word) if isinstance(word, str) else None
    if event_type is None:
        return unrecognized(
            proven, delivery, "unknown-type", f"{vendor.type_of} names no type known here"
        )
    payload = payload_of(vendor, members)
    if payload is None:
        detail = f"{vendor.payload.member} is no JSON object"
        return unrecognized(proven, delivery, "bad-payload", detail)
    try:
        outcome = _recognized(vendor, event_type, members, payload, delivery)
    except TooDeepError:
        return unrecognized(proven, delivery, "bad-payload", "values nest too deep")
    if isinstance(outcome, _Doubtful):
        return unrecognized(proven, delivery, outcome.doubt, outcome.detail)
    return outcome


def unrecognized(proven: Verified, delivery: Delivery, doubt: Doubt, detail: str) -> Normalised:
    """Return the `Unrecognized` event that keeps the message as it came, minus its proof."""
    vendor, message = proven.vendor, proven.message
    data, content = _kept(vendor, message)
    members = message.members or {}
    name = _vendor_id(vendor, members)
    id_basis: IdBasis = "vendor" if name else vendor.unnamed
    digest = "" if name else _hash([vendor.name, UNRECOGNIZED, content])
    event_type = EventType(
        name=f"{vendor.name}.{UNRECOGNIZED}", short_name=UNRECOGNIZED, table={}, entity=()
    )
    event = _event(
        event_type,
        delivery,
        subject=_any_subject(vendor, members) or delivery.source,
        time=(None, "received"),
        identity=(name or digest, id_basis),
        data={"reason": doubt, "detail": detail, **data},
    )
    return Normalised(event, UNRECOGNIZED, 0, doubt)


def payload_of(vendor: Vendor, members: dict[str, Any]) -> dict[str, Any] | None:
    """Return the event's own object, sent as an object or as its JSON text; None if neither."""
    payload = members.get(vendor.payload.member)
    if isinstance(payload, str):
        payload = json_value(payload)
    return payload if isinstance(payload, dict) else None


def _recognized(
    vendor: Vendor,
    event_type: EventType,
    members: dict[str, Any],
    payload: dict[str, Any],
    delivery: Delivery,
) -> Normalised | _Doubtful:
    sent, displaced = _content(vendor, members, payload)
    subject = _subject(vendor, event_type.entity, members, sent)
    if subject is None:
        return _Doubtful("bad-field", "a field that names the subject cannot be read")
    walk = Pass()
    data = walk.fields(event_type.table, sent, displaced)
    if vendor.payload.is_merged:
        walk.unknown += len(members.keys() - vendor.known_members)
    identity = _identity(vendor, event_type, members, sent, data)
    if identity is None:
        return _Doubtful("bad-field", "a field that names the event cannot be read")
    time = _time(vendor.time, members, sent, data)
    event = _event(event_type, delivery, subject=subject, time=time, identity=identity, data=data)
    return Normalised(event, event_type.short_name, walk.unknown)


def _event(
    event_type: EventType,
    delivery: Delivery,
    *,
    subject: str,
    time: tuple[int | None, TimeBasis],
    identity: tuple[str, IdBasis],
    data: dict[str, Any],
) -> Event:
    moment, time_basis = time
    name, id_basis = identity
    recorded = format_rfc3339(delivery.received_ms)
    is_unnamed = id_basis == "none"
    return Event(
        id=delivery.unique if is_unnamed else name,
        source=f"/callbacks/{delivery.source}",
        type=event_type.name,
        subject=subject,
        time=recorded if moment is None else format_rfc3339(moment),
        dataschema=f"urn:callback-router:{event_type.name}:1",
        recordedtime=recorded,
        timebasis=time_basis,
        idbasis=id_basis,
        contentid=name if is_unnamed else msgspec.UNSET,
        traceparent=delivery.traceparent,
        data=data,
    )


def _misshapen(vendor: Vendor, members: dict[str, Any]) -> _Doubtful | None:
    for shape in vendor.shapes:
        value = members.get(shape.member)
        if not isinstance(value, str) or not shape.fits(value):
            return _Doubtful("suspicious", f"{shape.member} is not {shape.description}")
    return None


def _content(
    vendor: Vendor, members: dict[str, Any], payload: dict[str, Any]
) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    """Return what may be documented, and what of the payload a carried member displaces.

    Beside a merged payload, members that no document knows are left out: the digest does not
    cover them, so whoever saw one callback could add any field to it.
    """
    known = vendor.known_members
    if not vendor.payload.is_merged:
        sent = {key: value for key, value in members.items() if key not in known}
        sent[vendor.payload.member] = payload
        return sent, []
    sent = dict(payload)
    displaced: list[tuple[str, Any]] = []
    for carry in vendor.carry:
        value = members.get(carry.member)
        if value is None or (not carry.wins and carry.member in sent):
            continue
        if carry.is_alone and carry.member in sent:
            displaced.append((carry.member, sent[carry.member]))
        sent[carry.member] = value
    return sent, displaced


def _subject(
    vendor: Vendor, entity: tuple[str, ...], members: dict[str, Any], sent: dict[str, Any]
) -> str | None:
    """Return the subject, or None where a part of it cannot be read."""
    parts: list[str] = []
    for member in vendor.subject.within:
        name = _name(members.get(member))
        if name is None:
            return None
        parts.append(name)
    for path in entity:
        name = _name(_at(sent, path))
        if name is not None:
            parts.append(name)
            break
    else:
        if entity:
            return None
    return "/".join(parts) or None


def _any_subject(vendor: Vendor, members: dict[str, Any]) -> str | None:
    """Return the best subject that a message of no known type still names.

    Beside a merged payload only that counts: the rest of the envelope is not proven.
    """
    payload = payload_of(vendor, members) or {}
    sent = payload if vendor.payload.is_merged else {**members, vendor.payload.member: payload}
    named = tuple(path for path in vendor.subject.entity if _name(_at(sent, path)) is not None)
    return _subject(vendor, named[:1], members, sent)


def _at(value: Any, path: str) -> Any:
    if "." not in path:
        return value.get(path)
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _name(value: Any) -> str | None:
    """Return *value* as text that can name something, or None."""
    if type(value) is int:
        value = str(value)
    return value if type(value) is str and value and _is_safe(value) else None


def _is_safe(text: str) -> bool:
    if len(text) <= MAX_NAME_BYTES // 4 and text.isprintable():
        return True  # nearly every name: UTF-8 takes four bytes a character at most
    if len(text) > MAX_NAME_BYTES or len(text.encode()) > MAX_NAME_BYTES:
        return False
    return _CONTROL.search(text) is None


def _normalised(sent: dict[str, Any], data: dict[str, Any], path: str) -> Any:
    """Return the field that the vendor calls *path*, as it stands in `data`.

    One that another spelling put under the same name is not the vendor's, and names nothing.
    """
    if _at(sent, path) is None:
        return None
    return _at(data, ".".join(snake_case(part) for part in path.split(".")))


def _identity(
    vendor: Vendor,
    event_type: EventType,
    members: dict[str, Any],
    sent: dict[str, Any],
    data: dict[str, Any],
) -> tuple[str, IdBasis] | None:
    """Return the id and its basis, or None where a field that names the event is unreadable."""
    if isinstance(vendor.identity, VendorId):
        name = _vendor_id(vendor, members)
        return None if name is None else (name, "vendor")
    natural = vendor.identity.get(event_type.short_name)
    values = [] if natural is None else [_normalised(sent, data, path) for path in natural.fields]
    if not all(_can_name(value) for value in values):
        return None
    if natural is None or _lacks_required(natural, values):
        return _hash([vendor.name, event_type.short_name, data]), vendor.unnamed
    return _hash([vendor.name, event_type.short_name, *values]), "natural"


def _lacks_required(natural: NaturalId, values: list[Any]) -> bool:
    pairs = zip(natural.fields, values, strict=True)
    return any(path in natural.required and value in (None, "") for path, value in pairs)


def _can_name(value: Any) -> bool:
    if isinstance(value, str):
        return _is_safe(value)
    return value is None or type(value) is int


def _vendor_id(vendor: Vendor, members: dict[str, Any]) -> str | None:
    if not isinstance(vendor.identity, VendorId):
        return None
    parts: list[str] = []
    for member in vendor.identity.members:
        name = _name(members.get(member))
        if name is None:
            return None
        parts.append(name)
    return "/".join(parts)


def _time(
    moments: tuple[Moment, ...],
    members: dict[str, Any],
    sent: dict[str, Any],
    data: dict[str, Any],
) -> tuple[int | None, TimeBasis]:
    for moment in moments:
        unix_ms: Any = None
        if moment.field is not None:
            unix_ms = _normalised(sent, data, moment.field)
        else:
            text = members.get(moment.member)
            unix_ms = parse_rfc3339(text) if isinstance(text, str) else None
        if type(unix_ms) is int and 0 <= unix_ms <= LAST_MS:
            return unix_ms, moment.basis
    return None, "received"


def _kept(vendor: Vendor, message: Message) -> tuple[dict[str, Any], Any]:
    """Return the body for `data`, and the value that its content's hash is taken over.

    What nests too deep for its readers is kept like what is no JSON at all: as base64.
    """
    proof = vendor.proof.members
    text = without_mark(message.body)
    if message.members is not None:
        raw = {key: value for key, value in raw_members(message).items() if key not in proof}
        members = {key: message.members[key] for key in raw}
        if not nests_deeper(members, MAX_DEPTH):
            return {"body": raw}, members
        text = msgspec.json.encode(raw)
    else:
        value = json_value(text)
        if value is not NOT_JSON and not nests_deeper(value, MAX_DEPTH):
            return {"body": msgspec.Raw(text)}, value
        text = message.body
    encoded = b64encode(text).decode()
    return {"body_base64": encoded}, encoded


def _hash(values: list[Any]) -> str:
    return sha256(_canonical.encode(values)).hexdigest()[:32]
