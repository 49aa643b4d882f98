"""Simulated callbacks of the production studio: a show that plays, operations, now and then a fault."""

import json
from random import Random
from typing import Any
from uuid import UUID

from router.vendors.traffic import Simulated

_SHOW_MS = 396_847
_STEP_MS = 12_000


class Traffic:
    """One studio; its path's token is the sender's business, there is nothing to sign."""

    def __init__(self, random: Random, secret: bytes) -> None:
        """Take the source of chance; *secret* is there for the vendors that sign."""
        del secret
        self._random = random
        self._caster = self._uuid()
        self._show = self._uuid()
        self._progress_ms = 0

    def ordinary(self, now_ms: int) -> Simulated:
        """Return mostly progress of the show, else an operation or an error."""
        kind = self._random.choices([self._played, self._operated, self._failed], [8, 2, 1])[0]
        return Simulated(body=_body(self._caster, *kind(now_ms)))

    def forgery(self, now_ms: int) -> Simulated:
        """Return a plausible body for a path without the token."""
        body = _body(self._caster, *self._operated(now_ms))
        return Simulated(body=body, kind="forgery", has_token=False)

    def unknown(self, now_ms: int) -> Simulated:
        """Return a type that the vendor might add one day."""
        del now_ms
        body = _body(self._caster, "WeatherCallback", {"Weather": "sunny"}, None)
        return Simulated(body=body, kind="unknown")

    def _played(self, now_ms: int) -> tuple[str, dict[str, Any], int | None]:
        self._progress_ms += _STEP_MS
        if self._progress_ms > _SHOW_MS:
            self._show, self._progress_ms = self._uuid(), _STEP_MS
        message = {
            "ProgressTime": str(self._progress_ms),
            "ShowId": self._show,
            "Duration": str(_SHOW_MS),
            "ShowName": "evening.mp4",
        }
        return "ShowListDTSCallback", message, now_ms

    def _operated(self, now_ms: int) -> tuple[str, dict[str, Any], int | None]:
        del now_ms
        message = {
            "RequestId": self._uuid().upper(),
            "SceneId": self._uuid().upper(),
            "Code": self._random.choice(["Success", "Success", "ImageOpenFailed"]),
            "Message": "done",
        }
        return "OperateCallback", message, None

    def _failed(self, now_ms: int) -> tuple[str, dict[str, Any], int | None]:
        del now_ms
        message = {"Code": "StreamInterrupt", "Message": "Failed to open stream: rtmp://d/a/s"}
        return "RuntimeErrorCallback", message, None

    def _uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))


def _body(caster: str, event_type: str, message: dict[str, Any], response_ms: int | None) -> bytes:
    body: dict[str, Any] = {"CasterId": caster, "EventType": event_type, "EventMessage": message}
    if response_ms is not None:
        body["ResponseTime"] = response_ms
    return json.dumps(body).encode()
