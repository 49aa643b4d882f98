"""`Source`: a configured entrance, and finding the one that a request is for."""

import hmac
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import msgspec

from router.vendors.refusal import Refused
from router.vendors.spec import Vendor
from router.vendors.verify import Secrets

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_PREFIX = "/callbacks/"
_NOBODYS_TOKEN = b"\0" * 32


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One entrance: whose callbacks come here, and what proves them.

    Attributes:
        name: In the path, the event's `source` and metrics.
        vendor: From the configuration, never from a body.
        secrets: By application, newest first.
        tokens: If any, the path must hold one.
        allow: If any, the sender's address must be in one.
        is_stale_refused: Whether what is sent outside its vendor's window is refused.
    """

    name: str
    vendor: Vendor
    secrets: Secrets
    tokens: tuple[bytes, ...] = ()
    allow: tuple[Network, ...] = ()
    is_stale_refused: bool = False


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What a request says before its body.

    Attributes:
        method: As sent.
        target: As sent: path and query, nothing decoded.
        address: Of the sender, behind trusted proxies.
        content_type: The header, if any.
        content_encoding: The header, if any.
        content_length: Announced bytes; None for a chunked body.
    """

    method: str
    target: str
    address: str
    content_type: str = ""
    content_encoding: str = ""
    content_length: int | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How large a body may be, and how large a record Kafka takes."""

    max_body_bytes: int
    max_record_bytes: int


class Sources:
    """All entrances of a configuration."""

    def __init__(self, sources: Iterable[Source], limits: Limits) -> None:
        """Take the sources and the bounds for all of them."""
        self.by_name = {source.name: source for source in sources}
        self.limits = limits

    def find(self, head: Head) -> Source | Refused:
        """Return the source that the head is for; the order of the checks is the contract's.

        Unknown sources, missing and wrong tokens are one and the same refusal.
        """
        if head.method != "POST":
            return Refused("method")
        source = self._reached(head.target)
        if source is None:
            return Refused("not-found")
        if source.allow and not is_within(head.address, source.allow):
            return Refused("address", source=source.name)
        if head.content_encoding.strip().lower() not in ("", "identity"):
            hint = "a Content-Encoding other than identity"
            return Refused("media-type", hint, source.name)
        if head.content_type.lstrip().lower().startswith("multipart/"):
            return Refused("media-type", "a multipart body", source.name)
        if head.content_length is not None and head.content_length > self.limits.max_body_bytes:
            return Refused("too-large", source=source.name)
        return source

    def _reached(self, target: str) -> Source | None:
        path = target.partition("?")[0]
        if not path.startswith(_PREFIX):
            return None
        name, slash, token = path[len(_PREFIX) :].partition("/")
        source = self.by_name.get(name)
        if source is not None and not source.tokens:
            return None if slash else source
        tokens = (_NOBODYS_TOKEN,) if source is None else source.tokens
        given = token.encode("utf-8", "surrogateescape")
        is_known = False
        for known in tokens:  # all of them, so that time tells nothing
            is_known |= hmac.compare_digest(given, known)
        return source if is_known else None


def is_within(address: str, networks: tuple[Network, ...]) -> bool:
    """Tell whether the address is in one of the networks; IPv4 inside IPv6 counts as IPv4."""
    parsed = parse_address(address)
    return parsed is not None and any(parsed in network for network in networks)


@lru_cache(maxsize=4096)
def parse_address(text: str) -> Address | None:
    """Return the address, or None where *text* is none."""
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed
