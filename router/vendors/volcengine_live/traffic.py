"""Simulated callbacks of Volcengine Live: streams that are pushed, recorded, watched, and end."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import cycle
from random import Random
from typing import Any

from router.vendors.traffic import Lives, Simulated, Step, filled, numbers_as_text
from router.vendors.volcengine_live import VENDOR

_STREAMS = 3
_EXPIRES_AFTER_SECS = 600
_MARK = b"\xef\xbb\xbf"

_Dress = Callable[[dict[str, Any]], bytes]


class Traffic:
    """A few streams at once, each pushed from its start to its end."""

    def __init__(self, random: Random, secret: bytes) -> None:
        """Take the source of chance and the key; without one, authentication is off at the vendor.

        Then a token of the path is all that can tell a forgery.
        """
        self._random = random
        self._key = secret
        self._streams = random.randrange(1000)
        self._count = 0
        self._lives = Lives(random, *[self._push] * _STREAMS)
        self._oddities = cycle(_ODDITIES)

    def ordinary(self, now_ms: int) -> Simulated:
        """Return the next step of one of the streams."""
        short_type, given = self._lives.next()
        body = _text(self._made(short_type, given, now_ms))
        return Simulated(body=body, short_type=short_type)

    def of_type(self, short_type: str, now_ms: int) -> Simulated:
        """Return a callback of a documented type, filled from its class."""
        given = {**self._stream(), "detail": self._session()}
        body = _text(self._made(short_type, given, now_ms))
        return Simulated(body=body, short_type=short_type)

    def forgery(self, now_ms: int) -> Simulated:
        """Return the end of a stream, its digest made with another key."""
        given = {**self._stream(), "detail": self._session()}
        data = self._made("PushEnd", given, now_ms, key=b"guessed-" + self._key)
        has_token = bool(self._key)
        return Simulated(
            body=_text(data), kind="forgery", short_type="PushEnd", has_token=has_token
        )

    def unknown(self, now_ms: int) -> Simulated:
        """Return a type that the vendor might add one day."""
        weather = {"event_type": "weather_event", "detail": {"sun": True}}
        given = {**self._stream(), **weather}
        body = _text(self._made("PushEnd", given, now_ms))
        return Simulated(body=body, kind="unknown", short_type="weather_event")

    def odd(self, now_ms: int) -> Simulated:
        """Return what happens next, written as few expect it."""
        dress, (short_type, given) = next(self._oddities), self._lives.next()
        body = dress(self._made(short_type, given, now_ms))
        return Simulated(body=body, kind="odd", short_type=short_type)

    def _push(self) -> Iterator[Step]:
        stream, session = self._stream(), self._session()
        step = partial(_step, stream, session)
        yield step("PushStart", transcoded=False)
        if self._random.random() < 0.2:  # noqa: PLR2004 - where TranscodeCallback is 1
            yield step("PushStart", transcoded=True)
        for _ in range(self._random.randint(1, 3)):
            yield step("SnapshotEvent", index=self._counted())
            yield step("AuditSnapshot", index=self._counted(), label="normal")
            yield step("RecordEvent", index=self._counted(), duration_ms=60_000)
        yield step("PushEnd")

    def _made(
        self, short_type: str, given: Mapping[str, Any], now_ms: int, key: bytes | None = None
    ) -> dict[str, Any]:
        """Return what stands in `data`: signed, whoever the key is from."""
        event_type = VENDOR.types[short_type]
        times = {"time": now_ms // 1000, "time_ms": now_ms}
        usual = {
            "domain": "push.example.com",
            "event_type": event_type.word.replace("*", "_snapshot"),
            **given,
            "detail": {**times, **given["detail"]},
        }
        data = filled(event_type.table, self._random, usual)
        return {**data, **self._proof(now_ms // 1000, self._key if key is None else key)}

    def _proof(self, now_secs: int, key: bytes) -> dict[str, Any]:
        if not self._key:
            return {"sign": "", "t": 0}
        expires = now_secs + _EXPIRES_AFTER_SECS
        sign = hashlib.md5(key + b"%d" % expires).hexdigest()  # noqa: S324 - the vendor's choice
        return {"sign": sign, "t": expires}

    def _stream(self) -> dict[str, Any]:
        self._streams += 1
        app = self._random.choice(["live", "show"])
        return {"vhost": "live-space", "app": app, "stream": f"cam-{self._streams}"}

    def _session(self) -> dict[str, Any]:
        session = f"{self._random.getrandbits(32)}_{self._random.randrange(1000)}"
        return {"session_id": session, "sequence_id": f"seq-{self._random.getrandbits(64):016x}"}

    def _counted(self) -> int:
        self._count += 1
        return self._count


def _step(
    stream: Mapping[str, Any], session: Mapping[str, Any], short_type: str, **detail: object
) -> Step:
    return short_type, {**stream, "detail": {**session, **detail}}


def _text(data: Mapping[str, Any]) -> bytes:
    return json.dumps({"code": 0, "message": "ok", "data": data}).encode()


def _numbers(data: dict[str, Any]) -> bytes:
    """Return the body with `t` as text, as one edition has it, and the other numbers too."""
    return _text({**numbers_as_text(data), "detail": numbers_as_text(data["detail"])})


def _other_order(data: dict[str, Any]) -> bytes:
    return json.dumps({"data": dict(reversed(data.items())), "message": "ok", "code": 0}).encode()


def _capitals(data: dict[str, Any]) -> bytes:
    return _text({**data, "sign": data["sign"].upper()})


def _transcoded(data: dict[str, Any]) -> bytes:
    return _text({**data, "detail": {**data["detail"], "transcoded": True}})


def _older_edition(data: dict[str, Any]) -> bytes:
    """Return the body as editions before 2025 had it: fewer fields, and no constants around."""
    kept = {key: data[key] for key in data if key not in ("priority", "backup_count")}
    return json.dumps({"data": kept}).encode()


def _unknown_fields(data: dict[str, Any]) -> bytes:
    detail = {**data["detail"], "codec": {"VideoCodec": "h264"}}
    return _text({**data, "region": "cn-north-1", "detail": detail})


def _blanks_around(data: dict[str, Any]) -> bytes:
    return _MARK + b"\n" + json.dumps({"data": data}, indent=2).encode() + b"\n"


_ODDITIES: tuple[_Dress, ...] = (
    _numbers,
    _other_order,
    _capitals,
    _transcoded,
    _older_edition,
    _unknown_fields,
    _blanks_around,
)
