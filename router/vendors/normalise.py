"""A `Verified` message to an `Event`: total, never a refusal, at worst `Unrecognized`.

Design: what is authentic is published, whatever it looks like, since the vendor would send the
same bytes again and then give up. Doubts are checked in one fixed order (stale, suspicious,
unknown type, bad payload, bad field), and the first one decides. What cannot be understood is kept
as it came, minus what proves it, so that a capture of a topic is no key to the entrance.
"""

from base64 import b64encode
from typing import Any, Literal

import msgspec

from router.clock import format_rfc3339
from router.event import UNRECOGNIZED, Event, IdBasis, TimeBasis
from router.vendors.decode import NOT_JSON, json_value, raw_members, raw_payload
from router.vendors.fields import MAX_DEPTH, Pass, TooDeepError, at, nests_deeper
from router.vendors.names import (
    Content,
    any_subject,
    hash_of,
    identity_of,
    subject_of,
    time_of,
    vendor_id,
)
from router.vendors.spec import EventType, Message, Vendor
from router.vendors.verify import Verified

Doubt = Literal["stale", "suspicious", "unknown-type", "bad-payload", "bad-field"]
"""Why an authentic message is `Unrecognized`; of several, the first in this order."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One arrival of a message.

    Attributes:
        source: The name of the source it came to.
        received_ms: Unix milliseconds, from the wall clock.
        unique: 32 hex digits that no other delivery has.
        traceparent: The W3C trace context that the event carries on.
        is_reused: Whether its proof came before, with other content, though it may come once.
        sent_ms: When the vendor sent it, Unix ms, where something else than the message tells.
    """

    source: str
    received_ms: int
    unique: str
    traceparent: str
    is_reused: bool = False
    sent_ms: int | None = None


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
    doubtful = _doubtful_whatever_it_says(proven, delivery)
    if doubtful is not None:
        return unrecognized(proven, delivery, doubtful.doubt, doubtful.detail)
    vendor, members = proven.vendor, documented(proven.vendor, proven.message)
    event_type = vendor.type_called(at(members, vendor.type_of))
    if event_type is None:
        detail = f"{vendor.type_of} names no type known here"
        return unrecognized(proven, delivery, "unknown-type", detail)
    payload = payload_of(vendor, members)
    if payload is None and not (event_type.may_lack_payload and _is_empty(vendor, members)):
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
    members = documented(vendor, message)
    payload = payload_of(vendor, members) or {}
    # Beside a merged payload only that counts: the rest of the envelope may be unproven.
    sent = payload if vendor.payload.is_merged else {**members, vendor.payload.member: payload}
    name = None if vendor.identity is None else vendor_id(vendor.identity, members)
    id_basis: IdBasis = "vendor" if name else vendor.unnamed
    digest = "" if name else hash_of([vendor.name, UNRECOGNIZED, content])
    event_type = EventType(
        name=f"{vendor.name}.{UNRECOGNIZED}",
        short_name=UNRECOGNIZED,
        word="",
        event_class=msgspec.Struct,
        table={},
        entity=(),
    )
    event = _event(
        event_type,
        delivery,
        subject=any_subject(vendor, members, sent) or delivery.source,
        time=(None, "received"),
        identity=(name or digest, id_basis),
        data={"reason": doubt, "detail": detail, **data},
    )
    return Normalised(event, UNRECOGNIZED, 0, doubt)


def documented(vendor: Vendor, message: Message) -> dict[str, Any]:
    """Return the members of a message, other spellings of documented ones replaced by these."""
    members = message.members or {}
    found = [name for name in vendor.spellings if name in members]
    names = {name: vendor.spellings[name] for name in found}
    if not any(name not in members for name in names.values()):
        return members
    return {
        key if names.get(key, key) in members else names[key]: value
        for key, value in members.items()
    }


def payload_of(vendor: Vendor, members: dict[str, Any]) -> dict[str, Any] | None:
    """Return the event's own object, sent as an object or as its JSON text; None if neither."""
    payload = members.get(vendor.payload.member)
    if isinstance(payload, str):
        payload = json_value(payload)
    return payload if isinstance(payload, dict) else None


def _is_empty(vendor: Vendor, members: dict[str, Any]) -> bool:
    """Tell whether the payload is there in one of the ways in which nothing can be sent."""
    payload = members.get(vendor.payload.member)
    return payload is None or (
        isinstance(payload, str) and (not payload.strip() or json_value(payload) is None)
    )


