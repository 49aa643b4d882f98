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
from router.vendors.spec import without_proof

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
ZEGO: dict[str, Any] = {
    "AppID": 123456789,
    "PlayerId": "1fd2f4dd",
    "EventType": 3,
    "EventTime": 1795247999034,
    "Detail": {"Status": 4},
    "Timestamp": "1795248000",
    "Nonce": "947227",
}
LIVE_DETAIL: dict[str, Any] = {
    "time": 1795247999,
    "time_ms": 1795247999029,
    "transcoded": False,
    "session_id": "3693930911_150",
    "sequence_id": "seq-1",
}
LIVE: dict[str, Any] = {
    "vhost": "live-space",
    "domain": "push.example.com",
    "app": "live",
    "stream": "stream-7",
    "event_type": "push_start",
    "detail": LIVE_DETAIL,
    "t": 1795248600,
}
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
        Source(
            name="zego",
            vendor=vendors()["zego-cloud-player"],
            secrets={None: (KEY.encode(),)},
        ),
        Source(
            name="live",
            vendor=vendors()["volcengine-live"],
            secrets={None: (KEY.encode(),)},
        ),
        Source(
            name="live-unsigned",
            vendor=without_proof(vendors()["volcengine-live"]),
            secrets={},
            tokens=(TOKEN.encode(),),
        ),
    ],
    LIMITS,
)
PATHS = {
    "rtc": "/callbacks/rtc",
    "studio": f"/callbacks/studio/{TOKEN}",
    "zego": "/callbacks/zego",
    "live": "/callbacks/live",
    "live-unsigned": f"/callbacks/live-unsigned/{TOKEN}",
}
"""The path of each source, with its token if it has one."""


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


def zego_signature(members: Mapping[str, object], key: str = KEY) -> str:
    """Return ZEGO's digest: its two values and the secret, sorted, joined, hashed."""
    signed = (members["Timestamp"], members["Nonce"])
    parts = [*(part if isinstance(part, str) else json.dumps(part) for part in signed), key]
    joined = b"".join(sorted(part.encode() for part in parts))
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest()


def zego_members(*without: str, **changed: object) -> dict[str, Any]:
    """Return the signed members of a cloud player's body, some changed and *without* others."""
    members = {**ZEGO, **changed}
    members["Signature"] = zego_signature(members)
    return {key: value for key, value in members.items() if key not in without}


def zego(*without: str, **changed: object) -> bytes:
    """Return a signed body of the cloud player."""
    return json.dumps(zego_members(*without, **changed)).encode()


def live_signature(t: object, key: str = KEY) -> str:
    """Return Volcengine Live's digest: the key and then the expiry."""
    return hashlib.md5(f"{key}{t}".encode(), usedforsecurity=False).hexdigest()


def live_members(*without: str, **changed: object) -> dict[str, Any]:
    """Return the signed `data` of a live callback, some members changed and *without* others."""
    data = {**LIVE, **changed}
    data.setdefault("sign", live_signature(data["t"]))
    return {key: value for key, value in data.items() if key not in without}


def live(*without: str, **changed: object) -> bytes:
    """Return a signed body of Volcengine Live."""
    data = live_members(*without, **changed)
    return json.dumps({"code": 0, "message": "ok", "data": data}).encode()


def ask(
    source: str,
    body: bytes,
    *,
    sources: Sources = SOURCES,
    routes: RouteTable | None = None,
    now: Instant = NOW,
) -> Accepted | Refused:
    """Return what becomes of a body that is sent to *source*."""
    head = Head(method="POST", target=PATHS[source], address="192.0.2.1")
    return decide(Request(head=head, body=body), sources, routes or RouteTable(), now)


def accepted(source: str, body: bytes, now: Instant = NOW) -> Accepted:
    """Return the outcome of a body that must be accepted."""
    outcome = ask(source, body, now=now)
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


def test_our_sender_signs_like_zego() -> None:
    """The published vector comes out of the test's own lines."""
    members = {"Timestamp": "1470820198", "Nonce": "123412"}
    assert zego_signature(members, "secret") == "5bd59fd62953a8059fb7eaba95720f66d19e4517"


def test_our_sender_signs_like_volcengine_live() -> None:
    """The derived vector comes out of the test's own lines, for number and text."""
    digests = {live_signature(t, "abc123XYZ") for t in (1640850110, "1640850110")}
    assert digests == {"c2453c1a803c9a1b4c90cb8bf3d8acd1"}
