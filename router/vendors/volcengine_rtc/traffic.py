"""Simulated callbacks of Volcengine RTC: rooms with users who come, publish, are recorded, leave."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from itertools import cycle
from random import Random
from typing import Any

import msgspec

from router.vendors.traffic import (
    LEFT_OUT,
    Lives,
    Simulated,
    Step,
    documented,
    filled,
    numbers_as_text,
)
from router.vendors.volcengine_rtc import VENDOR

APP_ID = "65f1c0"
_ROOMS = 4
_OFTEN = 0.5
_SELDOM = 0.2
_MARK = b"\xef\xbb\xbf"
_CHINA = timezone(timedelta(hours=8))

# EventData of these does not repeat the envelope's AppId.
_WITHOUT_APP_ID = ("Room", "User", "Invisible", "RoleChange", "Relay", "Wb", "WebRecord")
_WITH_BUSINESS_ID = ("Record", "Segment", "Snapshot", "Webcast", "PushPublic")

# What fits together where a class documents more than one event ever holds.
_USUAL: dict[str, dict[str, Any]] = {
    "RelayStreamStateChanged": {"Status": 3, "Reason": LEFT_OUT, "Msg": ""},
    "Webcast": {"Status": 1, "Reason": LEFT_OUT},
    "PushPublicStream": {"Status": 1, "Msg": "", "Code": LEFT_OUT},
    "WbTranscodeFinished": {"ErrCodeN": LEFT_OUT, "ErrCode": LEFT_OUT, "ErrMsg": LEFT_OUT},
    "VoiceChat": {"EventType": 0, "ErrorInfo": LEFT_OUT},
}

Envelope = dict[str, str]


class Traffic:
    """A few rooms at once, each living its own story."""

    def __init__(self, random: Random, secret: bytes) -> None:
        """Take the source of chance, and the key that the vendor signs with."""
        self._random = random
        self._secret = secret
        self._rooms = random.randrange(1000)
        self._events = 0
        self._lives = Lives(random, *[self._room] * _ROOMS)
        self._oddities = cycle(_ODDITIES)

    def ordinary(self, now_ms: int) -> Simulated:
        """Return the next step of one of the rooms."""
        return self._simulated(*self._lives.next(), now_ms)

    def of_type(self, short_type: str, now_ms: int) -> Simulated:
        """Return a callback of a documented type, filled from its class."""
        return self._simulated(short_type, {}, now_ms)

    def forgery(self, now_ms: int) -> Simulated:
        """Return a room's end that the vendor never signed: another one's signature."""
        genuine = self._simulated("RoomDestroy", {"RoomId": "room-1"}, now_ms)
        body = genuine.body.replace(b"room-1", b"room-2")
        return Simulated(body=body, kind="forgery", short_type="RoomDestroy")

    def unknown(self, now_ms: int) -> Simulated:
        """Return a type that the vendor might add one day."""
        word, data = "RoomWeatherChanged", {"RoomId": "room-1", "Weather": "sunny"}
        body = self._written(word, data, now_ms)
        return Simulated(body=body, kind="unknown", short_type=word)

    def odd(self, now_ms: int) -> Simulated:
        """Return what happens next, written as few expect it."""
        oddity, (short_type, given) = next(self._oddities), self._lives.next()
        data = self._event_data(short_type, given, now_ms)
        body = self._written(short_type, data, now_ms, oddity)
        return Simulated(body=body, kind="odd", short_type=short_type)

    def _room(self) -> Iterator[Step]:
        self._rooms += 1
        room = {"RoomId": f"room-{self._rooms}"}
        task = {**room, "TaskId": f"task-{self._rooms}"}
        people = self._people(room)
        yield "RoomCreate", room
        for person in people:
            yield from self._comes(person)
        yield "RecordStarted", task
        yield "RecordVideoStreamStateChanged", {**task, "State": 1}
        yield from self._meanwhile(room)
        for person in people:
            yield "UserVideoStreamStop", {**person, "Reason": "LeaveRoom"}
            yield "UserLeaveRoom", {**person, "Reason": "userLeave"}
        yield "RecordStopped", {**task, "RecordFileList": [self._file(people)]}
        yield "RoomDestroy", room
        yield "RecordUploadStarted", task
        yield "RecordUploadProcessing", {**task, "Progress": 5000}
        yield "RecordUploadDone", task

    def _people(self, room: Mapping[str, Any]) -> list[dict[str, Any]]:
        devices = ["android", "ios", "web", "mac", "windows"]
        numbers = self._random.sample(range(1000), self._random.randint(1, 3))
        return [
            {**room, "UserId": f"user-{number}", "DeviceType": self._random.choice(devices)}
            for number in numbers
        ]

    def _comes(self, person: Mapping[str, Any]) -> Iterator[Step]:
        user = {key: value for key, value in person.items() if key != "DeviceType"}
        if self._random.random() < _SELDOM:
            yield "InvisibleUserJoinRoom", dict(person)
            yield "RoleChangeInvisible2Visible", user
        else:
            yield "UserJoinRoom", dict(person)
        yield "UserAudioStreamStart", dict(person)
        yield "UserVideoStreamStart", dict(person)
        if self._random.random() < _SELDOM:
            yield "UserScreenVideoStreamStart", dict(person)
            yield "UserScreenVideoStreamStop", {**person, "Reason": "StreamStop"}

    def _meanwhile(self, room: Mapping[str, Any]) -> Iterator[Step]:
        """Yield what else may happen while a room is used: a push to a CDN, a talk with an agent."""
        task = {**room, "TaskId": f"live-{self._rooms}"}
        if self._random.random() < _OFTEN:
            yield "TranscodeStarted", task
            yield "TranscodeStateChanged", {**task, "TaskState": 3, "FinishTime": 0}
            yield "TranscodeStopped", task
        if self._random.random() < _OFTEN:
            for stage in ("taskStart", "beginAsking", "asrFinish", "answerStart", "answerFinish"):
                yield "VoiceChat", {**task, "RoundID": 0, "RunStage": stage}
            if self._random.random() < _SELDOM:
                fault = {"EventType": 1, "RunStage": "llm", "ErrorInfo": {}}
                yield "VoiceChat", {**task, "RoundID": 1, **fault}
            yield "VoiceChat", {**task, "RoundID": 1, "RunStage": "taskStop"}

    def _file(self, people: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "Vid": f"v{self._random.getrandbits(40):010x}",
            "ObjectKey": LEFT_OUT,  # either of them, by the kind of storage
            "Duration": self._random.randrange(10_000, 600_000),
            "Size": self._random.randrange(1_000_000, 90_000_000),
            "StreamList": [{"UserId": person["UserId"], "StreamType": 0} for person in people],
        }

    def _simulated(self, short_type: str, given: Mapping[str, Any], now_ms: int) -> Simulated:
        data = self._event_data(short_type, given, now_ms)
        return Simulated(body=self._written(short_type, data, now_ms), short_type=short_type)

    def _event_data(self, short_type: str, given: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
        table = VENDOR.types[short_type].table
        usual = {
            "Timestamp": now_ms,
            "EventTime": now_ms,
            "StartTime": now_ms - 60_000,
            "CreateTime": now_ms // 1000,
            "BusinessId": "demo" if short_type.startswith(_WITH_BUSINESS_ID) else LEFT_OUT,
        }
        if "ErrorMessage" in table:
            usual |= {"Code": 0, "ErrorMessage": ""}
        known = documented(table, usual)
        data = filled(table, self._random, {**known, **_USUAL.get(short_type, {}), **given})
        del data["Version"]  # is in the envelope only
        if short_type.startswith(_WITHOUT_APP_ID):
            del data["AppId"]
        else:
            data["AppId"] = APP_ID
        return data

    def _written(
        self,
        word: str,
        data: Mapping[str, Any],
        now_ms: int,
        oddity: "_Oddity | None" = None,
    ) -> bytes:
        """Return a body around the data, in a given way or the plain one."""
        way = oddity or _PLAIN
        self._events += 1
        moment = datetime.fromtimestamp(now_ms // 1000, UTC)
        envelope = {
            "EventType": word,
            "EventData": way.event_data(data),
            "EventTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "EventId": f"{self._random.getrandbits(64):016x}{self._events:08x}",
            "AppId": APP_ID,
            "Version": "2020-12-01",
            "Nonce": f"{self._random.randrange(10_000):04d}",
        }
        return way.body(self._signed(way.envelope(envelope)))

    def _signed(self, envelope: Envelope) -> Envelope:
        parts = [value.encode() for value in envelope.values()]
        text = b"".join(sorted([*parts, self._secret]))
        return {**envelope, "Signature": hashlib.sha256(text).hexdigest()}


def _compact(data: Mapping[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"))


def _with_blanks(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2)


def _numbers(data: Mapping[str, Any]) -> str:
    """Return the numbers as text, as editions of 2023 have the time."""
    return _compact(numbers_as_text(data))


def _unknown_fields(data: Mapping[str, Any]) -> str:
    """Return fields that only newer receivers' models know."""
    return _compact({**data, "MediaProcessingType": 0, "Node": {"IDC": "bj-7", "Load": 0.5}})


