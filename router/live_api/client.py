"""`LiveClient`: the four actions over HTTP, signed, paced, and tried again where that may help."""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from random import random
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp
from msgspec import Struct, structs

from router.live_api import sign
from router.live_api.answers import Answered, CallbackData, CallbackList, Done, Nothing, read
from router.live_api.api import (
    CallbackPage,
    DeleteCallback,
    DescribeCallback,
    DescribeLiveCallbackData,
    Registered,
    Request,
    UpdateCallback,
    body,
    faults,
    secrets,
)
from router.live_api.errors import (
    CUT_OFF,
    NOT_SENT,
    TIMED_OUT,
    TOO_LARGE,
    UNREACHABLE,
    UNTRUSTED,
    Failure,
    LiveApiError,
    rule_of,
    wait_secs,
)
from router.live_api.pace import PROCESS_PACES, SYSTEM_CLOCK, Clock, Paces

VERSION: Final = "2023-01-01"
SCOPE: Final = sign.Scope(region="cn-north-1", service="live")
MAX_ANSWER_BYTES: Final = 64 << 20
"""A page of a thousand calls, each with its body and the answer's, is far below this."""
_PORTS: Final = {"http": 80, "https": 443}
_VISIBLE: Final = re.compile(r"[!-~]+")


class Timeouts(Struct, frozen=True, kw_only=True):
    """How long a call may take; waiting for one's turn does not count.

    Attributes:
        attempt_secs: One attempt, from connecting to the last byte.
        total_secs: No attempt begins later than this after the first one.
    """

    attempt_secs: float = 10.0
    total_secs: float = 30.0


class Retried(Struct, frozen=True, kw_only=True):
    """An attempt that failed and will be made again.

    Attributes:
        action: For example `UpdateCallback`.
        failure: Why.
        attempts: How many there were.
        after_secs: When the next one is made.
    """

    action: str
    failure: Failure
    attempts: int
    after_secs: float


class _Target(Struct, frozen=True):
    url: str
    host: str


