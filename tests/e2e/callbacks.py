"""Callbacks as the vendors send them; signed by lines that the product does not share."""

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus, urlencode

RTC_SECRET: Final = "rtc-signing-secret-5d41"
NEW_SECRET: Final = "new-signing-secret-90b2"
OLD_SECRET: Final = "old-signing-secret-c3f7"
APP_SECRET: Final = "app-signing-secret-e8a6"
STUDIO_TOKEN: Final = "studio.token_0~f7a31c"
SECOND_TOKEN: Final = "second.token-1~b92e6d"
ZEGO_SECRET: Final = "zego-signing-secret-27be"
# Before any time and behind any nonce, since the three are sorted.
ZEGO_FIRST_SECRET: Final = "0-zego-first-secret-6a1d"
ZEGO_LAST_SECRET: Final = "~zego-last-secret-f209"
ZEGO_APP_SECRET: Final = "zego-of-one-app-secret-8c53"
ZEGO_TOKEN: Final = "player.token-3_4e90bb"
LIVE_SECRET: Final = "live-signing-secret-b7d2"
LIVE_OLD_SECRET: Final = "older-live-secret-41ce"
LIVE_TOKEN: Final = "stream.token-5_d08a6f"

# By the names of the environment that the configuration of `serving` uses.
SECRETS: Final = {
    "RTC_CALLBACK_KEY": RTC_SECRET,
    "RTC_NEW_KEY": NEW_SECRET,
    "RTC_OLD_KEY": OLD_SECRET,
    "RTC_APP_KEY": APP_SECRET,
    "STUDIO_TOKEN": STUDIO_TOKEN,
    "STUDIO_SECOND_TOKEN": SECOND_TOKEN,
    "ZEGO_KEY": ZEGO_SECRET,
    "ZEGO_FIRST_KEY": ZEGO_FIRST_SECRET,
    "ZEGO_LAST_KEY": ZEGO_LAST_SECRET,
    "ZEGO_APP_KEY": ZEGO_APP_SECRET,
    "ZEGO_TOKEN": ZEGO_TOKEN,
    "LIVE_KEY": LIVE_SECRET,
    "LIVE_OLD_KEY": LIVE_OLD_SECRET,
    "LIVE_TOKEN": LIVE_TOKEN,
}

Members = dict[str, Any]

RTC: Final = "/callbacks/rtc"
STUDIO: Final = f"/callbacks/studio/{STUDIO_TOKEN}"
ZEGO: Final = "/callbacks/zego"
LIVE: Final = "/callbacks/live"

_SIGNED = ("EventType", "EventData", "EventTime", "EventId", "AppId", "Version")

# As long as a signature, so that only the comparison can refuse it.
WRONG_SIGNATURE: Final = "0" * 64


def room_created(event_id: str, **changes: str) -> dict[str, str]:
    """Return RoomCreate's seven signed members, some replaced or added, without a signature."""
    return {
        "EventType": "RoomCreate",
        "EventData": '{"RoomId":"room1","Timestamp":1679383924691}',
        "EventTime": "2023-03-21T15:32:04+08:00",
        "EventId": event_id,
        "AppId": "appId",
        "Version": "2020-12-01",
        "Nonce": "aaBc",
        **changes,
    }


def signature(members: Mapping[str, str], nonce: str = "Nonce", secret: str = RTC_SECRET) -> str:
    """Return the SHA-256 of the seven values and the secret, sorted by bytes and joined.

    Source: Volcengine RTC, "Callback security", the Go and Java samples.
    """
    values = [*(members[name] for name in (*_SIGNED, nonce)), secret]
    return hashlib.sha256(b"".join(sorted(value.encode() for value in values))).hexdigest()


def encoded(members: Mapping[str, object]) -> bytes:
    """Return the members as compact JSON."""
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def signed(members: Mapping[str, str], **unsigned: object) -> bytes:
    """Return the body of an authentic RTC callback; *unsigned* members are merely added."""
    return encoded({**members, **unsigned, "Signature": signature(members)})


def rtc(event_id: str, **changes: str) -> bytes:
    """Return the body of an authentic RoomCreate."""
    return signed(room_created(event_id, **changes))


