"""Volcengine Live's messages as events: names, times and doubts beyond the samples."""

import json
from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.vendors import vendors
from tests.samples import hashed
from tests.sender import LIVE, LIVE_DETAIL, NOW_TEXT, accepted, event_of, live, live_members

VENDOR = vendors()["volcengine-live"]
SOURCES = ["live", "live-unsigned"]
IDENTITY = ("domain", "app", "stream")
IDENTITY_INSIDE = ("session_id", "sequence_id", "transcoded", "time_ms")


def _event(*without: str, **changed: object) -> dict[str, Any]:
    return event_of("live", live(*without, **changed))


def _detailed(**changed: object) -> dict[str, Any]:
    """Return a push's start with some of its detail changed."""
    return _event(detail={**LIVE_DETAIL, **changed})


def _doubt(*without: str, **changed: object) -> str | None:
    return accepted("live", live(*without, **changed)).doubt


@pytest.mark.parametrize("source", SOURCES)
def test_an_event_holds_the_attributes_of_the_contract(source: str) -> None:
    """Everything at once, for a push's start, signed or not."""
    event = event_of(source, live())

    assert event.pop("traceparent").startswith("00-")
    values = ("push.example.com", "live", "stream-7", "3693930911_150", "seq-1", False)
    assert event == {
        "specversion": "1.0",
        "id": hashed(VENDOR.name, "PushStart", *values, 1795247999029),
        "source": f"/callbacks/{source}",
        "type": "volcengine-live.PushStart",
        "subject": "live-space/live/stream-7",
        "time": "2026-11-21T07:59:59.029Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:callback-router:volcengine-live.PushStart:1",
        "recordedtime": NOW_TEXT,
        "timebasis": "event",
        "idbasis": "natural",
        "data": {
            "vhost": "live-space",
            "domain": "push.example.com",
            "app": "live",
            "stream": "stream-7",
            "event_type": "push_start",
            "detail": LIVE_DETAIL,
        },
    }


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("push_start", "PushStart"),
        ("push_end", "PushEnd"),
        ("record_event", "RecordEvent"),
        ("snapshot_event", "SnapshotEvent"),
        ("audit_snapshot", "AuditSnapshot"),
        ("audit", "AuditSnapshot"),
        ("audit_event", "AuditSnapshot"),
        ("audit*", "AuditSnapshot"),
        ("auditor", "AuditSnapshot"),
    ],
)
def test_each_word_is_a_type(word: str, name: str) -> None:
    """To the letter, and anything that begins with `audit`."""
    event = _event(event_type=word)

    assert event["type"] == f"volcengine-live.{name}"
    assert event["data"]["event_type"] == word


@pytest.mark.parametrize(
    "word", ["pushstart", "push_start ", "Push_Start", "Audit", "an audit", "", None, 1, [], {}]
)
def test_a_word_that_nobody_knows_is_an_unknown_type(word: object) -> None:
    """The body is kept as it came, minus its proof."""
    event = _event(event_type=word)

    assert event["data"]["reason"] == "unknown-type"
    kept = live_members("sign", "t", event_type=word)
    content = {"code": 0, "message": "ok", "data": kept}
    assert event["data"]["body"] == content
    assert event["id"] == hashed(VENDOR.name, "Unrecognized", content)
    assert event["subject"] == "live-space/live/stream-7"


@pytest.mark.parametrize(
    ("name", "subject"), [("vhost", "live"), ("app", "live-space"), ("stream", "live-space/live")]
)
@pytest.mark.parametrize(
    "value", [None, "", True, 1.5, [], {}, "a\nb", "\x9f", "x" * 257], ids=lambda v: repr(v)[:9]
)
def test_a_part_of_the_subject_that_cannot_be_read_is_a_bad_field(
    name: str, subject: str, value: object
) -> None:
    """All three name the stream; what stands before the bad one is the subject, if anything."""
    event = _event(**{name: value})

    assert event["data"]["reason"] == "bad-field"
    assert event["subject"] == subject
    assert _doubt(name) == "bad-field"


def test_a_number_may_name_a_stream() -> None:
    """Digits in the subject, and text in the data, as documented."""
    event = _event(stream=7)

    assert event["subject"] == "live-space/live/7"
    assert event["data"]["stream"] == "7"