class LiveClient:
    """The management API of Volcengine Live; used as `async with`.

    Every call raises `LiveApiError` with what to do about it. Each attempt is signed anew.
    """

    def __init__(
        self,
        endpoint: str,
        credentials: sign.Credentials,
        *,
        clock: Clock = SYSTEM_CLOCK,
        paces: Paces = PROCESS_PACES,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - it is frozen
        on_retry: Callable[[Retried], None] | None = None,
    ) -> None:
        """Take where the API is and who asks.

        Args:
            endpoint: `https://live.volcengineapi.com`; plain HTTP is for tests on this machine.
            credentials: An access key.
            clock: The time that is signed, and that waiting goes by.
            paces: How often may be asked; by default all clients of the process share one.
            timeouts: How long a call may take.
            on_retry: Is told of each attempt that is made again.
        """
        self._target = _target(endpoint)
        self._credentials = credentials
        self._clock = clock
        self._paces = paces
        self._timeouts = timeouts
        self._on_retry = on_retry

    async def __aenter__(self) -> Self:
        """Return this, ready to call."""
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._session.close()

    async def update_callback(self, request: UpdateCallback) -> str:
        """Register a callback, or replace it as a whole; return the id of the request."""
        return (await self._done(request, Nothing)).request_id

    async def delete_callback(self, request: DeleteCallback) -> str:
        """Remove callbacks; return the id of the request."""
        return (await self._done(request, Nothing)).request_id

    async def describe_callback(self, request: DescribeCallback) -> tuple[Registered, ...]:
        """Return what is registered; nothing is no error."""
        found: CallbackList = (await self._done(request, CallbackList)).result
        return found.callback_list

    async def describe_live_callback_data(
        self, request: DescribeLiveCallbackData
    ) -> AsyncIterator[CallbackPage]:
        """Yield the pages of what was sent, from the one that *request* names to the last one.

        Where the vendor does not count, the last one may be empty. A call that is made meanwhile
        may shift what is on which page: let the time end in the past.
        """
        seen, calls = (request.page_num - 1) * request.page_size, None
        while True:
            data: CallbackData = (await self._done(request, CallbackData)).result
            calls, before = data.callback_info_list, calls
            total_count = data.pagination.total_count
            if total_count is None and calls == before:
                return  # behind its last page one that does not count may give that page again
            yield CallbackPage(number=request.page_num, calls=calls, total_count=total_count)
            # by what came and not by the page's size, which the vendor may have made smaller
            seen += len(calls)
            if not calls or (total_count is not None and seen >= total_count):
                return
            request = structs.replace(request, page_num=request.page_num + 1)

    async def _done(self, request: Request, result: type) -> Done:
        """Return what *request* asks for, after as many attempts as the rules allow."""
        target = self._checked(request)
        pace = self._paces.of(request.action)
        await pace.turn(self._clock)
        end_secs = self._clock.monotonic_secs() + self._timeouts.total_secs
        attempts = 0
        while True:
            attempts += 1
            outcome = await self._attempt(target, request, result)
            if isinstance(outcome, Done):
                return outcome
            after_secs = wait_secs(outcome.rule.retry, attempts, random())  # noqa: S311 - jitter
            if after_secs is None or self._clock.monotonic_secs() + after_secs >= end_secs:
                raise LiveApiError(outcome, attempts)
            self._tell(request, outcome, attempts, after_secs)
            await self._clock.sleep(after_secs)
            await pace.turn(self._clock)

    async def _attempt(self, target: _Target, request: Request, result: type) -> Done | Failure:
        content = body(request)
        at_ms = self._clock.unix_ms()
        query = {"Action": request.action, "Version": VERSION}
        to_sign = sign.Request(
            method="POST",
            host=target.host,
            query=query,
            headers={
                "Content-Type": "application/json",
                "X-Content-Sha256": sign.content_digest(content),
            },
            body=content,
        )
        headers = sign.sign(to_sign, self._credentials, SCOPE, at_ms)
        url = f"{target.url}/?{sign.query_string(query)}"
        try:
            answer = await self._post(url, headers, content, at_ms)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return _no_answer(error)
        if len(answer.body) > MAX_ANSWER_BYTES:
            return _ours(TOO_LARGE, f"more than {MAX_ANSWER_BYTES} bytes", answer.status)
        return read(answer, result, (*secrets(request), *self._credentials.texts()))

    async def _post(
        self, url: str, headers: Mapping[str, str], content: bytes, at_ms: int
    ) -> Answered:
        async with self._session.post(
            url,
            data=content,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=self._timeouts.attempt_secs),
            allow_redirects=False,  # a signature is for one host
        ) as answer:
            received = bytearray()
            async for piece in answer.content.iter_any():
                received += piece
                if len(received) > MAX_ANSWER_BYTES:
                    break
            return Answered(
                status=answer.status,
                headers={name.lower(): value for name, value in answer.headers.items()},
                body=bytes(received),
                signed_ms=at_ms,
            )

    def _checked(self, request: Request) -> _Target:
        """Return where *request* goes, which breaks no rule."""
        found = faults(request, self._clock.unix_ms())
        if not _VISIBLE.fullmatch(self._credentials.access_key):
            found.append("the access key's id consists of ASCII characters that can be seen")
        if self._target is None:
            found.append("the endpoint is http:// or https://, a host, perhaps a port, no more")
        if self._target is None or found:
            raise LiveApiError(_ours(NOT_SENT, "; ".join(found)), attempts=0)
        return self._target

    def _tell(self, request: Request, failure: Failure, attempts: int, after_secs: float) -> None:
        if self._on_retry is not None:
            retried = Retried(
                action=request.action, failure=failure, attempts=attempts, after_secs=after_secs
            )
            self._on_retry(retried)


def _target(endpoint: str) -> _Target | None:
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or _VISIBLE.fullmatch(endpoint) is None:
        return None
    if "@" in parts.netloc or parts.path not in {"", "/"} or parts.query or parts.fragment:
        return None
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    host = name if port in {None, _PORTS[parts.scheme]} else f"{name}:{port}"
    return _Target(f"{parts.scheme}://{host}", host)


def _no_answer(error: Exception) -> Failure:
    match error:
        case TimeoutError():
            return _ours(TIMED_OUT, "no complete answer in time")
        case aiohttp.ClientSSLError():
            return _ours(UNTRUSTED, str(error))
        case aiohttp.ClientConnectorError():
            return _ours(UNREACHABLE, str(error))
        case _:
            return _ours(CUT_OFF, f"the connection ended before the answer: {type(error).__name__}")


def _ours(code: str, message: str, http_status: int = 0) -> Failure:
    return Failure(
        code=code, message=message, http_status=http_status, rule=rule_of(code, http_status)
    )
