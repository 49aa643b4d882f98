"""Signed RTC callbacks, all different, of twelve event types.

Design: made and signed by lines of its own, so that an error of the product's digest cannot hide.
Rooms recur as they do in life (a key keeps its partition); event times are whole seconds, at the
pace of a thousand callbacks a second.
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from router.vendors.volcengine_rtc import events

SECRET = "bench-callback-key"
COUNT = 4_000
TYPES = tuple(
    event_class.__name__
    for event_class in (
        events.RoomCreate,
        events.RoomDestroy,
        events.UserJoinRoom,
        events.UserLeaveRoom,
        events.UserAudioStreamStart,
        events.UserAudioStreamStop,
        events.UserVideoStreamStart,
        events.UserVideoStreamStop,
        events.RecordStarted,
        events.RecordStopped,
        events.RecordUploadProcessing,
        events.RecordUploadDone,
    )
)
_ROOMS = 500
_PER_SEC = 1_000
_START = datetime(2026, 11, 21, 8, tzinfo=UTC)


def bodies() -> list[bytes]:
    """Return `COUNT` bodies, each one line of JSON; the same ones in every run."""
    return [_body(number) for number in range(COUNT)]


def _body(number: int) -> bytes:
    event_type = TYPES[number % len(TYPES)]
    moment = _START + timedelta(seconds=number // _PER_SEC)
    signed = {
        "EventType": event_type,
        "EventData": json.dumps(_event_data(event_type, number), separators=(",", ":")),
        "EventTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "EventId": f"bench-{number:06d}",
        "AppId": "65f1c0a7b2d3e4",
        "Version": "2020-12-01",
        "Nonce": f"{number * 7919 % 1_000_000:06d}",
    }
    text = "".join(sorted((*signed.values(), SECRET)))
    signature = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps({**signed, "Signature": signature}, separators=(",", ":")).encode()


def _event_data(event_type: str, number: int) -> dict[str, Any]:
    data: dict[str, Any] = {"RoomId": f"room-{number % _ROOMS}"}
    unix_ms = int(_START.timestamp()) * 1000 + number
    if event_type.startswith("Record"):
        data |= {"TaskId": f"task-{number % _ROOMS}", "Code": 0, "ErrorMessage": ""}
    else:
        data["Timestamp"] = unix_ms
    if event_type.startswith("User"):
        user = {"UserId": f"user-{number}", "DeviceType": "android", "ExtraInfo": "lesson"}
        data |= user
    if event_type.endswith("Stop"):
        data["Reason"] = "StreamStop"
    elif event_type == "UserLeaveRoom":
        data["Reason"] = "userLeave"
    elif event_type == "RecordUploadProcessing":
        data["Progress"] = number % 10_000
    elif event_type == "RecordStopped":
        data["RecordFileList"] = [_file(number, unix_ms)]
    return data


def _file(number: int, start_ms: int) -> dict[str, Any]:
    return {
        "Vid": f"v0d{number:08x}",
        "Duration": 2_700_000,
        "Size": 412_345_678,
        "StartTime": start_ms - 2_700_000,
        "StreamList": [{"UserId": f"user-{number}", "StreamType": 0}],
        "VideoCodec": "0",
        "VideoWidth": 1280,
        "VideoHeight": 720,
    }
