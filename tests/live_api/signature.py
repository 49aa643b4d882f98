"""Whether a request is signed as the vendor's page tells it, read from the wire alone.

Nothing of the router is used here: what signs and what verifies agree only about the page.

Source: Signature V4 (6369/67270).
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

_AUTHORIZATION = re.compile(
    r"HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)"
    r"/request, SignedHeaders=(?P<names>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)
MAX_SKEW_SECS = 15 * 60  # the page names no number; this is the scheme's usual one


class RefusedError(Exception):
    """The vendor's code for why a request is not taken."""


def verify(
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    secrets: Mapping[str, str],
) -> str:
    """Return the access key that signed, or raise `RefusedError`; the time is not looked at.

    Args:
        method: As on the wire.
        target: The path and the query as on the wire.
        headers: As on the wire.
        body: As on the wire.
        secrets: Secret access keys by their ids.
    """
    given = {name.lower(): value for name, value in headers.items()}
    parts = _parts(given)
    secret = secrets.get(parts["key"])
    if secret is None:
        raise RefusedError("InvalidAccessKey")
    names = parts["names"].split(";")
    if not {"host", "x-date"} <= set(names) <= given.keys() or names != sorted(names):
        raise RefusedError("SignatureDoesNotMatch")
    path, _, query = target.partition("?")
    lines = [method, path, _sorted(query)]
    lines += [f"{name}:{given[name].strip()}" for name in names]
    lines += ["", ";".join(names), hashlib.sha256(body).hexdigest()]
    scope = f"{parts['day']}/{parts['region']}/{parts['service']}/request"
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    text = "\n".join(["HMAC-SHA256", given["x-date"], scope, digest])
    key = secret.encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    if hmac.digest(key, text.encode(), "sha256").hex() != parts["signature"]:
        raise RefusedError("SignatureDoesNotMatch")
    if given.get("x-content-sha256", lines[-1]) != lines[-1]:
        raise RefusedError("SignatureDoesNotMatch")
    return parts["key"]


def check_time(date: str, now_ms: int) -> None:
    """Raise `RefusedError` for an `X-Date` that is too far from the vendor's clock."""
    signed = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    if abs(signed - now_ms / 1000) > MAX_SKEW_SECS:
        raise RefusedError("InvalidTimestamp")


def _parts(headers: Mapping[str, str]) -> dict[str, str]:
    if "authorization" not in headers:
        raise RefusedError("MissingAuthenticationToken")
    if not re.fullmatch(r"\d{8}T\d{6}Z", headers.get("x-date", "")):
        raise RefusedError("MissingRequestInfo")
    match = _AUTHORIZATION.fullmatch(headers["authorization"])
    if match is None or match["day"] != headers["x-date"][:8]:
        raise RefusedError("SignatureDoesNotMatch")
    return match.groupdict()


def _sorted(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    encoded = sorted((quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)
