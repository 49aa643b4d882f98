"""`decide`: a request to `Accepted` or `Refused`, pure; the order of its lines is the design.

Design: the server, `explain` and the tests ask the same function, so what an operator is shown is
what happens. It reads no clock and no socket. A value is the answer in every case, since an attack
is a hot path too.
"""

import re

import msgspec

from router.event import Event
from router.ingress.nonces import Nonces
from router.ingress.sources import Head, Limits, Source, Sources
from router.record import Record
from router.routing import RouteTable
from router.vendors.decode import decode
from router.vendors.normalise import Delivery, Doubt, normalise, unrecognized
from router.vendors.refusal import Refused
from router.vendors.verify import Verified, verify

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)


class Instant(msgspec.Struct, frozen=True):
    """The moment of a decision: the wall clock in Unix ms, and 32 hex digits never used before."""

    unix_ms: int
    unique: str


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A whole request, as far as it matters."""

    head: Head
    body: bytes
    traceparent: str = ""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """An authentic callback: the event and its records; without records a rule dropped it."""

    source: Source
    event: Event
    short_type: str
    records: tuple[Record, ...]
    dropped_by: tuple[str, ...] = ()
    keyless: tuple[str, ...] = ()
    unknown_fields: int = 0
    doubt: Doubt | None = None


def decide(
    request: Request, sources: Sources, routes: RouteTable, now: Instant
) -> Accepted | Refused:
    """Return what becomes of a request: method, path, token, address, media type, size, then body.

    Total: it returns for any request, and raises nothing. It remembers no request.
    """
    source = sources.find(request.head)
    if isinstance(source, Refused):
        return source
    return receive(source, request, sources.limits, routes, now)


def receive(
    source: Source,
    request: Request,
    limits: Limits,
    routes: RouteTable,
    now: Instant,
    nonces: Nonces | None = None,
) -> Accepted | Refused:
    """Return what becomes of a request whose head was found to be for *source*.

    *nonces* are those of earlier requests; without them each one is the first.
    """
    if len(request.body) > limits.max_body_bytes:
        return Refused("too-large")
    message = decode(source.vendor, request.body)
    if isinstance(message, Refused):
        return message
    proven = verify(source.vendor, message, source.secrets, now.unix_ms)
    if isinstance(proven, Refused):
        return proven
    if proven.is_stale and source.is_stale_refused:
        return Refused("stale", f"{proven.staleness}; `on_stale: publish` would keep it")
    delivery = Delivery(
        source=source.name,
        received_ms=now.unix_ms,
        unique=now.unique,
        traceparent=trace_context(request.traceparent, now.unique),
        is_reused=_is_reused(proven, nonces, now),
    )
    return accept(source, proven, delivery, limits, routes)


def accept(
    source: Source, proven: Verified, delivery: Delivery, limits: Limits, routes: RouteTable
) -> Accepted:
    """Return the event of what is proven, and its records; it refuses nothing."""
    outcome = normalise(proven, delivery)
    routed = routes.records_for(outcome.event, source.name)
    if any(record.size > limits.max_record_bytes for record in routed.records):
        # Numbers can grow when they are written again (1e9); what came in always fits as it came.
        outcome = unrecognized(proven, delivery, "bad-payload", "too large when written out")
        routed = routes.records_for(outcome.event, source.name)
    return Accepted(
        source=source,
        event=outcome.event,
        short_type=outcome.short_type,
        records=routed.records,
        dropped_by=routed.dropped_by,
        keyless=routed.keyless,
        unknown_fields=outcome.unknown_fields,
        doubt=outcome.doubt,
    )


def _is_reused(proven: Verified, nonces: Nonces | None, now: Instant) -> bool:
    return nonces is not None and not proven.is_stale and nonces.is_reused(proven, now.unix_ms)


def trace_context(sent: str, unique: str) -> str:
    """Return the W3C trace context to carry on: the one sent if it is valid, else a new one."""
    if sent and _TRACEPARENT.fullmatch(sent):
        return sent
    return f"00-{unique}-{unique[16:]}-01"
