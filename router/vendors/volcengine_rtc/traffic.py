"""Simulated callbacks of Volcengine RTC: rooms with users who come, publish, are recorded, leave."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

from router.vendors.traffic import Simulated

APP_ID = "65f1c0"
_ROOMS = 4

Step = tuple[str, dict[str, Any]]


class Traffic:
    """A few rooms at once, each living its own story."""

    def __init__(self, random: Random, secret: bytes) -> None:
        """Take the source of chance, and the key that the vendor signs with."""
        self._random = random
        self._secret = secret.decode()
        self._rooms = 0
        self._events = 0
        self._stories = [self._story() for _ in range(_ROOMS)]

    def ordinary(self, now_ms: int) -> Simulated:
        """Return the next step of one of the rooms; a finished one makes way for a new one."""
        index = self._random.randrange(len(self._stories))
        step = next(self._stories[index], None)
        if step is None:
            self._stories[index] = self._story()
            step = next(self._stories[index])
        return Simulated(body=self._signed(*step, now_ms))

    def forgery(self, now_ms: int) -> Simulated:
        """Return a room's end that the vendor never signed."""
        genuine = self._signed("RoomDestroy", {"RoomId": "room-1"}, now_ms)
        return Simulated(body=genuine.replace(b"room-1", b"room-2"), kind="forgery")

    def unknown(self, now_ms: int) -> Simulated:
        """Return a type that the vendor might add one day."""
        step: Step = ("RoomWeatherChanged", {"RoomId": "room-1", "Weather": "sunny"})
        return Simulated(body=self._signed(*step, now_ms), kind="unknown")

    def _story(self) -> Iterator[Step]:
        self._rooms += 1
        room = {"RoomId": f"room-{self._rooms}"}
        task = {"AppId": APP_ID, "BusinessId": "demo", **room, "TaskId": f"task-{self._rooms}"}
        done = {"Code": 0, "ErrorMessage": ""}
        users = [f"user-{self._random.randrange(1000)}" for _ in range(self._random.randint(1, 3))]
        yield "RoomCreate", room
        for user in users:
            device = self._random.choice(["android", "ios", "web", "mac", "windows"])
            person = {**room, "UserId": user, "DeviceType": device}
            yield "UserJoinRoom", {**person, "ExtraInfo": '{"seat":1}'}
            yield "UserAudioStreamStart", person
            yield "UserVideoStreamStart", person
        yield "RecordStarted", {**task, **done}
        for user in users:
            person = {**room, "UserId": user, "DeviceType": "web"}
            yield "UserVideoStreamStop", {**person, "Reason": "StreamStop"}
            yield "UserLeaveRoom", {**person, "Reason": "userLeave"}
        yield "RecordStopped", {**task, **done, "RecordFileList": [self._file(users)]}
        yield "RecordUploadStarted", {**task, **done}
        yield "RecordUploadDone", {**task, **done}
        yield "RoomDestroy", room

    def _file(self, users: list[str]) -> dict[str, Any]:
        return {
            "Vid": f"v{self._random.getrandbits(40):010x}",
            "Duration": self._random.randrange(10_000, 600_000),
            "Size": self._random.randrange(1_000_000, 90_000_000),
            "StreamList": [{"UserId": user, "StreamType": 0} for user in users],
            "VideoCodec": "h264",
            "AudioCodec": "aac",
            "VideoWidth": 1280,
            "VideoHeight": 720,
        }

    def _signed(self, event_type: str, data: dict[str, Any], now_ms: int) -> bytes:
        self._events += 1
        moment = datetime.fromtimestamp(now_ms // 1000, UTC)
        if not event_type.startswith("Record"):  # as documented: recordings have no time inside
            data = {**data, "Timestamp": now_ms}
        envelope = {
            "EventType": event_type,
            "EventData": json.dumps(data, separators=(",", ":")),
            "EventTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "EventId": f"{self._random.getrandbits(64):016x}{self._events:08x}",
            "AppId": APP_ID,
            "Version": "2020-12-01",
            "Nonce": f"{self._random.randrange(10_000):04d}",
        }
        text = "".join(sorted([*envelope.values(), self._secret]))
        envelope["Signature"] = hashlib.sha256(text.encode()).hexdigest()
        return json.dumps(envelope).encode()
