"""Simulated callbacks of ZEGO's cloud player: players from their birth to their end, and uploads."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from random import Random
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

from router.vendors.traffic import (
    LEFT_OUT,
    Lives,
    Simulated,
    Step,
    documented,
    filled,
    numbers_as_text,
)
from router.vendors.zego_cloud_player import VENDOR
from router.vendors.zego_cloud_player.parts import PLAYER_ANOMALIES, UPLOAD_FAILURES

APP_ID = 123456789
_PLAYERS = 3
_UPLOADS = 2
_SELDOM = 0.3
_MARK = b"\xef\xbb\xbf"

_Dress = Callable[[dict[str, Any]], bytes]


class Traffic:
    """A few players and uploads at once, each living its own story."""

    def __init__(self, random: Random, secret: bytes) -> None:
        """Take the source of chance, and the secret that the vendor signs with."""
        self._random = random
        self._secret = secret
        births = [self._player] * _PLAYERS + [self._upload] * _UPLOADS
        self._lives = Lives(random, *births)
        self._oddities = cycle(_ODDITIES)

    def ordinary(self, now_ms: int) -> Simulated:
        """Return the next step of a player or an upload."""
        short_type, given = self._lives.next()
        body = _text(self._signed(self._made(short_type, given, now_ms), now_ms))
        return Simulated(body=body, short_type=short_type)

    def of_type(self, short_type: str, now_ms: int) -> Simulated:
        """Return a callback of a documented type, filled from its class."""
        given = {"PlayerId": self._player_id(), "UploadTaskId": self._task_id()}
        given = documented(VENDOR.types[short_type].table, given)
        body = _text(self._signed(self._made(short_type, given, now_ms), now_ms))
        return Simulated(body=body, short_type=short_type)

    def forgery(self, now_ms: int) -> Simulated:
        """Return a player's end, signed with another secret."""
        made = self._made("PlayerDestroyed", {"PlayerId": self._player_id()}, now_ms)
        body = _text(self._signed(made, now_ms, b"guessed-" + self._secret))
        return Simulated(body=body, kind="forgery", short_type="PlayerDestroyed")

    def unknown(self, now_ms: int) -> Simulated:
        """Return a type that the vendor might add one day."""
        made = self._made("PlayerStateChanged", {"PlayerId": self._player_id()}, now_ms)
        made |= {"EventType": 99, "Detail": {"Weather": "sunny"}}
        return Simulated(body=_text(self._signed(made, now_ms)), kind="unknown", short_type="99")

    def odd(self, now_ms: int) -> Simulated:
        """Return what happens next, written as few expect it."""
        dress, (short_type, given) = next(self._oddities), self._lives.next()
        body = dress(self._signed(self._made(short_type, given, now_ms), now_ms))
        return Simulated(body=body, kind="odd", short_type=short_type)

    def _player(self) -> Iterator[Step]:
        player = {
            "PlayerId": self._player_id(),
            "PlayerName": f"screen-{self._random.randrange(100)}",
            "RoomId": f"room_{self._random.randrange(100)}",
        }
        yield "PlayerCreated", player
        for status in (2, 3, 4):
            yield "PlayerStateChanged", {**player, "Detail": {"Status": status}}
        while self._random.random() < _SELDOM:
            code = self._random.choice(list(PLAYER_ANOMALIES))
            yield "PlayerAnomaly", {**player, "Detail": {"Code": code}}
        for status in (7, 8):
            yield "PlayerStateChanged", {**player, "Detail": {"Status": status}}
        yield "PlayerDestroyed", {**player, "Detail": {"Reason": 3}}

    def _upload(self) -> Iterator[Step]:
        task = {
            "UploadTaskId": self._task_id(),
            "StreamUrl": "https://media.example.com/a%20film.mp4?sign=a+b%2Fc",
            "Title": "a film.mp4",
        }
        yield "UploadStateChanged", {**task, "Detail": {"Status": 1}}
        yield "UploadStateChanged", {**task, "Detail": {"Status": 2}}
        if self._random.random() < _SELDOM:
            yield "UploadCancelFailed", {**task, "Detail": {"Reason": 1}}
        while self._random.random() < _SELDOM:
            yield "UploadAnomaly", {**task, "Detail": {"Code": 2}}
        if self._random.random() < _SELDOM:
            reason = self._random.choice(list(UPLOAD_FAILURES))
            yield "UploadFailed", {**task, "Detail": {"Reason": reason}}
        else:
            yield "UploadDone", task
            yield "UploadExpired", task

    def _made(self, short_type: str, given: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
        event_type = VENDOR.types[short_type]
        began = now_ms // 1000 - self._random.randrange(60)
        detail = event_type.table["Detail"].table or {}
        times = documented(detail, {"CreateTime": began, "PlayTime": began})
        usual = {
            "AppID": APP_ID,
            "EventType": int(event_type.word),
            "EventTime": now_ms,
            **given,
            "Detail": {**times, **given.get("Detail", {})},
        }
        return filled(event_type.table, self._random, usual)

    def _signed(
        self, body: Mapping[str, Any], now_ms: int, secret: bytes | None = None
    ) -> dict[str, Any]:
        """Return the body with its proof; the random value never comes twice."""
        proof = {
            "Timestamp": str(now_ms // 1000),
            "Nonce": str(self._random.getrandbits(63)),
        }
        parts = [value.encode() for value in proof.values()]
        text = b"".join(sorted([*parts, self._secret if secret is None else secret]))
        signature = hashlib.sha1(text).hexdigest()  # noqa: S324 - the vendor's choice
        return {**body, **proof, "Signature": signature}

    def _player_id(self) -> str:
        return f"{self._random.getrandbits(32):08x}"

    def _task_id(self) -> str:
        return f"{self._random.getrandbits(96):024x}"


def _text(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body).encode()


def _without(body: Mapping[str, Any], member: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != member}


def _small_detail(body: dict[str, Any]) -> bytes:
    return _text({**_without(body, "Detail"), "detail": body["Detail"]})


def _older_app_id(body: dict[str, Any]) -> bytes:
    return _text({"AppId": body["AppID"], **_without(body, "AppID")})


def _numbers(body: dict[str, Any]) -> bytes:
    return _text({**numbers_as_text(body), "Detail": numbers_as_text(body["Detail"])})


def _percent_encoded(body: dict[str, Any]) -> bytes:
    return quote(_text(body), safe="").encode()


def _percent_encoded_plus(body: dict[str, Any]) -> bytes:
    return quote_plus(_text(body)).encode()


def _form(body: dict[str, Any]) -> bytes:
    return urlencode({**body, "Detail": json.dumps(body["Detail"])}).encode()


def _form_of_one(body: dict[str, Any]) -> bytes:
    return urlencode({"data": json.dumps(body)}).encode()


def _detail_as_text(body: dict[str, Any]) -> bytes:
    return _text({**body, "Detail": json.dumps(body["Detail"])})


def _empty_detail(spelling: object) -> _Dress:
    """Return what says in this way that there is no detail, where there is none."""

    def dress(body: dict[str, Any]) -> bytes:
        spelled = {**body, "Detail": body["Detail"] or spelling}
        return _text({key: value for key, value in spelled.items() if value is not LEFT_OUT})

    return dress


def _capitals(body: dict[str, Any]) -> bytes:
    return _text({**body, "Signature": body["Signature"].upper()})


def _unknown_fields(body: dict[str, Any]) -> bytes:
    return _text({**body, "Region": "cn", "Detail": {**body["Detail"], "Frame": {"Rate": 25}}})


def _blanks_around(body: dict[str, Any]) -> bytes:
    return _MARK + json.dumps(dict(reversed(body.items())), indent=2).encode() + b"\n"


_ODDITIES: tuple[_Dress, ...] = (
    _small_detail,
    _older_app_id,
    _numbers,
    _percent_encoded,
    _percent_encoded_plus,
    _form,
    _form_of_one,
    _detail_as_text,
    _empty_detail(None),
    _empty_detail(""),
    _empty_detail(LEFT_OUT),
    _capitals,
    _unknown_fields,
    _blanks_around,
)