def test_what_stands_beside_the_data_names_nothing() -> None:
    """Nor does it take a documented name, except where that is free; it is counted."""
    envelope = {"data": live_members(), "stream": "other", "vhost": "v", "detail": {}, "New": 1}
    outcome = accepted("live", json.dumps(envelope).encode())

    assert outcome.event.subject == "live-space/live/stream-7"
    assert outcome.unknown_fields == 4
    added = {"stream_": "other", "vhost_": "v", "detail_": {}, "new": 1}
    assert outcome.event.data == {**live_members("sign", "t"), **added}
    missing = json.dumps({"data": live_members("stream"), "stream": "other"}).encode()
    assert accepted("live", missing).doubt == "bad-field"


@pytest.mark.parametrize("name", ["code", "message"])
@pytest.mark.parametrize("value", [0, 7, "x", None, {"New": 1}], ids=repr)
def test_the_envelopes_constants_are_no_content(name: str, value: object) -> None:
    """Whatever they hold, the event is the same."""
    body = json.dumps({"data": live_members(), name: value}).encode()

    assert event_of("live", body) == _event()


NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=9)


@given(
    outer=st.tuples(NAMES, NAMES, NAMES),
    inner=st.tuples(NAMES, NAMES, st.booleans(), st.integers(-(10**9), 10**18)),
    is_text=st.booleans(),
    extra=st.dictionaries(st.sampled_from(["New", "fp_node_ip", "time"]), NAMES, max_size=2),
)
def test_a_push_is_named_by_its_parts(
    outer: tuple[str, ...],
    inner: tuple[str, str, bool, int],
    is_text: bool,  # noqa: FBT001 - Hypothesis gives it
    extra: dict[str, str],
) -> None:
    """The id is the hash of seven values; what else is sent does not count."""
    detail: dict[str, Any] = {**dict(zip(IDENTITY_INSIDE, inner, strict=True)), **extra}
    detail["time_ms"] = str(inner[3]) if is_text else inner[3]

    event = _event(detail=detail, **dict(zip(IDENTITY, outer, strict=True)))
    assert event["id"] == hashed(VENDOR.name, "PushStart", *outer, *inner)
    assert event["idbasis"] == "natural"


@pytest.mark.parametrize("value", [None, ""], ids=["null", "empty"])
@pytest.mark.parametrize("name", IDENTITY_INSIDE)
def test_a_push_without_a_part_of_its_name_is_named_by_its_content(
    name: str, value: object
) -> None:
    """The content without its proof: another `t` is the same occurrence."""
    event = _detailed(**{name: value})

    assert event["idbasis"] == "content"
    assert event["id"] == hashed(VENDOR.name, "PushStart", event["data"])
    detail = {**LIVE_DETAIL, name: value}
    assert event["id"] == _event(detail=detail, t="1795248000")["id"]
    without = {key: kept for key, kept in LIVE_DETAIL.items() if key != name}
    assert _event(detail=without)["idbasis"] == "content"


@pytest.mark.parametrize("value", [None, ""], ids=["null", "empty"])
def test_a_push_without_a_domain_is_named_by_its_content(value: object) -> None:
    """The domain is no part of the subject, but of the name."""
    assert _event(domain=value)["idbasis"] == "content"
    assert _event("domain")["idbasis"] == "content"


@pytest.mark.parametrize(
    "changed",
    [
        {"session_id": True},
        {"session_id": {}},
        {"sequence_id": []},
        {"sequence_id": "a\x1bb"},
        {"transcoded": []},
        {"time_ms": 1.5},
        {"time_ms": True},
        {"time_ms": "soon"},
    ],
    ids=repr,
)
def test_a_part_of_the_name_that_cannot_be_read_is_a_bad_field(changed: dict[str, object]) -> None:
    """Only `transcoded` is a truth value."""
    assert _doubt(detail={**LIVE_DETAIL, **changed}) == "bad-field"


