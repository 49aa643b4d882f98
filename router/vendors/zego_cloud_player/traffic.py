"""Simulated callbacks of ZEGO's cloud player: players from their birth to their end, and uploads."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle
from random import Random
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

from router.vendors.traffic import (
    LEFT_OUT,
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
from router.vendors.zego_cloud_player import VENDOR
from router.vendors.zego_cloud_player.parts import PLAYER_ANOMALIES, UPLOAD_FAILURES

APP_ID = 123456789
_PLAYERS = 3
_UPLOADS = 2
_SELDOM = 0.3

_Dress = Callable[[dict[str, Any]], bytes]


class Sender:
    """A few players and uploads at once, each living its own story."""

    def __init__(self, random: Random, secret: bytes) -> None:
        """Take the source of chance, and the secret that the vendor signs with."""
        self._random = random
        self._secret = secret
        self._oddities = cycle(_ODDITIES)

    @property
    def births(self) -> Sequence[Birth]:
        """Return what begins the stories of players and uploads."""
        return [self._player] * _PLAYERS + [self._upload] * _UPLOADS

    def body(self, short_type: str, given: Mapping[str, Any], now_ms: int) -> bytes:
        """Return the callback of a step, signed."""
        return text(self._signed(self._made(short_type, given, now_ms), now_ms))

    def odd(self, short_type: str, given: Mapping[str, Any], now_ms: int) -> bytes:
        """Return the same in the next of the odd ways to write it."""
        return next(self._oddities)(self._signed(self._made(short_type, given, now_ms), now_ms))

    def forgery(self, now_ms: int) -> Simulated:
        """Return a player's end, signed with another secret."""
        made = self._made("PlayerDestroyed", {"PlayerId": self._player_id()}, now_ms)
        body = text(self._signed(made, now_ms, b"guessed-" + self._secret))
        return Simulated(body=body, kind="forgery", short_type="PlayerDestroyed")

    def unknown(self, now_ms: int) -> Simulated:
        """Return a type that the vendor might add one day."""
        made = self._made("PlayerStateChanged", {"PlayerId": self._player_id()}, now_ms)
        made |= {"EventType": 99, "Detail": {"Weather": "sunny"}}
        return Simulated(body=text(self._signed(made, now_ms)), kind="unknown", short_type="99")

    def _player(self, now_ms: Now) -> Iterator[Step]:
        began = {"PlayTime": now_ms() // 1000}
        player = {
            "PlayerId": self._player_id(),
            "PlayerName": f"screen-{self._random.randrange(100)}",
            "RoomId": f"room_{self._random.randrange(100)}",
        }
        yield "PlayerCreated", {**player, "Detail": {"CreateTime": now_ms() // 1000, **began}}
        for status in (2, 3, 4):
            yield "PlayerStateChanged", {**player, "Detail": {"Status": status}}
        while self._random.random() < _SELDOM:
            code = self._random.choice(list(PLAYER_ANOMALIES))
            yield "PlayerAnomaly", {**player, "Detail": {"Code": code}}
        for status in (7, 8):
            yield "PlayerStateChanged", {**player, "Detail": {"Status": status}}
        yield "PlayerDestroyed", {**player, "Detail": {"Reason": 3, **began}}

    def _upload(self, now_ms: Now) -> Iterator[Step]:
        del now_ms
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
        usual = {
            "AppID": APP_ID,
            "EventType": int(event_type.word),
            "EventTime": now_ms,
            **given,
        }
        if short_type.startswith("Upload"):  # as in the one example of an upload; tables say Number
            usual |= {"AppID": str(APP_ID), "EventTime": str(now_ms)}
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
        joined = b"".join(sorted([*parts, self._secret if secret is None else secret]))
        signature = hashlib.sha1(joined).hexdigest()  # noqa: S324 - the vendor's choice
        return {**body, **proof, "Signature": signature}

    def _player_id(self) -> str:
        return f"{self._random.getrandbits(32):08x}"

    def _task_id(self) -> str:
        return f"{self._random.getrandbits(96):024x}"


def _without(body: Mapping[str, Any], member: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != member}


def _small_detail(body: dict[str, Any]) -> bytes:
    return text({**_without(body, "Detail"), "detail": body["Detail"]})


def _older_app_id(body: dict[str, Any]) -> bytes:
    return text({"AppId": body["AppID"], **_without(body, "AppID")})


def _numbers(body: dict[str, Any]) -> bytes:
    return text({**numbers_as_text(body), "Detail": numbers_as_text(body["Detail"])})


def _percent_encoded(body: dict[str, Any]) -> bytes:
    return quote(text(body), safe="").encode()


def _percent_encoded_plus(body: dict[str, Any]) -> bytes:
    return quote_plus(text(body)).encode()


def _form(body: dict[str, Any]) -> bytes:
    return urlencode({**body, "Detail": json.dumps(body["Detail"])}).encode()


def _form_of_one(body: dict[str, Any]) -> bytes:
    return urlencode({"data": json.dumps(body)}).encode()


def _detail_as_text(body: dict[str, Any]) -> bytes:
    return text({**body, "Detail": json.dumps(body["Detail"])})


def _empty_detail(spelling: object) -> _Dress:
    """Return what says in this way that there is no detail, where there is none."""

    def dress(body: dict[str, Any]) -> bytes:
        spelled = {**body, "Detail": body["Detail"] or spelling}
        return text({key: value for key, value in spelled.items() if value is not LEFT_OUT})

    return dress


def _capitals(body: dict[str, Any]) -> bytes:
    return text(in_capitals(body, "Signature"))


def _unknown_fields(body: dict[str, Any]) -> bytes:
    return text(with_unknown_fields(body, "Detail"))


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
    reordered,
    indented,
)
