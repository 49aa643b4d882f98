"""Simulated callbacks of the production studio: shows that play, operations, now and then a fault."""

import json
from collections.abc import Callable, Mapping
from itertools import cycle
from random import Random
from typing import Any
from uuid import UUID

from router.vendors.alibaba_caster import VENDOR
from router.vendors.alibaba_caster.codes import CODES
from router.vendors.traffic import LEFT_OUT, Simulated, documented, filled

_SHOW_MS = 396_847
_STEP_MS = 12_000
_WEIGHTS = {"ShowListDTSCallback": 12, "OperateCallback": 4}
_WELL = 0.6
_FAULTS = [code for code in CODES if code != "Success"]
_MARK = b"\xef\xbb\xbf"

_Dress = Callable[[dict[str, Any]], bytes]


class Traffic:
    """One studio; its path's token is the sender's business, there is nothing to sign."""

    def __init__(self, random: Random, secret: bytes) -> None:
        """Take the source of chance; *secret* is there for the vendors that sign."""
        del secret
        self._random = random
        self._caster = self._uuid()
        self._program = self._uuid()
        self._show = self._uuid()
        self._progress_ms = 0
        self._oddities = cycle(_ODDITIES)

    def ordinary(self, now_ms: int) -> Simulated:
        """Return mostly progress of the show, else an operation, an episode or an error."""
        return self.of_type(self._chosen(), now_ms)

    def of_type(self, short_type: str, now_ms: int) -> Simulated:
        """Return a callback of a documented type, filled from its class."""
        return Simulated(body=_text(self._made(short_type, now_ms)), short_type=short_type)

    def forgery(self, now_ms: int) -> Simulated:
        """Return a plausible body for a path without the token."""
        body = _text(self._made("OperateCallback", now_ms))
        return Simulated(body=body, kind="forgery", short_type="OperateCallback", has_token=False)

    def unknown(self, now_ms: int) -> Simulated:
        """Return a type that the vendor might add one day."""
        message = {"Weather": "sunny", "Since": now_ms}
        body = {
            "CasterId": self._caster,
            "EventType": "WeatherCallback",
            "EventMessage": message,
        }
        return Simulated(body=_text(body), kind="unknown", short_type="WeatherCallback")

    def odd(self, now_ms: int) -> Simulated:
        """Return what happens next, written as few expect it."""
        dress, short_type = next(self._oddities), self._chosen()
        body = dress(self._made(short_type, now_ms))
        return Simulated(body=body, kind="odd", short_type=short_type)

    def _chosen(self) -> str:
        weights = [_WEIGHTS.get(name, 2) for name in VENDOR.types]
        return self._random.choices(list(VENDOR.types), weights)[0]

    def _made(self, short_type: str, now_ms: int) -> dict[str, Any]:
        table = VENDOR.types[short_type].table
        is_progress = short_type == "ShowListDTSCallback"
        usual = self._progress() if is_progress else self._result(short_type)
        message = documented(table["EventMessage"].table or {}, usual)
        given = {
            "CasterId": self._caster,
            "EventType": short_type,
            "EventMessage": message,
            "ResponseTime": now_ms if is_progress else LEFT_OUT,  # as the documents show it
        }
        return filled(table, self._random, given)

    def _progress(self) -> dict[str, Any]:
        if self._progress_ms == _SHOW_MS:
            self._show, self._progress_ms = self._uuid(), 0
        self._progress_ms = min(self._progress_ms + _STEP_MS, _SHOW_MS)
        return {
            "ShowId": self._show,
            "ShowName": "evening.mp4",
            "ProgressTime": str(self._progress_ms),  # numbers, but documented as text
            "Duration": str(_SHOW_MS),
        }

    def _result(self, short_type: str) -> dict[str, Any]:
        is_well = short_type != "RuntimeErrorCallback" and self._random.random() < _WELL
        code = "Success" if is_well else self._random.choice(_FAULTS)
        return {
            "RequestId": self._uuid().upper(),
            "ProgramId": self._program,
            "EpisodeId": self._uuid(),
            "Code": code,
            "Message": CODES[code].meaning,
        }

    def _uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))


def _text(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body).encode()


def _message_as_text(body: dict[str, Any]) -> bytes:
    return _text({**body, "EventMessage": json.dumps(body["EventMessage"])})


def _numbers(body: dict[str, Any]) -> bytes:
    """Return the body with numbers where texts are documented, and the other way round."""
    message = {
        key: int(value) if isinstance(value, str) and value.isdecimal() else value
        for key, value in body["EventMessage"].items()
    }
    times = {"ResponseTime": str(body["ResponseTime"])} if "ResponseTime" in body else {}
    return _text({**body, "EventMessage": message, **times})


def _unknown_fields(body: dict[str, Any]) -> bytes:
    message = {**body["EventMessage"], "NodeId": "node-7", "Extra": {"RetryCount": 1}}
    return _text({**body, "EventMessage": message, "Region": "cn-shanghai"})


def _other_order(body: dict[str, Any]) -> bytes:
    return _text(dict(reversed(body.items())))


def _blanks_around(body: dict[str, Any]) -> bytes:
    return b" " + json.dumps(body, indent=4, ensure_ascii=False).encode() + b"\n"


def _mark_in_front(body: dict[str, Any]) -> bytes:
    return _MARK + _text(body)


_ODDITIES: tuple[_Dress, ...] = (
    _message_as_text,
    _numbers,
    _unknown_fields,
    _other_order,
    _blanks_around,
    _mark_in_front,
)
