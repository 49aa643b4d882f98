"""Simulated callbacks of Volcengine RTC: what happens, written and signed as the vendor does."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import cycle
from random import Random
from typing import Any

import msgspec

from router.vendors.traffic import (
    LEFT_OUT,
    Birth,
    Simulated,
    documented,
    filled,
    indented,
    numbers_as_text,
    reordered,
    text,
)
from router.vendors.volcengine_rtc import VENDOR
from router.vendors.volcengine_rtc.stories import Stories

APP_ID = "65f1c0"
_CHINA = timezone(timedelta(hours=8))

# EventData of these does not repeat the envelope's AppId.
_WITHOUT_APP_ID = ("Room", "User", "Invisible", "RoleChange", "Relay", "Wb", "WebRecord")
_WITH_BUSINESS_ID = ("Record", "Segment", "Snapshot", "Webcast", "PushPublic")

Envelope = dict[str, str]


class Sender:
    """A few rooms at once, and what happens beside them: see `Stories`."""

    def __init__(self, random: Random, secret: bytes) -> None:
        """Take the source of chance, and the key that the vendor signs with."""
        self._random = random
        self._secret = secret
        self._events = 0
        self._stories = Stories(random)
        self._oddities = cycle(_ODDITIES)

    @property
    def births(self) -> Sequence[Birth]:
        """Return what begins the stories of rooms, and of what needs none."""
        return self._stories.births

    def body(self, short_type: str, given: Mapping[str, Any], now_ms: int) -> bytes:
        """Return the callback of a step: its data as text, and the signed envelope around it."""
        return self._written(short_type, self._event_data(short_type, given, now_ms), now_ms)

    def odd(self, short_type: str, given: Mapping[str, Any], now_ms: int) -> bytes:
        """Return the same in the next of the odd ways to write it."""
        data = self._event_data(short_type, given, now_ms)
        return self._written(short_type, data, now_ms, next(self._oddities))

    def forgery(self, now_ms: int) -> Simulated:
        """Return a room's end that the vendor never signed: another one's signature."""
        genuine = self.body("RoomDestroy", {"RoomId": "room-1"}, now_ms)
        body = genuine.replace(b"room-1", b"room-2")
        return Simulated(body=body, kind="forgery", short_type="RoomDestroy")

    def unknown(self, now_ms: int) -> Simulated:
        """Return a type that the vendor might add one day."""
        word, data = "RoomWeatherChanged", {"RoomId": "room-1", "Weather": "sunny"}
        body = self._written(word, data, now_ms)
        return Simulated(body=body, kind="unknown", short_type=word)

    def _event_data(self, short_type: str, given: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
        table = VENDOR.types[short_type].table
        usual = {
            "Timestamp": now_ms,
            "EventTime": now_ms,
            "BusinessId": "demo" if short_type.startswith(_WITH_BUSINESS_ID) else LEFT_OUT,
        }
        if "ErrorMessage" in table:
            usual |= {"Code": 0, "ErrorMessage": ""}
        known = documented(table, usual)
        data = filled(table, self._random, {**known, **given})
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
        joined = b"".join(sorted([*parts, self._secret]))
        return {**envelope, "Signature": hashlib.sha256(joined).hexdigest()}


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


def _with_object(envelope: Envelope) -> bytes:
    """Return EventData as an object: its characters in the body are what is signed."""
    members = (
        f'"{name}":{value if name == "EventData" else json.dumps(value)}'
        for name, value in envelope.items()
    )
    return f"{{{','.join(members)}}}".encode()


def _more_beside(envelope: Envelope) -> bytes:
    """Return members beside those that are signed."""
    return text({**envelope, "BusinessId": "demo", "Region": "cn"})


class _Oddity(msgspec.Struct, frozen=True, kw_only=True):
    """How a callback is written: EventData as text, then the envelope, signed, as a body."""

    event_data: Callable[[Mapping[str, Any]], str] = _compact
    envelope: Callable[[Envelope], Envelope] = _same
    body: Callable[[Envelope], bytes] = text


_PLAIN = _Oddity()
_ODDITIES = (
    _Oddity(envelope=_older_nonce),
    _Oddity(body=_with_object),
    _Oddity(event_data=_with_blanks, body=_with_object),
    _Oddity(event_data=_numbers),
    _Oddity(envelope=_local_time),
    _Oddity(envelope=_nanoseconds),
    _Oddity(event_data=_with_blanks, body=reordered),
    _Oddity(event_data=_unknown_fields, body=_more_beside),
    _Oddity(event_data=_foreign_words, body=indented),
)
