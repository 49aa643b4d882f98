"""Callbacks as the vendors send them; signed by lines that the product does not share."""

import hashlib
import json
from collections.abc import Mapping
from typing import Final

RTC_SECRET: Final = "rtc-signing-secret-5d41"
NEW_SECRET: Final = "new-signing-secret-90b2"
OLD_SECRET: Final = "old-signing-secret-c3f7"
APP_SECRET: Final = "app-signing-secret-e8a6"
STUDIO_TOKEN: Final = "studio.token_0~f7a31c"
SECOND_TOKEN: Final = "second.token-1~b92e6d"

# By the names of the environment that the configuration of `serving` uses.
SECRETS: Final = {
    "RTC_CALLBACK_KEY": RTC_SECRET,
    "RTC_NEW_KEY": NEW_SECRET,
    "RTC_OLD_KEY": OLD_SECRET,
    "RTC_APP_KEY": APP_SECRET,
    "STUDIO_TOKEN": STUDIO_TOKEN,
    "STUDIO_SECOND_TOKEN": SECOND_TOKEN,
}

RTC: Final = "/callbacks/rtc"
STUDIO: Final = f"/callbacks/studio/{STUDIO_TOKEN}"

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
