"""Calls to events: the names that they would have had, and what cannot be compared."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from router.config import Secret
from router.live_api import CallbackCall
from router.live_api.backfill import (
    ROOM_MS,
    Candidate,
    Entrances,
    Left,
    Window,
    candidate_of,
    fault_of,
    is_surely_missing,
    missing_of,
    name_of,
    slices,
)
from router.record import Received, Record
from router.routing import RouteTable
from tests.sender import LIMITS, NOW, SOURCES, accepted, live, live_members

HOUR, DAY = 3600, 86_400
NOW_SECS = NOW.unix_ms // 1000
ENTRANCES = Entrances(
    by_url={
        "https://a/callbacks/live": SOURCES.by_name["live"],
        "https://a/callbacks/live-unsigned": SOURCES.by_name["live-unsigned"],
    },
    limits=LIMITS,
    routes=RouteTable(),
)
OLD_T = NOW_SECS - DAY


def _call(body: bytes | str, **changed: Any) -> CallbackCall:
    text = body if isinstance(body, str) else body.decode()
    given = {
        "callback_address": "https://a/callbacks/live",
        "callback_time": "2026-11-20T08:00:00+08:00",
    }
    return CallbackCall(**{**given, "callback_body": text, **changed})


def _candidate(call: CallbackCall) -> Candidate:
    found = candidate_of(call, ENTRANCES, NOW)
    assert isinstance(found, Candidate), found
    return found


@pytest.mark.parametrize("event_type", ["push_start", "push_end", "record_event", "new_event"])
def test_an_event_has_the_name_it_would_have_had(event_type: str) -> None:
    """Whatever expiry the call carried, long past by now."""
    arrived = accepted("live", live(event_type=event_type))
    found = _candidate(_call(live(event_type=event_type, t=OLD_T)))

    assert found.names[0] == ("/callbacks/live", arrived.event.id)
    assert found.accepted.event.type == arrived.event.type
    assert [(record.topic, record.key) for record in found.accepted.records] == [
        (record.topic, record.key) for record in arrived.records
    ]


def test_what_came_stale_is_known_by_its_other_name() -> None:
    """Kafka holds it as Unrecognized then."""
    stale = accepted("live", live(t=OLD_T))
    assert stale.doubt == "stale"

    found = _candidate(_call(live(t=OLD_T - 100)))
    assert found.accepted.doubt is None
    assert found.names[1] == ("/callbacks/live", stale.event.id)


def test_what_is_not_signed_needs_no_proof() -> None:
    """The source that a URL leads to says how its callbacks are read; its token may be any."""
    members = {"code": 0, "message": "ok", "data": live_members("sign", "t")}
    arrived = accepted("live-unsigned", json.dumps(members).encode())
    address = "https://a/callbacks/live-unsigned/some-token"
    found = _candidate(_call(json.dumps(members), callback_address=address))

    assert found.names[0] == ("/callbacks/live-unsigned", arrived.event.id)


def test_a_proxy_may_have_the_token_elsewhere() -> None:
    """A call with an older token of the source is known by its text."""
    tokens = (Secret(b"newest-token-012"), Secret(b"older-token-0123"))
    by_url = {"https://a/hook-********": SOURCES.by_name["live"]}
    entrances = structs.replace(ENTRANCES, by_url=by_url, tokens=tokens)

    for token in ("newest-token-012", "older-token-0123"):
        call = _call(live(), callback_address=f"https://A/hook-{token}")
        assert isinstance(candidate_of(call, entrances, NOW), Candidate)


def test_the_vendor_says_when_it_called() -> None:
    """That is the time of an event that tells none, better than a receipt much later."""
    body = live(event_type="record_event", detail={"file": "a.flv"})
    event = _candidate(_call(body)).accepted.event
    assert (event.time, event.timebasis) == ("2026-11-20T00:00:00.000Z", "envelope")
    assert event.recordedtime == "2026-11-21T08:00:00.123Z"

    own = _candidate(_call(live())).accepted.event
    assert (own.time, own.timebasis) == ("2026-11-21T07:59:59.029Z", "event")
    for unclear in ("", "yesterday", "0000-01-01T00:00:00+00:00"):
        found = _candidate(_call(body, callback_time=unclear))
        assert found.called_ms is None
        assert found.accepted.event.timebasis == "received"


@pytest.mark.parametrize(
    ("call", "left"),
    [
        (_call(live(), callback_address="https://b/callbacks/live"), Left(why="elsewhere")),
        (_call(live(), callback_address=""), Left(why="elsewhere")),
        (_call(live()[:80]), Left(why="unreadable", detail="the body is no JSON object")),
        (_call(""), Left(why="unreadable", detail="empty-body")),
        (_call("\ud800"), Left(why="unreadable", detail="the body is no JSON object")),
        (
            _call("cut off", callback_address="https://a/callbacks/live-unsigned"),
            Left(why="unreadable", detail="the body is no JSON object"),
        ),
    ],
)
def test_what_is_no_candidate_is_told(call: CallbackCall, left: Left) -> None:
    """Somebody else's call, or a body that the vendor has cut off."""
    assert candidate_of(call, ENTRANCES, NOW) == left


@given(st.text(), st.text(max_size=30))
def test_any_answer_of_the_vendor_is_read(body: str, called: str) -> None:
    """No body and no time raises anything."""
    assert isinstance(
        candidate_of(_call(body, callback_time=called), ENTRANCES, NOW), Left | Candidate
    )


