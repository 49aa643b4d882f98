"""Answers as bytes: the statuses and bodies of the contract, made beforehand.

Source: RFC 9457 for problems, RFC 9110 for statuses, Date and Allow.
"""

from email.utils import formatdate
from http import HTTPStatus

import msgspec

from router.vendors.refusal import Reason

RETRY_AFTER_SECS = 5

STATUS: dict[Reason, HTTPStatus] = {
    "malformed": HTTPStatus.BAD_REQUEST,
    "empty-body": HTTPStatus.BAD_REQUEST,
    "not-json": HTTPStatus.BAD_REQUEST,
    "proof-missing": HTTPStatus.UNAUTHORIZED,
    "proof-wrong": HTTPStatus.UNAUTHORIZED,
    "unknown-app": HTTPStatus.UNAUTHORIZED,
    "stale": HTTPStatus.UNAUTHORIZED,
    "address": HTTPStatus.FORBIDDEN,
    "not-found": HTTPStatus.NOT_FOUND,
    "method": HTTPStatus.METHOD_NOT_ALLOWED,
    "timeout": HTTPStatus.REQUEST_TIMEOUT,
    "too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "media-type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "too-many-failures": HTTPStatus.TOO_MANY_REQUESTS,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The status of each reason; malformed HTTP has some of its own, see `connection`."""

FAILED_PROOF: frozenset[Reason] = frozenset({"proof-missing", "proof-wrong", "unknown-app"})
"""Reasons that count as a failed verification of the sender's address."""

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A body of `application/problem+json`; nothing in it comes from the sender."""

    type: str = "about:blank"
    title: str
    status: int
    reason: Reason


class Answers:
    """Every answer; the Date header is as fresh as the last `refresh`."""

    def __init__(self) -> None:
        """Make the parts that never change."""
        self._date = b""
        self._ok = b""
        self._ok_close = b""

    def refresh(self, unix_secs: float) -> None:
        """Take the wall clock; to be called about once a second."""
        self._date = f"Date: {formatdate(unix_secs, usegmt=True)}\r\n".encode()
        self._ok = self._complete(200, "OK", b"application/json", b'{"code":0}', b"")
        self._ok_close = self._complete(
            200, "OK", b"application/json", b'{"code":0}', b"Connection: close\r\n"
        )

    def ok(self, *, is_last: bool) -> bytes:
        """Return the answer to a durable callback."""
        return self._ok_close if is_last else self._ok

    def problem(
        self, reason: Reason, *, is_last: bool, status: HTTPStatus | None = None, method: str = ""
    ) -> bytes:
        """Return the answer to a refused request; HEAD gets no body."""
        status = status or STATUS[reason]
        body = msgspec.json.encode(Problem(title=status.phrase, status=status, reason=reason))
        extra = b"Connection: close\r\n" if is_last else b""
        if reason == "method":
            extra += b"Allow: POST\r\n"
        if reason in ("unavailable", "too-many-failures"):
            extra += b"Retry-After: %d\r\n" % RETRY_AFTER_SECS
        whole = self._complete(status, status.phrase, b"application/problem+json", body, extra)
        return whole.removesuffix(body) if method == "HEAD" else whole

    def _complete(
        self, status: int, phrase: str, content_type: bytes, body: bytes, extra: bytes
    ) -> bytes:
        return (
            b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n"
            % (status, phrase.encode(), content_type, len(body))
            + self._date
            + extra
            + b"\r\n"
            + body
        )
