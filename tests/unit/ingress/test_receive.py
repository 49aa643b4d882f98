"""`decide`: what becomes of a request, from its head to its records."""

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ingress.answers import FAILED_PROOF, STATUS
from router.ingress.receive import Accepted, Instant, Request, decide, receive, trace_context
from router.ingress.sources import Head, Limits, Sources
from router.routing import RouteTable, Rule, parse_conditions
from router.vendors.refusal import Refused
from tests.sender import (
    NOW,
    NOW_TEXT,
    PATHS,
    SOURCES,
    ask,
    caster,
    live,
    live_members,
    rtc,
    rtc_object,
    zego,
    zego_members,
)

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def _decide(
    body: bytes, sources: Sources = SOURCES, routes: RouteTable | None = None, **head: Any
) -> Accepted | Refused:
    given = {"method": "POST", "target": PATHS["rtc"], "address": "192.0.2.1", **head}
    return decide(Request(head=Head(**given), body=body), sources, routes or RouteTable(), NOW)


def _limited(max_body_bytes: int, max_record_bytes: int) -> Sources:
    limits = Limits(max_body_bytes=max_body_bytes, max_record_bytes=max_record_bytes)
    return Sources(SOURCES.by_name.values(), limits)


def test_an_authentic_callback_is_accepted() -> None:
    """The outcome tells the source, the event, its records, and what was not understood."""
    outcome = _decide(rtc('{"RoomId":"room1","New":1}'))

    assert isinstance(outcome, Accepted)
    assert outcome.source is SOURCES.by_name["rtc"]
    assert (outcome.short_type, outcome.doubt, outcome.unknown_fields) == ("RoomCreate", None, 1)
    assert outcome.event.recordedtime == NOW_TEXT
    assert [record.topic for record in outcome.records] == ["callbacks.volcengine-rtc.RoomCreate"]
    assert (outcome.dropped_by, outcome.keyless) == ((), ())


@pytest.mark.parametrize(
    ("body", "head", "reason"),
    [
        (rtc(), {"method": "GET"}, "method"),
        (rtc(), {"target": "/callbacks/nobody"}, "not-found"),
        (rtc(), {"content_encoding": "gzip"}, "media-type"),
        (b"x" * ((1 << 20) + 1), {}, "too-large"),
        (rtc(), {"content_length": (1 << 20) + 1}, "too-large"),
        (b"", {}, "empty-body"),
        (b"[]", {}, "not-json"),
        (b"{}", {}, "proof-missing"),
        (rtc().replace(b"room1", b"room2"), {}, "proof-wrong"),
        (b"x" * ((1 << 20) + 1), {"target": "/callbacks/nobody"}, "not-found"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_request_is_refused_for_the_first_reason(
    body: bytes, head: dict[str, Any], reason: str
) -> None:
    """The order of the checks is the contract's; a chunked body is measured when it is there."""
    outcome = _decide(body, **head)

    assert isinstance(outcome, Refused)
    assert outcome.reason == reason


def test_a_body_may_be_as_large_as_the_bound() -> None:
    """One byte more is too large."""
    body = rtc()

    assert isinstance(_decide(body, _limited(len(body), 1 << 20)), Accepted)
    assert _decide(body, _limited(len(body) - 1, 1 << 20)) == Refused("too-large")


def test_a_hint_repeats_nothing_that_was_sent() -> None:
    """Hints go to the log, so nothing of a body is in them."""
    secret = "very-secret-words"
    bodies = [b'"%s"' % secret.encode(), json.dumps({"Signature": secret}).encode()]
    bodies += [json.dumps({secret: secret, "EventType": [secret]}).encode()]

    for body in bodies:
        outcome = _decide(body)
        assert isinstance(outcome, Refused)
        assert secret not in outcome.hint


def test_an_event_that_grows_too_large_is_kept_as_it_came() -> None:
    """Numbers can grow when they are written again: the record then holds the body itself."""
    grown = rtc_object('{"RoomId":"r","Timestamp":1e300,"New":1}')
    whole = ask("rtc", grown)

    assert isinstance(whole, Accepted)
    largest = max(record.size for record in whole.records)
    assert _decide(grown, _limited(1 << 20, largest)) == whole
    kept = _decide(grown, _limited(1 << 20, largest - 1))
    assert isinstance(kept, Accepted)
    assert (kept.short_type, kept.doubt) == ("Unrecognized", "bad-payload")
    assert json.loads(kept.records[0].value)["data"]["body"]["EventData"]["Timestamp"] == 1e300
    assert b'"Timestamp":1e300' in kept.records[0].value
    assert kept.event.id == whole.event.id


@given(st.lists(st.sampled_from(["1e300", "1.0", "-0", "1e-9", "true", '"x"']), max_size=300))
def test_what_came_in_fits_as_it_came(values: list[str]) -> None:
    """A record of twice the body's bound, and room for the envelope, holds any body."""
    body = rtc_object(f'{{"RoomId":"r","Timestamp":1e308,"New":[{",".join(values)}]}}')
    bound = 2 * len(body) + 2048  # headers and attributes

    outcome = _decide(body, _limited(len(body), bound))
    assert isinstance(outcome, Accepted)
    assert all(record.size <= bound for record in outcome.records)


def test_routes_decide_about_the_records() -> None:
    """A rule that drops leaves an accepted callback without records; one without a key says so."""
    conditions, _ = parse_conditions({"source": "rtc"})
    drop = Rule(name="no", conditions=conditions, is_drop=True)
    more = Rule(name="more", conditions=conditions, topics=("alerts",), key="{data.absent}")

    dropped = _decide(rtc(), routes=RouteTable(rules=[drop]))
    added = _decide(rtc(), routes=RouteTable(rules=[more]))
    assert isinstance(dropped, Accepted)
    assert (dropped.records, dropped.dropped_by) == ((), ("no",))
    assert isinstance(added, Accepted)
    assert [record.topic for record in added.records] == [
        "callbacks.volcengine-rtc.RoomCreate",
        "alerts",
    ]
    assert added.keyless == ("more",)


@pytest.mark.parametrize("sent", ["", TRACE, "x"])
def test_an_event_carries_a_trace_context(sent: str) -> None:
    """The request's own where it is valid, else a new one; the record's header says the same."""
    head = Head(method="POST", target=PATHS["rtc"], address="192.0.2.1")
    request = Request(head=head, body=rtc(), traceparent=sent)
    outcome = receive(SOURCES.by_name["rtc"], request, SOURCES.limits, RouteTable(), NOW)

    assert isinstance(outcome, Accepted)
    expected = TRACE if sent == TRACE else trace_context("", NOW.unique)
    assert outcome.event.traceparent == expected
    assert dict(outcome.records[0].headers)["traceparent"] == expected.encode()


@pytest.mark.parametrize(
    "sent",
    [
        TRACE.upper(),
        TRACE[:-1],
        f"{TRACE}-x",
        f"{TRACE}\n",
        TRACE.replace("00-4", "ff-4"),
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
        TRACE.replace("-", "_"),
        "é" * 55,
    ],
    ids=repr,
)
def test_an_invalid_trace_context_is_replaced(sent: str) -> None:
    """W3C: lower-case hex of fixed lengths, version not ff, ids not all zeros."""
    own = trace_context(sent, NOW.unique)

    assert own != sent
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", own)
    assert own.split("-")[1] == NOW.unique


def test_each_delivery_has_a_trace_of_its_own() -> None:
    """A new context follows from the delivery's own digits."""
    assert trace_context("", "a" * 32) != trace_context("", "b" * 32)
    assert trace_context("01" + TRACE[2:], "a" * 32) == "01" + TRACE[2:]


def test_a_delivery_that_nothing_names_has_its_own_id() -> None:
    """Two deliveries of what has no name are two events; of what has one, the same."""
    head = Head(method="POST", target=PATHS["studio"], address="192.0.2.1")
    unnamed = caster("RuntimeErrorCallback", {"Code": "x"}, CasterId="c")
    named = caster("OperateCallback", {"RequestId": "x"}, CasterId="c")

    def ids(body: bytes) -> list[str]:
        found = []
        for unique in ("a" * 32, "b" * 32):
            request = Request(head=head, body=body)
            outcome = decide(request, SOURCES, RouteTable(), Instant(1, unique))
            assert isinstance(outcome, Accepted)
            found.append(outcome.event.id)
        return found

    assert ids(unnamed) == ["a" * 32, "b" * 32]
    assert len(set(ids(named))) == 1


@pytest.mark.parametrize("spelling", ["Nonce", "Noce"])
def test_the_proof_is_not_published(spelling: str) -> None:
    """Neither a known event nor one that stays as it came holds signature or nonce."""
    for body in (rtc(), rtc("x"), rtc(EventType="SomethingNew")):
        outcome = ask("rtc", body.replace(b'"Nonce"', f'"{spelling}"'.encode()))
        assert isinstance(outcome, Accepted)
        value = outcome.records[0].value
        assert json.loads(body)["Signature"].encode() not in value
        assert b"aaBc" not in value
        assert spelling.lower().encode() not in value.lower()


STRICT = Sources(
    [msgspec.structs.replace(source, is_stale_refused=True) for source in SOURCES.by_name.values()],
    SOURCES.limits,
)
EDGES = {  # the source, its body, and the first and last ms of its window after now
    "zego": ("zego", zego(), -600_123, 599_877),
    "live": ("live", live(), -600_123, 1_199_877),
}


@pytest.mark.parametrize(("source", "body", "first", "last"), EDGES.values(), ids=EDGES)
def test_a_source_may_refuse_what_is_stale(source: str, body: bytes, first: int, last: int) -> None:
    """Where it is told to; else it is published, and its body kept."""
    for after_ms in (first - 1, first, last, last + 1):
        now = Instant(NOW.unix_ms + after_ms, NOW.unique)
        is_stale = after_ms not in (first, last)

        published = ask(source, body, now=now)
        assert isinstance(published, Accepted)
        assert published.doubt == ("stale" if is_stale else None)
        strict = ask(source, body, sources=STRICT, now=now)
        if is_stale:
            assert isinstance(strict, Refused)
            assert strict.reason == "stale"
        else:
            assert isinstance(strict, Accepted)
            assert strict.event == published.event


def test_nothing_is_stale_where_no_time_is_signed() -> None:
    """A source of such a vendor refuses nothing, whatever it is told and the clock says."""
    for source, body in (("rtc", rtc()), ("studio", caster("x", {})), ("live-unsigned", live())):
        for unix_ms in (0, 253_402_300_799_999):
            outcome = ask(source, body, sources=STRICT, now=Instant(unix_ms, NOW.unique))
            assert isinstance(outcome, Accepted)
            assert outcome.doubt != "stale"


def test_stale_is_no_failed_proof() -> None:
    """It is answered as a refusal of the proof, but the sender does not pay for its clock."""
    assert "stale" not in FAILED_PROOF
    assert STATUS["stale"] == 401


def test_a_wrong_proof_is_wrong_whenever_it_comes() -> None:
    """Nobody learns from the answer whether the time would have been right."""
    later = Instant(NOW.unix_ms + 10**9, NOW.unique)
    forged = json.dumps({**zego_members(), "Nonce": "1"}).encode()

    assert ask("zego", forged, sources=STRICT, now=later) == Refused("proof-wrong")


def test_a_large_signed_body_fits_as_it_came() -> None:
    """What grows when it is written again is kept whole, and without its proof."""
    text = f'{{"data":{json.dumps(live_members(detail=0))[:-1]},"New":[{"1e300," * 50}1]}}}}'
    text = text.replace('"detail": 0', '"detail":{"time":1e308}')
    whole = ask("live", text.encode())

    assert isinstance(whole, Accepted)
    largest = max(record.size for record in whole.records)
    kept = ask("live", text.encode(), sources=_limited(1 << 20, largest - 1))
    assert isinstance(kept, Accepted)
    assert (kept.doubt, kept.event.subject) == ("bad-payload", whole.event.subject)
    assert live_members()["sign"].encode() not in kept.records[0].value