def _records(*topics: str) -> Candidate:
    """Return a candidate with a record for each of *topics*."""
    found = _candidate(_call(live()))
    records = tuple(structs.replace(found.accepted.records[0], topic=topic) for topic in topics)
    return structs.replace(found, accepted=structs.replace(found.accepted, records=records))


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        ({}, ["base", "alerts", "compacted"]),
        ({0: ["base", "alerts"]}, []),
        ({0: ["base"]}, ["alerts"]),
        ({0: ["alerts"]}, ["base"]),
        ({1: ["unrecognized"]}, []),
    ],
)
def test_each_record_of_an_event_is_compared(
    there: dict[int, list[str]], missing: list[str]
) -> None:
    """But for a topic that cannot be; what came as Unrecognized had other records."""
    candidate = _records("base", "alerts", "compacted")
    names = {candidate.names[number]: topics for number, topics in there.items()}

    found = missing_of(candidate, names, ["base", "alerts", "unrecognized"])
    assert [record.topic for record in found] == missing


def test_what_is_unrecognized_anyway_has_one_name() -> None:
    """So a missing record of it is restored as well."""
    candidate = _candidate(_call(live(event_type="new_event")))
    assert candidate.names[0] == candidate.names[1]

    assert missing_of(candidate, {candidate.names[0]: ["other"]}, _topics(candidate)) == (
        candidate.accepted.records
    )


def _topics(candidate: Candidate) -> list[str]:
    return [record.topic for record in candidate.accepted.records]


def test_a_record_is_known_by_its_headers() -> None:
    """No value is decoded; a record without them has no name."""
    found = _candidate(_call(live()))
    record = found.accepted.records[0]
    received = Received(
        topic="t", partition=0, offset=0, key=b"", value=b"", headers=record.headers
    )
    assert name_of(received) == found.names[0]
    assert name_of(Received(topic="t", partition=0, offset=0, key=b"", value=b"", headers=())) == (
        "",
        "",
    )


def test_a_window_is_asked_for_in_parts() -> None:
    """No longer than the API takes, without a gap."""
    parts = list(slices(Window(since_secs=0, until_secs=65 * DAY)))

    assert [(part.since_secs // DAY, part.until_secs // DAY) for part in parts] == [
        (0, 31),
        (31, 62),
        (62, 65),
    ]
    assert list(slices(Window(since_secs=5, until_secs=5))) == []


@pytest.mark.parametrize(
    ("hours", "settings", "told"),
    [
        ((2, 1), {"retention.ms": str(2 * HOUR * 1000 + 900_000)}, None),
        ((2, 1), {"retention.ms": "-1", "cleanup.policy": "delete"}, None),
        ((2, 1), {}, "how long events keeps its records is not told: allow DescribeConfigs on it"),
        ((1, 1), {}, "the beginning is not before the end"),
        ((367 * 24, 1), {}, "the vendor keeps calls for 366 days"),
        (
            (2, 1),
            {"retention.ms": str(2 * HOUR * 1000 + 899_000)},
            "events keeps its records for 8099 s, so what it does not hold may have been there: begin at most 118m ago",
        ),
        (
            (2, 1),
            {"cleanup.policy": "compact,delete"},
            "events is compacted: what is not there may have been",
        ),
    ],
)
def test_what_the_topics_deleted_is_not_compared(
    hours: tuple[int, int], settings: dict[str, str], told: str | None
) -> None:
    """Else it would be published a second time."""
    since, until = (NOW_SECS + 1 - hour * HOUR for hour in hours)
    window = Window(since_secs=since, until_secs=until)

    assert fault_of(window, {"events": settings}, NOW.unix_ms) == told


def test_a_run_has_room_before_the_topics_delete() -> None:
    """It may take that long; what it compares with is there to its end."""
    window = Window(since_secs=NOW_SECS + 1 - 2 * HOUR, until_secs=NOW_SECS)
    settings = {"events": {"retention.ms": str(2 * HOUR * 1000 + 900_000)}}

    assert fault_of(window, settings, NOW.unix_ms) is None
    told = fault_of(window, settings, NOW.unix_ms, ROOM_MS)
    assert told is not None
    assert told.endswith("begin at most 104m ago")


CALLED_MS = 1_795_132_800_000  # 2026-11-20T08:00:00+08:00
QUARTER_MS = 900_000


@pytest.mark.parametrize(
    ("whole_since", "is_sure"),
    [
        (-math.inf, True),
        (CALLED_MS - QUARTER_MS - 1, True),
        (CALLED_MS - QUARTER_MS, False),
        (math.inf, False),
    ],
    ids=["nothing deleted", "deleted before", "deleted just then", "nothing left"],
)
def test_what_may_have_been_deleted_is_not_surely_missing(
    whole_since: float, *, is_sure: bool
) -> None:
    """An event may have come a quarter of an hour before the call that failed."""
    candidate = _candidate(_call(live()))
    records = candidate.accepted.records

    assert is_surely_missing(candidate, records, lambda _: whole_since, 0) is is_sure


def test_a_call_without_a_time_is_as_old_as_the_window() -> None:
    """It is not known to be younger."""
    candidate = _candidate(_call(live(), callback_time=""))
    records = candidate.accepted.records

    assert is_surely_missing(candidate, records, lambda _: 5.0, QUARTER_MS + 6)
    assert not is_surely_missing(candidate, records, lambda _: 5.0, QUARTER_MS + 5)


def test_of_a_whole_event_the_base_topic_decides() -> None:
    """A rule's topic may have deleted its record, or never had one; alone it decides for itself."""
    candidate = _candidate(_call(live()))
    (base,) = candidate.accepted.records
    alert = structs.replace(base, topic="alerts")
    both = structs.replace(candidate.accepted, records=(base, alert))
    candidate = structs.replace(candidate, accepted=both)

    def since(record: Record) -> float:
        return math.inf if record.topic == "alerts" else -math.inf

    assert is_surely_missing(candidate, (base, alert), since, 0)
    assert not is_surely_missing(candidate, (alert,), since, 0)