@pytest.mark.parametrize("word", ["push_end", "record_event", "snapshot_event", "audit_x"])
def test_an_opaque_type_is_named_by_its_content(word: str) -> None:
    """By all of it but the proof, which a retry may carry anew."""
    first = _event(event_type=word, detail={"SomeThing": [1, {"InnerKey": None}]})
    again = _event(event_type=word, detail={"SomeThing": [1, {"InnerKey": None}]}, t=1795248000)
    other = _event(event_type=word, detail={"SomeThing": [1, {"InnerKey": 0}]})

    assert first["data"]["detail"] == {"some_thing": [1, {"inner_key": None}]}
    short_type = first["type"].partition(".")[2]
    assert first["id"] == hashed(VENDOR.name, short_type, first["data"])
    assert first["id"] == again["id"] != other["id"]
    assert first["idbasis"] == "content"


def test_an_opaque_detail_is_no_unknown_field() -> None:
    """It is documented to be there, and no more."""
    assert accepted("live", live(event_type="push_end", detail={"a": 1})).unknown_fields == 0
    assert accepted("live", live(event_type="push_end", detail=[1])).unknown_fields == 1
    assert accepted("live", live("detail", event_type="push_end")).doubt is None


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ({"time_ms": 1640849510029, "time": 5}, ("2021-12-30T07:31:50.029Z", "event")),
        ({"time_ms": "1640849510029"}, ("2021-12-30T07:31:50.029Z", "event")),
        ({"time": 1640849510}, ("2021-12-30T07:31:50.000Z", "event")),
        ({"time": "1640849510"}, ("2021-12-30T07:31:50.000Z", "event")),
        ({"time_ms": 0, "time": 5}, ("1970-01-01T00:00:00.000Z", "event")),
        ({"time_ms": -1, "time": 5}, ("1970-01-01T00:00:05.000Z", "event")),
        ({"time_ms": 253_402_300_800_000, "time": 5}, ("1970-01-01T00:00:05.000Z", "event")),
        ({"time_ms": None, "time": 253_402_300_799}, ("9999-12-31T23:59:59.000Z", "event")),
        ({"time": 253_402_300_800}, (NOW_TEXT, "received")),
        ({"time": -1}, (NOW_TEXT, "received")),
        ({"time": 10**30}, (NOW_TEXT, "received")),
        ({}, (NOW_TEXT, "received")),
    ],
    ids=repr,
)
def test_a_time_is_the_best_that_is_known(
    detail: dict[str, object], expected: tuple[str, str]
) -> None:
    """The push's in ms, else in seconds, else the receipt; `t` is no time of the event."""
    event = _event(detail=detail)

    assert (event["time"], event["timebasis"]) == expected


def test_an_opaque_type_has_the_time_of_its_detail() -> None:
    """By the contract's names, as number or digits; what no document types stays text in data."""
    number, text, word = (
        _event(event_type="push_end", detail={"time_ms": t}) for t in (5, "5", "5x")
    )

    assert (number["time"], number["timebasis"]) == ("1970-01-01T00:00:00.005Z", "event")
    assert (text["time"], text["timebasis"]) == ("1970-01-01T00:00:00.005Z", "event")
    assert (word["time"], word["timebasis"]) == (NOW_TEXT, "received")
    assert text["data"]["detail"] == {"time_ms": "5"}


UNSIGNED = {
    "empty": {"sign": "", "t": 0},
    "sign-only": {"sign": ""},
    "t-only": {"t": 0},
    "neither": {},
    "null": {"sign": None, "t": None},
    "signed": {"sign": "c2453c1a803c9a1b4c90cb8bf3d8acd1", "t": 1640850110},
    "anything": {"sign": {"New": 1}, "t": [1]},
}


@pytest.mark.parametrize("proof", UNSIGNED.values(), ids=UNSIGNED)
def test_an_unsigned_source_takes_any_proof_and_publishes_none(proof: dict[str, object]) -> None:
    """However the switched-off signing shows, the event is the same, and `sign` and `t` are out."""
    data = {**live_members("sign", "t"), **proof}
    outcome = accepted("live-unsigned", json.dumps({"data": data}).encode())

    assert (outcome.doubt, outcome.unknown_fields) == (None, 0)
    assert outcome.event.data == live_members("sign", "t")
    assert outcome.event.id == _event()["id"]