def _doubtful_whatever_it_says(proven: Verified, delivery: Delivery) -> _Doubtful | None:
    """Return what is wrong with the message, or the delivery, before its type is looked at."""
    vendor, members = proven.vendor, proven.message.members
    if proven.is_stale:
        return _Doubtful("stale", proven.staleness)
    if delivery.is_reused:
        return _Doubtful("suspicious", "the same proof came before, with other content")
    for shape in vendor.shapes:
        value = (members or {}).get(shape.member)
        if not isinstance(value, str) or not shape.fits(value):
            return _Doubtful("suspicious", f"{shape.member} is not {shape.description}")
    if members is None:
        return _Doubtful("bad-payload", "the body is no JSON object")
    return None


def _recognized(
    vendor: Vendor,
    event_type: EventType,
    members: dict[str, Any],
    payload: dict[str, Any] | None,
    delivery: Delivery,
) -> Normalised | _Doubtful:
    sent, others = _content(vendor, members, payload)
    subject = subject_of(vendor, event_type, members, sent)
    if subject is None:
        return _Doubtful("bad-field", "a field that names the subject cannot be read")
    walk = Pass()
    data = walk.fields(event_type.table, sent, others)
    if vendor.payload.is_alone:
        walk.unknown += len(members.keys() - vendor.known_members)
    content = Content(members=members, sent=sent, data=data)
    identity = identity_of(vendor, event_type, content)
    if identity is None:
        return _Doubtful("bad-field", "a field that names the event cannot be read")
    time = time_of(vendor, content)
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
    if moment is None and delivery.sent_ms is not None:  # better than a receipt long after
        moment, time_basis = delivery.sent_ms, "envelope"
    name, id_basis = identity
    recorded = format_rfc3339(delivery.received_ms)
    is_unnamed = id_basis == "none"
    return Event(
        id=delivery.unique if is_unnamed else name,
        source=f"/callbacks/{delivery.source}",
        type=event_type.name,
        subject=subject,
        time=recorded if moment is None else format_rfc3339(moment),
        dataschema=event_type.dataschema,
        recordedtime=recorded,
        timebasis=time_basis,
        idbasis=id_basis,
        contentid=name if is_unnamed else msgspec.UNSET,
        traceparent=delivery.traceparent,
        data=data,
    )


def _content(
    vendor: Vendor, members: dict[str, Any], payload: dict[str, Any] | None
) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    """Return what may be documented, and what nobody documented for sure.

    Where the payload alone counts, members that no document knows are left out: the digest does
    not cover them, so whoever saw one callback could add any field to it.
    """
    known = vendor.known_members
    if not vendor.payload.is_merged:
        sent = {key: value for key, value in members.items() if key not in known}
        if payload is not None:
            sent[vendor.payload.member] = payload
        elif sent.get(vendor.payload.member) is not None:
            sent[vendor.payload.member] = {}  # empty text
        return sent, []
    sent = {key: value for key, value in (payload or {}).items() if key not in vendor.payload_proof}
    others: list[tuple[str, Any]] = []
    for carry in vendor.carry:
        value = members.get(carry.member)
        if value is None or (not carry.wins and carry.member in sent):
            continue
        if carry.is_alone and carry.member in sent:
            others.append((carry.member, sent[carry.member]))
        sent[carry.member] = value
    if not vendor.payload.is_alone:
        others += [(key, value) for key, value in members.items() if key not in known]
    return sent, others


def _kept(vendor: Vendor, message: Message) -> tuple[dict[str, Any], Any]:
    """Return the body for `data`, and the value that its content's hash is taken over.

    What nests too deep for its readers is kept like what is no JSON at all: as base64.
    """
    if message.members is not None:
        raw, members = _without_proof(vendor, message, message.members)
        if not nests_deeper(members, MAX_DEPTH):
            return {"body": raw}, members
        text = msgspec.json.encode(raw)
    else:
        value = json_value(message.text)
        if value is not NOT_JSON and not nests_deeper(value, MAX_DEPTH):
            return {"body": msgspec.Raw(message.text)}, value
        text = message.body
    encoded = b64encode(text).decode()
    return {"body_base64": encoded}, encoded


def _without_proof(
    vendor: Vendor, message: Message, members: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the members as text and as values, without those that prove the message."""
    proof, inner, holder = vendor.envelope_proof, vendor.payload_proof, vendor.payload.member
    raw: dict[str, Any] = {k: v for k, v in raw_members(message).items() if k not in proof}
    kept = {key: members[key] for key in raw}
    if inner and isinstance(kept.get(holder), dict):
        payload = raw_payload(vendor, message)
        raw[holder] = {key: value for key, value in payload.items() if key not in inner}
        kept[holder] = {key: kept[holder][key] for key in raw[holder]}
    return raw, kept
