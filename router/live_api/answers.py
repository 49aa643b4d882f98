"""From an HTTP answer to what was asked for, or to why there is none: pure and total.

Design: an error may come with HTTP 200, so `ResponseMetadata.Error` is looked at first, whatever
the status. A member that is null counts as one that is not there, as in the vendor's own clients.
JSON is taken strictly: the comma before the last brace in one printed example of UpdateCallback is
a slip, later editions lack it, and the vendor's own clients would not read it either.
"""

from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct, field

from router.config.secret import Secret
from router.live_api.api import CallbackCall, Registered
from router.live_api.errors import (
    REDIRECTED,
    UNREADABLE,
    Failure,
    Rule,
    rule_of,
    skew_hint,
    unreadable_rule,
)
from router.vendors.decode import UNDECODABLE

_MAX_MESSAGE_CHARACTERS: Final = 500
_STARS: Final = "********"

R = TypeVar("R")


class Answered(Struct, frozen=True, kw_only=True):
    """What came over HTTP.

    Attributes:
        status: Of HTTP.
        headers: Their names in lower case.
        body: All of it.
        signed_ms: The time that the request was signed with, Unix ms.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    signed_ms: int


class _Error(Struct, frozen=True, rename="pascal"):
    code: str = ""
    message: str = ""


class _Metadata(Struct, frozen=True, rename="pascal"):
    request_id: str = ""
    error: _Error | None = None


class _Envelope(Struct, frozen=True):
    metadata: _Metadata = field(name="ResponseMetadata")
    result: Any = field(name="Result", default=None)


class Nothing(Struct, frozen=True):
    """The result of an action that has none."""


class CallbackList(Struct, frozen=True, rename="pascal"):
    """The result of DescribeCallback."""

    callback_list: tuple[Registered, ...] = ()


class Pagination(Struct, frozen=True, rename="pascal"):
    """Of a page; only what the documents agree about."""

    total_count: int | None = None


class CallbackData(Struct, frozen=True, rename="pascal"):
    """The result of DescribeLiveCallbackData."""

    callback_info_list: tuple[CallbackCall, ...] = ()
    pagination: Pagination = Pagination()


class Done(Struct, frozen=True):
    """What was asked for, and the id that the vendor's support asks for."""

    result: Any
    request_id: str


def read(answer: Answered, result: type, secrets: Sequence[str]) -> Done | Failure:
    """Return the *result* of *answer* or why there is none; for any answer.

    Args:
        answer: What came.
        result: The type of `Result`.
        secrets: What the vendor may repeat in a message and must not be shown.
    """
    if answer.status // 100 == 3:  # noqa: PLR2004 - the class of redirections
        return _failure(answer, REDIRECTED, "", rule_of(REDIRECTED, answer.status))
    try:
        envelope = msgspec.convert(_without_nulls(msgspec.json.decode(answer.body)), _Envelope)
        error, request_id = envelope.metadata.error, envelope.metadata.request_id
        if error is None and answer.status == HTTPStatus.OK:
            return Done(_converted(envelope.result, result), request_id)
    except UNDECODABLE as fault:
        return _unreadable(answer, str(fault))
    if error is None or not error.code:
        return _unreadable(answer, "an error without a code")
    return _told(answer, error, request_id, secrets)


def _told(answer: Answered, error: _Error, request_id: str, secrets: Sequence[str]) -> Failure:
    rule = rule_of(error.code, answer.status)
    hint = skew_hint(error.code, _skew_secs(answer))
    return Failure(
        code=_shown(error.code, secrets),
        message=_shown(error.message, secrets),
        request_id=_shown(request_id, secrets),
        http_status=answer.status,
        rule=Rule("caller", rule.retry, hint) if hint else rule,
    )


def _unreadable(answer: Answered, fault: str) -> Failure:
    kind = _shown(answer.headers.get("content-type", "no content type"), ())
    message = f"{len(answer.body)} bytes of {kind} are no answer of the API: {_shown(fault, ())}"
    return _failure(answer, UNREADABLE, message, unreadable_rule(answer.status))


def _failure(answer: Answered, code: str, message: str, rule: Rule) -> Failure:
    return Failure(code=code, message=message, http_status=answer.status, rule=rule)


def _converted(value: Any, result: type[R]) -> R:
    return msgspec.convert({} if value is None else value, result, dec_hook=_secret)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value


def _secret(_: type, value: Any) -> Secret:
    if not isinstance(value, str):
        raise TypeError("Expected `str`")
    return Secret(value.encode())


def _skew_secs(answer: Answered) -> float | None:
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
        return answer.signed_ms / 1000 - theirs.timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _shown(text: str, secrets: Sequence[str]) -> str:
    for secret in filter(None, secrets):
        text = text.replace(secret, _STARS)
    plain = "".join(char if char.isprintable() else " " for char in text)
    return plain[:_MAX_MESSAGE_CHARACTERS]
