"""What aiohttp's parser says, and what it lets through, as reasons, statuses and heads.

Source: RFC 9112, sections 2.3 and 6.1; RFC 9110, section 10.1.1.
"""

import re
from http import HTTPMethod, HTTPStatus

from aiohttp import hdrs
from aiohttp.http import HttpVersion10, HttpVersion11, RawRequestMessage
from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError, LineTooLong

from router.ingress.sources import Head
from router.vendors.refusal import Reason

_METHODS = frozenset(HTTPMethod)
_CONTINUE = "100-continue"
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) [^ \r\n]+ HTTP/1\.[01]\r?\n")


def fault_of(error: HttpProcessingError, data: bytes) -> tuple[Reason, HTTPStatus]:
    """Return the reason and status for an error of aiohttp's parser in *data*."""
    if isinstance(error, LineTooLong):
        return "malformed", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    line = _REQUEST_LINE.match(data) if isinstance(error, BadHttpMethod) else None
    if line is not None and line[1].decode() not in _METHODS:  # else it is what came behind
        return "method", HTTPStatus.METHOD_NOT_ALLOWED
    return "malformed", HTTPStatus.BAD_REQUEST


def framing_fault(message: RawRequestMessage) -> HTTPStatus | None:
    """Return the status for framing that aiohttp's parser lets through, or None."""
    if message.version not in (HttpVersion10, HttpVersion11):
        return HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
    if message.headers.get(hdrs.EXPECT, _CONTINUE).lower() != _CONTINUE:
        return HTTPStatus.EXPECTATION_FAILED
    coding = message.headers.get(hdrs.TRANSFER_ENCODING)
    if coding is None:
        return None
    if message.version == HttpVersion10:
        return HTTPStatus.BAD_REQUEST  # RFC 9112 6.1: faulty framing
    return None if coding.strip().lower() == "chunked" else HTTPStatus.NOT_IMPLEMENTED


def head_of(message: RawRequestMessage, address: str) -> Head:
    """Return what a parsed head says, for the decision."""
    headers = message.headers
    length = headers.get(hdrs.CONTENT_LENGTH)
    return Head(
        method=message.method,
        target=message.path,
        address=address,
        content_type=headers.get(hdrs.CONTENT_TYPE, ""),
        content_encoding=headers.get(hdrs.CONTENT_ENCODING, ""),
        content_length=None if length is None else int(length),
    )