@pytest.mark.parametrize("body", [b"x", b"[1]", b'"x"', b"{"], ids=repr)
def test_an_unsigned_source_takes_what_is_no_object(body: bytes) -> None:
    """The token proves it, so it is published as it came."""
    event = event_of("live-unsigned", body)

    assert (event["data"]["reason"], event["subject"]) == ("bad-payload", "live-unsigned")
    kept = event["data"]
    assert "body" in kept or b64decode(kept["body_base64"]) == body


@pytest.mark.parametrize(
    ("changed", "count"),
    [
        ({}, 0),
        ({"priority": 1, "backup_count": "2"}, 0),
        ({"priority": "1", "backup_count": 2}, 0),
        ({"priority": "high"}, 1),
        ({"New": {"A": 1}}, 1),
        ({"detail": {**LIVE_DETAIL, "new": 1, "time": "x"}}, 2),
        ({"detail": {**LIVE_DETAIL, "fp_user_url": "?a=b", "fp_client_ip": "10.0.0.1"}}, 0),
        ({"Sign": "x", "T": 1}, 2),
    ],
    ids=repr,
)
def test_what_no_document_explains_is_counted(changed: dict[str, Any], count: int) -> None:
    """Undocumented fields and values that do not convert; what is understood does not count."""
    assert accepted("live", live(**changed)).unknown_fields == count


def test_no_field_is_lost_where_names_meet() -> None:
    """The documented one has the name; the other keeps its own spelling."""
    data = _event(Vhost="x", eventType=1, detail={**LIVE_DETAIL, "timeMs": 1})["data"]

    assert (data["vhost"], data["Vhost"]) == ("live-space", "x")
    assert (data["event_type"], data["eventType"]) == ("push_start", 1)
    assert data["detail"] == {**LIVE_DETAIL, "timeMs": 1}


def test_numbers_may_be_text_and_text_numbers() -> None:
    """Documented types, however they were sent."""
    data = _event(priority="3", backup_count=2, detail={"time": "5", "session_id": 7})["data"]

    assert (data["priority"], data["backup_count"]) == (3, "2")
    assert data["detail"] == {"time": 5, "session_id": "7"}


@pytest.mark.parametrize(
    ("without", "changed", "doubt"),
    [
        (("app",), {"t": 1, "event_type": "x", "detail": []}, "stale"),
        (("app",), {"event_type": "x", "detail": []}, "unknown-type"),
        (("app",), {}, "bad-field"),
        ((), {"detail": {**LIVE_DETAIL, "time_ms": {}}}, "bad-field"),
        ((), {"detail": json.loads("[" * 150 + "]" * 150)}, "bad-payload"),
        ((), {"New": json.loads("[" * 150 + "]" * 150)}, "bad-payload"),
        ((), {}, None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_first_of_several_doubts_counts(
    without: tuple[str, ...], changed: dict[str, Any], doubt: str | None
) -> None:
    """Stale, then unknown type, bad payload, bad field."""
    assert _doubt(*without, **changed) == doubt


def test_a_stale_message_keeps_its_body() -> None:
    """Authentic, but perhaps a copy: nothing is read in it but what names its stream."""
    event = _event(t=1)

    assert event["data"]["reason"] == "stale"
    assert event["data"]["body"]["data"] == {key: LIVE[key] for key in LIVE if key != "t"}
    assert (event["subject"], event["timebasis"]) == ("live-space/live/stream-7", "received")


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("depth", [2, 90, 97, 98, 99, 101, 150, 300])
@pytest.mark.parametrize("place", ["data", "detail", "envelope"])
@pytest.mark.parametrize("word", ["push_end", "unknown"])
def test_no_depth_publishes_the_proof(source: str, depth: int, place: str, word: str) -> None:
    """Whether it is kept as fields, as JSON or in base64, `sign` and `t` are left out."""
    deep = json.loads("[" * depth + "]" * depth)
    inside = {"New": deep} if place == "data" else {"detail": {"New": deep}}
    data = live_members(event_type=word, **({} if place == "envelope" else inside))
    envelope = {"data": data, **({"New": deep} if place == "envelope" else {})}
    kept = event_of(source, json.dumps(envelope).encode())["data"]

    if "body_base64" in kept:
        kept = {"body": json.loads(b64decode(kept["body_base64"]))}
    text = json.dumps(kept)
    assert data["sign"] not in text
    assert "1795248600" not in text
    assert "stream-7" in text