def forged(event_id: str) -> bytes:
    """Return the body of a RoomCreate with a wrong signature."""
    return encoded({**room_created(event_id), "Signature": WRONG_SIGNATURE})


def studio(caster_id: str) -> bytes:
    """Return the body of an OperateCallback of the production studio."""
    message = {"RequestId": "request-1", "SceneId": "scene-1", "Code": "Success", "Message": "ok"}
    return encoded({"EventType": "OperateCallback", "CasterId": caster_id, "EventMessage": message})


def mark(name: str) -> str:
    """Return a name that occurs nowhere else, to find again what was sent."""
    return f"{name}-{uuid.uuid4().hex[:12]}"


def player(player_id: str, **changes: object) -> Members:
    """Return the members of ZEGO's event 1, some replaced or added, without a proof."""
    return {
        "AppID": 123456789,
        "RoomId": "room_12",
        "PlayerId": player_id,
        "EventType": 1,
        "EventTime": 1681221510034,
        "Detail": {
            "CreateTime": 1681221508,
            "PlayTime": 1681221509,
            "MaxIdleTime": 30,
            "StreamUrl": "https://media.example.com/video/test.mp4",
        },
        **changes,
    }


def upload(task_id: str, **changes: object) -> Members:
    """Return the members of ZEGO's event 10001, some replaced or added, without a proof."""
    return {
        "AppID": 123456789,
        "UploadTaskId": task_id,
        "EventType": 10001,
        "EventTime": 1737451074593,
        "Detail": {},
        **changes,
    }


def zego_signature(timestamp: str, nonce: str, secret: str = ZEGO_SECRET) -> str:
    """Return the SHA-1 of the three texts, sorted and joined.

    Source: ZEGO, "Authenticating server-to-server callbacks".
    """
    return hashlib.sha1("".join(sorted((secret, timestamp, nonce))).encode()).hexdigest()  # noqa: S324  # the vendor's choice


def zego_signed(
    members: Mapping[str, object],
    *,
    age_secs: int = 0,
    nonce: str | None = None,
    secret: str = ZEGO_SECRET,
) -> Members:
    """Return the members with the proof of a callback that was sent *age_secs* ago."""
    timestamp, used = str(int(time.time()) - age_secs), nonce or mark("n")
    proof = zego_signature(timestamp, used, secret)
    return {**members, "Nonce": used, "Timestamp": timestamp, "Signature": proof}


def without(members: Members, name: str) -> Members:
    """Return all members but one."""
    return {key: value for key, value in members.items() if key != name}


def renamed(members: Members, name: str, other: str) -> Members:
    """Return the members, one of them under another name."""
    return {other if key == name else key: value for key, value in members.items()}


def form(members: Members, quoted: Callable[..., str] = quote_plus) -> bytes:
    """Return the members as fields of a form; what is no text as JSON."""
    texts = {k: v if isinstance(v, str) else encoded(v).decode() for k, v in members.items()}
    return urlencode(texts, quote_via=quoted).encode()


# What ZEGO writes in more than one way, with the same meaning.
ZEGO_SPELLINGS: Final[dict[str, Callable[[Members], Members]]] = {
    "app-as-text": lambda members: {**members, "AppID": "123456789"},
    "time-as-text": lambda members: {**members, "EventTime": "1681221510034"},
    "type-as-text": lambda members: {**members, "EventType": "1"},
    "older-app": lambda members: renamed(members, "AppID", "AppId"),
    "older-detail": lambda members: renamed(members, "Detail", "detail"),
    "detail-as-text": lambda members: {**members, "Detail": encoded(members["Detail"]).decode()},
    "numbers-as-text": lambda members: {
        **members,
        "Detail": {**members["Detail"], "MaxIdleTime": "30", "PlayTime": "1681221509"},
    },
    "other-order": lambda members: dict(reversed(members.items())),
}

