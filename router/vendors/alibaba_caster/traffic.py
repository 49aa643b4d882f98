"""Simulated callbacks of the production studio: shows that play, operations, now and then a fault."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle
from random import Random
from typing import Any
from uuid import UUID

from router.vendors.alibaba_caster import VENDOR
from router.vendors.alibaba_caster.codes import CODES
from router.vendors.traffic import (
    LEFT_OUT,
    Birth,
    Now,
    Simulated,
    Step,
    documented,
    filled,
    indented,
    reordered,
    text,
    with_unknown_fields,
)

_SHOW_MS = 396_847
_STEP_MS = 12_000
_WEIGHTS = {"ShowListDTSCallback": 12, "OperateCallback": 4}
_WELL = 0.6
_FAULTS = [code for code in CODES if code != "Success"]


class Sender:
    """One studio; its path's token is the sender's business, there is nothing to sign."""

    def __init__(self, random: Random, secret: bytes) -> None:
        """Take the source of chance; *secret* is there for the vendors that sign."""
        del secret
        self._random = random
        self._caster = self._uuid()
        self._program = self._uuid()
        self._oddities = cycle(_ODDITIES)

    @property
    def births(self) -> Sequence[Birth]:
        """Return the studio's own story, which has no end."""
        return (self._studio,)

    def body(self, short_type: str, given: Mapping[str, Any], now_ms: int) -> bytes:
        """Return the callback of a step: its message, and who sends it."""
        return text(self._made(short_type, given, now_ms))

    def odd(self, short_type: str, given: Mapping[str, Any], now_ms: int) -> bytes:
        """Return the same in the next of the odd ways to write it."""
        return next(self._oddities)(self._made(short_type, given, now_ms))

    def forgery(self, now_ms: int) -> Simulated:
        """Return a plausible body for a path without the token."""
        body = self.body("OperateCallback", self._result("OperateCallback"), now_ms)
        return Simulated(body=body, kind="forgery", short_type="OperateCallback", has_token=False)

    def unknown(self, now_ms: int) -> Simulated:
        """Return a type that the vendor might add one day."""
        message = {"Weather": "sunny", "Since": now_ms}
        body = {
            "CasterId": self._caster,
            "EventType": "WeatherCallback",
            "EventMessage": message,
        }
        return Simulated(body=text(body), kind="unknown", short_type="WeatherCallback")

    def _studio(self, now_ms: Now) -> Iterator[Step]:
        """Yield mostly progress of a show, else an operation, an episode or an error."""
        del now_ms
        progress = self._shows()
        weights = [_WEIGHTS.get(name, 2) for name in VENDOR.types]
        while True:
            (short_type,) = self._random.choices(list(VENDOR.types), weights)
            is_progress = short_type == "ShowListDTSCallback"
            yield short_type, next(progress) if is_progress else self._result(short_type)

    def _shows(self) -> Iterator[dict[str, Any]]:
        """Yield how far a show is until it is over, and then another one."""
        while True:
            show = {"ShowId": self._uuid(), "ShowName": "evening.mp4", "Duration": str(_SHOW_MS)}
            for done_ms in (*range(_STEP_MS, _SHOW_MS, _STEP_MS), _SHOW_MS):
                yield {**show, "ProgressTime": str(done_ms)}  # numbers, but documented as text

    def _made(self, short_type: str, given: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
        table = VENDOR.types[short_type].table
        is_progress = short_type == "ShowListDTSCallback"
        body = {
            "CasterId": self._caster,
            "EventType": short_type,
            "EventMessage": documented(table["EventMessage"].table or {}, given),
            "ResponseTime": now_ms if is_progress else LEFT_OUT,  # as the documents show it
        }
        return filled(table, self._random, body)

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


def _message_as_text(body: dict[str, Any]) -> bytes:
    return text({**body, "EventMessage": json.dumps(body["EventMessage"])})


def _numbers(body: dict[str, Any]) -> bytes:
    """Return the body with numbers where texts are documented, and the other way round."""
    message = {
        key: int(value) if isinstance(value, str) and value.isdecimal() else value
        for key, value in body["EventMessage"].items()
    }
    times = {"ResponseTime": str(body["ResponseTime"])} if "ResponseTime" in body else {}
    return text({**body, "EventMessage": message, **times})


def _unknown_fields(body: dict[str, Any]) -> bytes:
    return text(with_unknown_fields(body, "EventMessage"))


_ODDITIES: tuple[Callable[[dict[str, Any]], bytes], ...] = (
    _message_as_text,
    _numbers,
    _unknown_fields,
    reordered,
    indented,
)
