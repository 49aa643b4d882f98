"""Signature V4 of Volcengine's OpenAPI: pure.

It is the scheme that AWS made known, without a prefix before the secret key and with `request` at
the end of the scope.

Source: Signature V4 (6369/67270) and its examples (6369/67269).
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import reduce
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from router.config.secret import Secret

_ALGORITHM: Final = "HMAC-SHA256"
_UNRESERVED: Final = "-_.~"  # RFC 3986, beside letters and digits


class Credentials(Struct, frozen=True, kw_only=True):
    """An access key: its id and its secret. Neither shows when this is printed."""

    access_key: str
    secret_key: Secret

    def __repr__(self) -> str:
        """Return stars; the id, too, is nobody else's business."""
        return "Credentials(********)"

    def texts(self) -> tuple[str, str]:
        """Return both as text, to be hidden where they turn up."""
        return self.access_key, self.secret_key.reveal().decode("utf-8", "replace")


class Scope(Struct, frozen=True, kw_only=True):
    """What a signature is good for, beside its day."""

    region: str
    service: str


class Request(Struct, frozen=True, kw_only=True):
    """What is signed.

    Attributes:
        method: In capitals.
        host: As the `Host` header says it.
        query: Names and values as they are, not yet encoded; no name comes twice.
        headers: What is signed beside `host` and `x-date`; the names in any case.
        body: As it is sent.
        path: Encoded.
    """

    method: str
    host: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = {}
    body: bytes = b""
    path: str = "/"


def sign(request: Request, credentials: Credentials, scope: Scope, at_ms: int) -> dict[str, str]:
    """Return the headers to send: the request's own, `Host`, `X-Date` and `Authorization`.

    Args:
        request: What is sent.
        credentials: Who sends it.
        scope: Where to.
        at_ms: Now, Unix ms; the vendor refuses what is too far from its own clock.
    """
    date = x_date(at_ms)
    day_scope = f"{date[:8]}/{scope.region}/{scope.service}/request"
    digest = hashlib.sha256(canonical(request, date).encode()).hexdigest()
    key = signing_key(credentials.secret_key, scope, date[:8])
    to_sign = f"{_ALGORITHM}\n{date}\n{day_scope}\n{digest}"
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    names = ";".join(_signed_headers(request, date))
    return {
        **request.headers,
        "Host": request.host,
        "X-Date": date,
        "Authorization": f"{_ALGORITHM} Credential={credentials.access_key}/{day_scope}, "
        f"SignedHeaders={names}, Signature={signature}",
    }


def query_string(query: Mapping[str, str]) -> str:
    """Return *query* sorted and encoded, as it is signed and has to be sent."""
    pairs = sorted(
        (quote(k, safe=_UNRESERVED), quote(v, safe=_UNRESERVED)) for k, v in query.items()
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def content_digest(body: bytes) -> str:
    """Return what `X-Content-Sha256` says of *body*."""
    return hashlib.sha256(body).hexdigest()


def canonical(request: Request, date: str) -> str:
    """Return the text whose digest is signed; *date* is the `X-Date`."""
    headers = _signed_headers(request, date)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    return "\n".join(
        (
            request.method,
            request.path,
            query_string(request.query),
            lines,
            ";".join(headers),
            content_digest(request.body),
        )
    )


def signing_key(secret_key: Secret, scope: Scope, day: str) -> bytes:
    """Return the key of one *day* (`20250329`) for one region and service."""
    steps = (day, scope.region, scope.service, "request")
    return reduce(
        lambda key, step: hmac.new(key, step.encode(), hashlib.sha256).digest(),
        steps,
        secret_key.reveal(),
    )


def x_date(at_ms: int) -> str:
    """Return *at_ms* (Unix ms) as `20250329T180937Z`."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y%m%dT%H%M%SZ")


def _signed_headers(request: Request, date: str) -> dict[str, str]:
    headers = {**request.headers, "host": request.host, "x-date": date}
    return dict(sorted((name.lower(), value.strip()) for name, value in headers.items()))