def _foreign_words(data: Mapping[str, Any]) -> str:
    return json.dumps({**data, "ExtraInfo": "教室 7, préparé"}, ensure_ascii=False)


def _same(envelope: Envelope) -> Envelope:
    return envelope


def _older_nonce(envelope: Envelope) -> Envelope:
    return {"Noce" if key == "Nonce" else key: value for key, value in envelope.items()}


def _local_time(envelope: Envelope) -> Envelope:
    moment = datetime.fromisoformat(envelope["EventTime"]).astimezone(_CHINA)
    return {**envelope, "EventTime": moment.isoformat()}


def _nanoseconds(envelope: Envelope) -> Envelope:
    return {**envelope, "EventTime": envelope["EventTime"].replace("Z", ".691000000Z")}


def _text(envelope: Envelope) -> bytes:
    return json.dumps(envelope).encode()


def _with_object(envelope: Envelope) -> bytes:
    """Return EventData as an object: its characters in the body are what is signed."""
    members = (
        f'"{name}":{value if name == "EventData" else json.dumps(value)}'
        for name, value in envelope.items()
    )
    return f"{{{','.join(members)}}}".encode()


def _mark_in_front(envelope: Envelope) -> bytes:
    return _MARK + json.dumps(envelope, indent=2).encode() + b"\n"


def _more_beside(envelope: Envelope) -> bytes:
    """Return members beside those that are signed."""
    return _text({**envelope, "BusinessId": "demo", "Region": "cn"})


def _other_order(envelope: Envelope) -> bytes:
    return json.dumps(dict(reversed(envelope.items())), ensure_ascii=False).encode()


class _Oddity(msgspec.Struct, frozen=True, kw_only=True):
    """How a callback is written: EventData as text, then the envelope, signed, as a body."""

    event_data: Callable[[Mapping[str, Any]], str] = _compact
    envelope: Callable[[Envelope], Envelope] = _same
    body: Callable[[Envelope], bytes] = _text


_PLAIN = _Oddity()
_ODDITIES = (
    _Oddity(envelope=_older_nonce),
    _Oddity(body=_with_object),
    _Oddity(event_data=_with_blanks, body=_with_object),
    _Oddity(event_data=_numbers),
    _Oddity(envelope=_local_time),
    _Oddity(envelope=_nanoseconds),
    _Oddity(event_data=_with_blanks, body=_mark_in_front),
    _Oddity(event_data=_unknown_fields, body=_more_beside),
    _Oddity(event_data=_foreign_words, body=_other_order),
)
