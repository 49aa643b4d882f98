"""The vendor's management API on this machine: signatures, rules, rates and errors as documented.

    async with LiveApiServer(vhosts={"live.example.com": ["push.example.com"]}) as server:
        client = LiveClient(server.endpoint, server.credentials, paces=Paces())

It counts what it is asked, and fails as it is told to: `server.then(Code("CommonErr"), Hang())`.
"""

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import count
from typing import Any, Self

from aiohttp import web
from msgspec import Struct

from router.config.secret import Secret
from router.live_api.sign import Credentials
from tests.live_api.account import Account
from tests.live_api.codes import CODES
from tests.live_api.signature import RefusedError, check_time, verify

ACCESS_KEY = "AKLTexampleexampleexample"
SECRET_KEY = "c2VjcmV0LWtleS1vZi10ZXN0cw=="
VHOST, DOMAIN = "live.example.com", "push.example.com"
_ACTIONS = ("UpdateCallback", "DeleteCallback", "DescribeCallback", "DescribeLiveCallbackData")
_RATES = {"DescribeLiveCallbackData": 30}
_RATE = 10


class Code(Struct, frozen=True):
    """Answer with this code; the status and the message are the documents' if not given."""

    code: str
    status: int | None = None
    message: str | None = None


class Raw(Struct, frozen=True):
    """Answer with this."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


class Hang(Struct, frozen=True):
    """Do not answer; the request is performed if `performs`."""

    performs: bool = False


class Cut(Struct, frozen=True):
    """End the connection in the middle of the answer; the request was performed."""


Act = Code | Raw | Hang | Cut


class Asked(Struct, frozen=True, kw_only=True):
    """One request that came.

    Attributes:
        action: As in the query.
        headers: As they came.
        body: As it came.
        at_secs: When, by the server's clock.
    """

    action: str
    headers: Mapping[str, str]
    body: bytes
    at_secs: float


class LiveApiServer:
    """Serves while its block lasts."""

    def __init__(
        self,
        vhosts: Mapping[str, list[str]] | None = None,
        unix_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic_secs: Callable[[], float] = time.monotonic,
    ) -> None:
        self.account = Account(vhosts or {VHOST: [DOMAIN]})
        self.credentials = Credentials(
            access_key=ACCESS_KEY, secret_key=Secret(SECRET_KEY.encode())
        )
        self.endpoint = ""
        self.asked: list[Asked] = []
        self.refused: Counter[str] = Counter()
        self._acts: deque[Act | None] = deque()
        self._unix_ms = unix_ms
        self._monotonic_secs = monotonic_secs
        self._request_ids = count(1)
        self._hanging = asyncio.Event()

    def then(self, *acts: Act | None) -> None:
        """Do these on the next requests, one each (None: serve it); then serve again."""
        self._acts.extend(acts)

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.endpoint = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening; what hangs ends."""
        self._hanging.set()
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        action = request.query.get("Action", "")
        self.asked.append(
            Asked(
                action=action,
                headers=dict(request.headers),
                body=body,
                at_secs=self._monotonic_secs(),
            )
        )
        match self._acts.popleft() if self._acts else None:
            case Code() as told:
                return self._error(request, told)
            case Raw() as raw:
                return web.Response(
                    status=raw.status,
                    body=raw.body,
                    headers={"Content-Type": raw.content_type, **raw.headers},
                )
            case Hang() as hang:
                if hang.performs:
                    self._performed(request, body)
                await self._hanging.wait()
                raise web.HTTPServiceUnavailable
            case Cut():
                return await self._cut(request, self._performed(request, body))
            case None:
                return self._performed(request, body)

    def _performed(self, request: web.Request, body: bytes) -> web.Response:
        try:
            return self._ok(request, self._result(request, body))
        except RefusedError as refused:
            return self._error(request, Code(str(refused)))

    def _result(self, request: web.Request, body: bytes) -> dict[str, Any] | None:
        action = request.query.get("Action", "")
        secrets = {ACCESS_KEY: SECRET_KEY}
        verify(request.method, request.raw_path, request.headers, body, secrets)
        check_time(request.headers["X-Date"], self._unix_ms())
        if request.query.get("Version") != "2023-01-01" or action not in _ACTIONS:
            raise RefusedError("InvalidActionOrVersion")
        if request.method != "POST" or "/cn-north-1/live/" not in request.headers["Authorization"]:
            raise RefusedError("InvalidActionOrVersion")
        if self._rate(action) > _RATES.get(action, _RATE):
            raise RefusedError("FlowLimitExceeded")
        parsed: object = None
        with suppress(ValueError):
            parsed = json.loads(body)
        return self.account.perform(action, parsed, self._now())

    def _rate(self, action: str) -> int:
        """Return how many requests of the group of *action* came within the last second."""
        group = {action} if action in _RATES else set(_ACTIONS) - _RATES.keys()
        since = self._monotonic_secs() - 1.0
        return sum(asked.at_secs > since for asked in self.asked if asked.action in group)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._unix_ms() // 1000, UTC)

    def _ok(self, request: web.Request, result: dict[str, Any] | None) -> web.Response:
        answer = {"ResponseMetadata": self._metadata(request)}
        return self._json(200, answer if result is None else {**answer, "Result": result})

    def _error(self, request: web.Request, told: Code) -> web.Response:
        self.refused[told.code] += 1
        status, message = CODES.get(told.code, (500, ""))
        error = {
            "Code": told.code,
            "Message": message if told.message is None else told.message,
        }
        metadata = {**self._metadata(request), "Error": error}
        return self._json(told.status or status, {"ResponseMetadata": metadata})

    def _metadata(self, request: web.Request) -> dict[str, Any]:
        return {
            "RequestId": f"20261121{next(self._request_ids):026d}",
            "Action": request.query.get("Action", ""),
            "Version": request.query.get("Version", ""),
            "Service": "live",
            "Region": "cn-north-1",
        }

    def _json(self, status: int, value: object) -> web.Response:
        date = format_datetime(self._now(), usegmt=True)
        return web.json_response(value, status=status, headers={"Date": date})

    async def _cut(self, request: web.Request, answer: web.Response) -> web.StreamResponse:
        assert isinstance(answer.body, bytes)
        half = web.StreamResponse(headers={"Content-Length": str(len(answer.body))})
        await half.prepare(request)
        await half.write(answer.body[: len(answer.body) // 2])
        assert request.transport is not None
        request.transport.close()
        return half
