"""Simulated callbacks of Volcengine Live: streams that are pushed, recorded, watched, and end."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import cycle
from random import Random
from typing import Any

from router.vendors.traffic import (
    Birth,
    Now,
    Simulated,
    Step,
    filled,
    in_capitals,
    indented,
    numbers_as_text,
    reordered,
    text,
    with_unknown_fields,
)
from router.vendors.volcengine_live import VENDOR

_STREAMS = 3
_EXPIRES_AFTER_SECS = 600


class Sender:
    """A few streams at once, each pushed from its start to its end."""

    def __init__(self, random: Random, secret: bytes) -> None:
        """Take the source of chance and the key; without one, authentication is off at the vendor.

        Then a token of the path is all that can tell a forgery.
        """
        self._random = random
        self._key = secret
        self._streams = random.randrange(1000)
        self._count = 0
        self._oddities = cycle(_ODDITIES)

    @property
    def births(self) -> Sequence[Birth]:
        """Return what begins each stream's story."""
        return [self._push] * _STREAMS

    def body(self, short_type: str, given: Mapping[str, Any], now_ms: int) -> bytes:
        """Return the callback of a step, signed."""
        return text(_wrapped(self._made(short_type, given, now_ms)))

    def odd(self, short_type: str, given: Mapping[str, Any], now_ms: int) -> bytes:
        """Return the same in the next of the odd ways to write it."""
        return next(self._oddities)(self._made(short_type, given, now_ms))

    def forgery(self, now_ms: int) -> Simulated:
        """Return the end of a stream, its digest made with another key."""
        data = self._made("PushEnd", self._ended(), now_ms, key=b"guessed-" + self._key)
        body, has_token = text(_wrapped(data)), bool(self._key)
        return Simulated(body=body, kind="forgery", short_type="PushEnd", has_token=has_token)

    def unknown(self, now_ms: int) -> Simulated:
        """Return a type that the vendor might add one day."""
        given = {**self._ended(), "event_type": "weather_event", "detail": {"sun": True}}
        body = self.body("PushEnd", given, now_ms)
        return Simulated(body=body, kind="unknown", short_type="weather_event")

    def _push(self, now_ms: Now) -> Iterator[Step]:
        del now_ms
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
            "detail": {**times, **given.get("detail", {})},
        }
        data = filled(event_type.table, self._random, usual)
        return {**data, **self._proof(now_ms // 1000, self._key if key is None else key)}

    def _proof(self, now_secs: int, key: bytes) -> dict[str, Any]:
        if not self._key:
            return {"sign": "", "t": 0}
        expires = now_secs + _EXPIRES_AFTER_SECS
        sign = hashlib.md5(key + b"%d" % expires).hexdigest()  # noqa: S324 - the vendor's choice
        return {"sign": sign, "t": expires}

    def _ended(self) -> dict[str, Any]:
        return {**self._stream(), "detail": self._session()}

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


def _wrapped(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"code": 0, "message": "ok", "data": data}


def _numbers(data: dict[str, Any]) -> bytes:
    """Return the body with `t` as text, as one edition has it, and the other numbers too."""
    detail = numbers_as_text(data["detail"])
    return text(_wrapped({**numbers_as_text(data), "detail": detail}))


def _other_order(data: dict[str, Any]) -> bytes:
    return reordered(_wrapped(dict(reversed(data.items()))))


def _capitals(data: dict[str, Any]) -> bytes:
    return text(_wrapped(in_capitals(data, "sign")))


def _transcoded(data: dict[str, Any]) -> bytes:
    return text(_wrapped({**data, "detail": {**data["detail"], "transcoded": True}}))


def _older_edition(data: dict[str, Any]) -> bytes:
    """Return the body as editions before 2025 had it: fewer fields, and no constants around."""
    kept = {key: data[key] for key in data if key not in ("priority", "backup_count")}
    return text({"data": kept})


def _unknown_fields(data: dict[str, Any]) -> bytes:
    return text(_wrapped(with_unknown_fields(data, "detail")))


def _blanks_around(data: dict[str, Any]) -> bytes:
    return indented({"data": data})


_ODDITIES: tuple[Callable[[dict[str, Any]], bytes], ...] = (
    _numbers,
    _other_order,
    _capitals,
    _transcoded,
    _older_edition,
    _unknown_fields,
    _blanks_around,
)