# From the signed members to the bytes on the wire.
ZEGO_ENCODINGS: Final[dict[str, Callable[[Members], bytes]]] = {
    "json": encoded,
    "spread-out": lambda members: json.dumps(members, indent=2).encode(),
    "byte-order-mark": lambda members: b"\xef\xbb\xbf" + encoded(members),
    "percent": lambda members: quote(encoded(members), safe="").encode(),
    "percent-small": lambda members: quote(encoded(members)).encode().replace(b"%7B", b"%7b"),
    "form": lambda members: form(members, quote),
    "form-with-plus": form,
    "one-field": lambda members: b"data=" + quote_plus(encoded(members)).encode(),
    "one-key": lambda members: quote_plus(encoded(members)).encode() + b"=",
}


def zego_signed_again(signed: Members, secret: str = ZEGO_SECRET, **changes: str) -> Members:
    """Return the members with some of what is signed replaced, and a right signature of that."""
    members = {**signed, **changes}
    proof = zego_signature(members["Timestamp"], members["Nonce"], secret)
    return {**members, "Signature": proof}


def _reversed(signed: Members) -> str:
    texts = sorted((ZEGO_SECRET, signed["Timestamp"], signed["Nonce"]), reverse=True)
    return hashlib.sha1("".join(texts).encode()).hexdigest()  # noqa: S324  # the vendor's choice


# By the names that we give them, without the entity that each is about.
ZEGO_TYPES: Final = {
    "PlayerDestroyed": player("", EventType=2, Detail={"PlayTime": 1681221509, "Reason": 3}),
    "PlayerStateChanged": player("", EventType=3, Detail={"Status": 8}),
    "PlayerAnomaly": player("", EventType=4, Detail={"Code": -7}),
    "UploadDone": upload("", EventType=10001),
    "UploadFailed": upload("", EventType=10002, Detail={"Reason": 3}),
    "UploadStateChanged": upload("", EventType=10003, Detail={"Status": 2}),
    "UploadCancelFailed": upload("", EventType=10004, Detail={"Reason": 1}),
    "UploadAnomaly": upload("", EventType=10005, Detail={"Code": 2}),
    "UploadExpired": upload("", EventType=10006),
}

# What takes the proof away, and the reason that the sender is told.
ZEGO_REFUSED: Final[dict[str, tuple[Callable[[Members], Members], str]]] = {
    "no-signature": (lambda signed: without(signed, "Signature"), "proof-missing"),
    "no-nonce": (lambda signed: without(signed, "Nonce"), "proof-missing"),
    "no-timestamp": (lambda signed: without(signed, "Timestamp"), "proof-missing"),
    "zeros": (lambda signed: {**signed, "Signature": "0" * 40}, "proof-wrong"),
    "cut": (lambda signed: {**signed, "Signature": signed["Signature"][:-1]}, "proof-wrong"),
    "other-nonce": (lambda signed: {**signed, "Nonce": f"{signed['Nonce']}0"}, "proof-wrong"),
    "other-time": (
        lambda signed: {**signed, "Timestamp": str(int(signed["Timestamp"]) + 1)},
        "proof-wrong",
    ),
    "other-secret": (lambda signed: zego_signed_again(signed, ZEGO_FIRST_SECRET), "proof-wrong"),
    "no-secret": (lambda signed: zego_signed_again(signed, ""), "proof-wrong"),
    "other-order": (lambda signed: {**signed, "Signature": _reversed(signed)}, "proof-wrong"),
}


# Members that make an authentic callback no event of a documented type, and why.
ZEGO_ODD: Final[dict[str, tuple[Members, str]]] = {
    "new-type": ({"EventType": 5}, "unknown-type"),
    "type-in-words": ({"EventType": "PlayerCreated"}, "unknown-type"),
    "no-type": ({"EventType": None}, "unknown-type"),
    "boolean-type": ({"EventType": True}, "unknown-type"),
    "new-type-with-new-detail": ({"EventType": 5, "Detail": [1]}, "unknown-type"),
    "detail-as-array": ({"Detail": [1]}, "bad-payload"),
    "detail-as-word": ({"Detail": "x"}, "bad-payload"),
    "no-player": ({"PlayerId": None}, "bad-field"),
    "empty-player": ({"PlayerId": ""}, "bad-field"),
    "control-character": ({"PlayerId": "a\0"}, "bad-field"),
    "long-player": ({"PlayerId": "x" * 257}, "bad-field"),
    "app-as-object": ({"AppID": {"id": 1}}, "bad-field"),
}


