"""The sender's side by lines of its own: what vendors send here, and asking what becomes of it.

Other test files take these functions; the tests below keep them equal to what vendors published.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from router.ingress.receive import Accepted, Instant, Request, decide
from router.ingress.sources import Head, Limits, Source, Sources
from router.routing import RouteTable
from router.vendors import vendors
from router.vendors.refusal import Refused

KEY = "1234"
TOKEN = "studio-token-0123456789"
NOW = Instant(1_795_248_000_123, "0123456789abcdef" * 2)
NOW_TEXT = "2026-11-21T08:00:00.123Z"
LIMITS = Limits(max_body_bytes=1 << 20, max_record_bytes=2 << 20)
EVENT_DATA = '{"RoomId":"room1","Timestamp":1679383924691}'
SIGNATURE = "1c7200723842eff514b65fc3f065597432bbb4249e10d33db79b3853d05f3691"
VECTOR = {
    "EventType": "RoomCreate",
    "EventData": EVENT_DATA,
    "EventTime": "2023-03-21T15:32:04+08:00",
    "EventId": "123456",
    "AppId": "appId",
    "Version": "2020-12-01",
    "Nonce": "aaBc",
}
SIGNED = tuple(VECTOR)
SOURCES = Sources(
    [
        Source(
            name="rtc",
            vendor=vendors()["volcengine-rtc"],
            secrets={None: (KEY.encode(),)},
        ),
        Source(
            name="studio",
            vendor=vendors()["alibaba-caster"],
            secrets={},
            tokens=(TOKEN.encode(),),
        ),
    ],
    LIMITS,
)
PATHS = {"rtc": "/callbacks/rtc", "studio": f"/callbacks/studio/{TOKEN}"}


def signature(values: Mapping[str, str], key: str = KEY) -> str:
    """Return the digest as the vendor's page tells it: sort by bytes, join, hash."""
    nonce = values["Nonce"] if "Nonce" in values else values["Noce"]
    parts = [*(values[name] for name in SIGNED[:6]), nonce, key]
    return hashlib.sha256(b"".join(sorted(part.encode() for part in parts))).hexdigest()


def rtc(event_data: str = EVENT_DATA, **changed: str) -> bytes:
    """Return a signed body around *event_data*, sent as text."""
    values = {**VECTOR, "EventData": event_data, **changed}
    return json.dumps({**values, "Signature": signature(values)}).encode()


def rtc_object(event_data: str, more: str = "", **changed: str) -> bytes:
    """Return a signed body with *event_data* as an object, and *more* text at its end."""
    values = {**VECTOR, "EventData": event_data, **changed}
    members = [
        f'"{name}":{text if name == "EventData" else json.dumps(text)}'
        for name, text in {**values, "Signature": signature(values)}.items()
    ]
    return f"{{{','.join(members)}{more}}}".encode()


def caster(event_type: str, message: Mapping[str, Any], **members: object) -> bytes:
    """Return a body of the production studio."""
    return json.dumps({"EventType": event_type, "EventMessage": message, **members}).encode()


def ask(
    source: str, body: bytes, *, sources: Sources = SOURCES, routes: RouteTable | None = None
) -> Accepted | Refused:
    """Return what becomes of a body that is sent to *source*."""
    head = Head(method="POST", target=PATHS[source], address="192.0.2.1")
    return decide(Request(head=head, body=body), sources, routes or RouteTable(), NOW)


def accepted(source: str, body: bytes) -> Accepted:
    """Return the outcome of a body that must be accepted."""
    outcome = ask(source, body)
    assert isinstance(outcome, Accepted), outcome
    return outcome


def event_of(source: str, body: bytes) -> dict[str, Any]:
    """Return the event on Kafka, read by Python's own JSON."""
    value = json.loads(accepted(source, body).records[0].value)
    assert isinstance(value, dict)
    return value


def test_our_sender_signs_like_the_vendor() -> None:
    """The published vector comes out of the test's own lines."""
    assert signature(VECTOR) == SIGNATURE
    assert json.loads(rtc())["Signature"] == SIGNATURE


def test_an_object_is_signed_by_its_raw_text() -> None:
    """Both ways to send EventData hash the same characters."""
    assert json.loads(rtc_object(EVENT_DATA))["Signature"] == SIGNATURE
    assert json.loads(rtc_object(EVENT_DATA))["EventData"] == json.loads(EVENT_DATA)
