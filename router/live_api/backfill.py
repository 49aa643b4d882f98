"""Calls that the vendor made, as its API tells of them, to the events that they told of: pure.

Design: a call's body goes the way of every callback but for the proof: the vendor itself says that
it sent it, so its `sign` proves nothing more, and its `t`, long past, makes nothing stale (it was
authentic then; who could be copied here?). The same way makes the same id, and by it what is in
Kafka already is found. That may also be there as `Unrecognized`, where it came stale: so a call has
two names, and either will do.

What is compared is what the topics still hold: a window that begins before is refused, since what
has been deleted there would look as if it had never come. What was deleted before its time, for
the topic's size or by somebody, shows in the first record that is left: events that may have been
before it are unknown. An event is there when each of its
records is: its call failed just because one of them was not durable. A rule's topic that cannot be
compared (it is compacted, or keeps less) gets its record only together with the whole event.

Source: DescribeLiveCallbackData (6469/1529718).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from router.clock import LAST_MS, parse_rfc3339
from router.config import Secret
from router.ingress.receive import Accepted, Instant, accept, trace_context
from router.ingress.sources import Limits, Source
from router.live_api.api import MAX_AGE_SECS, MAX_SPAN_SECS, CallbackCall
from router.live_api.wanted import without_token
from router.record import Received, Record
from router.routing import RouteTable
from router.vendors.decode import decode
from router.vendors.normalise import Delivery, unrecognized
from router.vendors.refusal import Refused
from router.vendors.verify import fetched

MARGIN_MS: Final = 15 * 60 * 1000
"""How long before a call its event may have come (the vendor tries for ten minutes) and how long
after it the vendor may still try; the rest is for clocks that differ."""

ROOM_MS: Final = 15 * 60 * 1000
"""How long a run may take before the topics delete what it compares with; then it ends."""

Name = tuple[str, str]
"""Source and id of an event: they identify it."""


class Window(Struct, frozen=True, kw_only=True):
    """From one time to another, Unix seconds."""

    since_secs: int
    until_secs: int


class Entrances(Struct, frozen=True, kw_only=True):
    """What callbacks come in by.

    Attributes:
        by_url: Sources by their registered URLs, these without tokens.
        tokens: Of all these sources.
        limits: For all of them.
        routes: For all of them.
    """

    by_url: Mapping[str, Source]
    tokens: tuple[Secret, ...] = ()
    limits: Limits
    routes: RouteTable


class Candidate(Struct, frozen=True, kw_only=True):
    """An event that may be missing.

    Attributes:
        names: As it is called in Kafka, if it is there: recognized, or not.
        called_ms: When the vendor called, Unix ms, if it says so.
        accepted: The event, and its records.
    """

    names: tuple[Name, Name]
    called_ms: int | None
    accepted: Accepted


class Left(Struct, frozen=True, kw_only=True):
    """Why a call is no candidate: it went to somebody else, or its body cannot be read."""

    why: Literal["elsewhere", "unreadable"]
    detail: str = ""


def candidate_of(call: CallbackCall, entrances: Entrances, now: Instant) -> Candidate | Left:
    """Return the event that a call told of; total over whatever the vendor answers."""
    source = entrances.by_url.get(without_token(call.callback_address, entrances.tokens))
    if source is None:
        return Left(why="elsewhere")
    message = decode(source.vendor, call.callback_body.encode("utf-8", "replace"))
    if isinstance(message, Refused):
        return Left(why="unreadable", detail=message.hint or message.reason)
    if message.members is None:  # who needs no proof in the body takes any text from a sender
        return Left(why="unreadable", detail="the body is no JSON object")
    called_ms = _called_ms(call)
    delivery = Delivery(
        source=source.name,
        received_ms=now.unix_ms,
        unique=now.unique,
        traceparent=trace_context("", now.unique),
        sent_ms=called_ms,
    )
    proven = fetched(source.vendor, message)
    accepted = accept(source, proven, delivery, entrances.limits, entrances.routes)
    stale = unrecognized(proven, delivery, "stale", "").event
    names = (accepted.event.source, accepted.event.id), (stale.source, stale.id)
    return Candidate(names=names, called_ms=called_ms, accepted=accepted)


def missing_of(
    candidate: Candidate, there: Mapping[Name, Collection[str]], compared: Collection[str]
) -> tuple[Record, ...]:
    """Return the records of an event that Kafka does not hold.

    Args:
        candidate: The event.
        there: In which topics each name was found.
        compared: The topics where it would have been found.
    """
    recognized, stale = candidate.names
    if stale != recognized and stale in there:
        return ()
    if recognized not in there:
        return candidate.accepted.records
    return tuple(
        record
        for record in candidate.accepted.records
        if record.topic in compared and record.topic not in there[recognized]
    )


def is_surely_missing(
    candidate: Candidate,
    missing: Sequence[Record],
    whole_since: Callable[[Record], float],
    since_ms: int,
) -> bool:
    """Tell whether Kafka would hold these records if it had got them; else it may have deleted them.

    Of an event that is missing altogether, the record of its base topic decides: a rule may be
    younger than the event.

    Args:
        candidate: The event.
        missing: Those of its records that Kafka does not hold.
        whole_since: Since when the partition of a record holds every record, Unix ms.
        since_ms: When the vendor called at the earliest, if the call does not say.
    """
    is_whole = len(missing) == len(candidate.accepted.records)
    called_ms = since_ms if candidate.called_ms is None else candidate.called_ms
    deciding = missing[:1] if is_whole else missing
    return all(whole_since(record) < called_ms - MARGIN_MS for record in deciding)


def name_of(received: Received) -> Name:
    """Return the name of the event in a record, from its headers; no value is decoded."""
    headers = dict(received.headers)
    return (
        headers.get("event_source", b"").decode(errors="replace"),
        headers.get("event_id", b"").decode(errors="replace"),
    )


def slices(window: Window) -> Iterator[Window]:
    """Yield *window* in parts as long as the API takes, the earliest first."""
    since = window.since_secs
    while since < window.until_secs:
        until = min(since + MAX_SPAN_SECS, window.until_secs)
        yield Window(since_secs=since, until_secs=until)
        since = until


def fault_of(
    window: Window, settings: Mapping[str, Mapping[str, str]], now_ms: int, room_ms: int = 0
) -> str | None:
    """Return why what came in *window* cannot be compared with the topics, or None if it can.

    Args:
        window: From when to when.
        settings: Of each topic, as the cluster has them; empty where it does not tell.
        now_ms: Now, Unix ms.
        room_ms: How much longer the topics must hold what came.
    """
    if window.since_secs >= window.until_secs:
        return "the beginning is not before the end"
    if window.since_secs * 1000 < now_ms - MAX_AGE_SECS * 1000:
        return "the vendor keeps calls for 366 days"
    for name, found in settings.items():
        if "compact" in found.get("cleanup.policy", ""):
            return f"{name} is compacted: what is not there may have been"
        if "retention.ms" not in found:
            return f"how long {name} keeps its records is not told: allow DescribeConfigs on it"
        kept_ms = int(found["retention.ms"])
        oldest_ms = now_ms - kept_ms + MARGIN_MS + room_ms
        if kept_ms >= 0 and window.since_secs * 1000 < oldest_ms:
            minutes = (now_ms - oldest_ms) // 60_000 - 1  # one to type it in
            return (
                f"{name} keeps its records for {kept_ms // 1000} s, so what it does not hold may "
                f"have been there: begin at most {minutes}m ago"
            )
    return None


def _called_ms(call: CallbackCall) -> int | None:
    called_ms = parse_rfc3339(call.callback_time)
    return called_ms if called_ms is not None and 0 <= called_ms <= LAST_MS else None