def push_started(stream: str, **changes: object) -> Members:
    """Return the member `data` of Live's push_start, some members replaced, without a proof."""
    detail = {
        "time": 1640849510,
        "time_ms": 1640849510029,
        "transcoded": False,
        "fp_node_ip": "198.51.100.1",
        "fp_client_ip": "198.51.100.2",
        "fp_user_url": "",
        "session_id": "session-1",
        "sequence_id": "sequence-1",
    }
    return {**live_event(stream, "push_start"), "detail": detail, **changes}


def live_event(stream: str, event_type: str, **changes: object) -> Members:
    """Return the member `data` of one of Live's events, `detail` empty, without a proof."""
    return {
        "vhost": "vhost.example.com",
        "domain": "push.example.com",
        "app": "live",
        "stream": stream,
        "event_type": event_type,
        "detail": {},
        **changes,
    }


def live_sign(text: str) -> str:
    """Return the MD5 of a text, in the vendor's order that of the key and then `t`."""
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324  # the vendor's choice


def live_signed(
    data: Mapping[str, object], *, expires_in_secs: int = 600, secret: str = LIVE_SECRET
) -> Members:
    """Return `data` with a proof that expires then; the vendor's default is in 10 minutes."""
    expiry = int(time.time()) + expires_in_secs
    return {**data, "sign": live_sign(f"{secret}{expiry}"), "t": expiry}


def live(data: Mapping[str, object]) -> bytes:
    """Return the body around `data`."""
    return encoded({"code": 0, "message": "ok", "data": data})


# By what the vendor calls them.
LIVE_TYPES: Final = {
    "push_start": "PushStart",
    "push_end": "PushEnd",
    "record_event": "RecordEvent",
    "snapshot_event": "SnapshotEvent",
    "audit_snapshot": "AuditSnapshot",
    "audit_anything": "AuditSnapshot",
    "auditing": "AuditSnapshot",
}

# The same proof in another spelling.
LIVE_PROVEN: Final[dict[str, Callable[[Members], Members]]] = {
    "as-sent": lambda data: data,
    "t-as-text": lambda data: {**data, "t": str(data["t"])},
    "upper-case": lambda data: {**data, "sign": data["sign"].upper()},
    "other-order": lambda data: dict(reversed(data.items())),
}

# What takes the proof away, and the reason that the sender is told.
LIVE_REFUSED: Final[dict[str, tuple[Callable[[Members], Members], str]]] = {
    "t-before-key": (
        lambda data: {**data, "sign": live_sign(f"{data['t']}{LIVE_SECRET}")},
        "proof-wrong",
    ),
    "other-secret": (
        lambda data: {**data, "sign": live_sign(f"{LIVE_OLD_SECRET}{data['t']}")},
        "proof-wrong",
    ),
    "other-t": (lambda data: {**data, "t": data["t"] + 1}, "proof-wrong"),
    "cut": (lambda data: {**data, "sign": data["sign"][:-1]}, "proof-wrong"),
    "switched-off": (lambda data: {**data, "sign": "", "t": 0}, "proof-missing"),
    "no-sign": (lambda data: without(data, "sign"), "proof-missing"),
    "no-t": (lambda data: without(data, "t"), "proof-missing"),
    "neither": (lambda data: without(without(data, "t"), "sign"), "proof-missing"),
}

# What RTC sends as EventData.
VOICE_CHAT: Final = (
    '{"AppId":"inner","BusinessId":"biz1","RoomId":"room1","TaskId":"task1","UserID":"user1",'
    '"RoundID":"7","EventTime":1611736812853,"EventType":0,"RunStage":"llmOutput"}'
)
SEGMENT: Final = (
    '{"AppId":"appId","BusinessId":"biz1","RoomId":"room1","TaskId":"task1","TosBucket":"bucket",'
    '"Identifier":"one","Data":[{"Stream":{"UserId":"user1","StreamType":"0"},"ObjectKey":"key",'
    '"SampleRate":"44100","BitsPerSample":"16","Channels":"2","Size":"256044",'
    '"TimeStamp":"1647317680214","Duration":8000}]}'
)
