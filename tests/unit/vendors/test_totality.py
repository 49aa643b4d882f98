"""Hostile input: every function returns for any bytes, and what is accepted can be read again."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_structured_event
from hypothesis import example, given, settings
from hypothesis import strategies as st

from router.ingress.receive import Accepted
from router.record import decode_event
from router.vendors import vendors
from router.vendors.decode import decode
from router.vendors.normalise import Delivery, normalise
from router.vendors.refusal import Refused
from router.vendors.verify import verify
from tests.sender import NOW, SIGNED, VECTOR, ask, rtc, rtc_object, signature

BODY_REASONS = {"empty-body", "not-json", "proof-missing", "proof-wrong", "unknown-app"}
DELIVERY = Delivery(source="s", received_ms=0, unique=NOW.unique, traceparent="00-")
HEADERS = 5
BASES = {"vendor", "natural", "content", "none"}


def _survives(outcome: Accepted | Refused) -> Accepted | Refused:
    """Check what every outcome promises: a known refusal, or an event that anyone can read."""
    if isinstance(outcome, Refused):
        assert outcome.reason in BODY_REASONS
        return outcome
    for record in outcome.records:
        message = KafkaMessage(dict(record.headers), record.key, record.value)
        read = from_structured_event(message)
        event = decode_event(record.value)
        assert (read.get_id(), read.get_type()) == (event.id, event.type)
        assert (read.get_source(), read.get_subject()) == (event.source, event.subject)
        assert read.get_data() == json.loads(record.value)["data"]
        assert len(record.headers) == HEADERS
        assert event.idbasis in BASES
        assert event.subject.encode() == record.key != b""
    assert len(outcome.records) == 1
    return outcome


def _steps(vendor_name: str, body: bytes) -> None:
    """Walk the steps one by one; none may raise."""
    vendor = vendors()[vendor_name]
    message = decode(vendor, body)
    if isinstance(message, Refused):
        return
    proven = verify(vendor, message, {None: (b"1234",)})
    if not isinstance(proven, Refused):
        normalise(proven, DELIVERY)


@given(st.binary() | st.text().map(str.encode) | st.text('{}[]",:01ae-. \\u', max_size=40))
@example(b"\xef\xbb\xbf")
@example('{"CasterId":"\\ud800"}')
def test_any_bytes_get_an_outcome(body: bytes | str) -> None:
    """Whatever is sent to either source is refused for a known reason or published."""
    sent = body if isinstance(body, bytes) else body.encode()

    for source, vendor in (("rtc", "volcengine-rtc"), ("studio", "alibaba-caster")):
        _steps(vendor, sent)
        _survives(ask(source, sent))


ODD = st.sampled_from(
    [
        "1e400",
        "-1e400",
        "1e308",
        "1E+2",
        "-0",
        "-0.0",
        "0.1e-999",
        "1" * 41,
        "1" * 400,
        "1" * 4300,
        "1" * 4301,
        "18446744073709551616",
        "-9223372036854775809",
        "1679383924691.0",
        '"\\ud800"',
        '"\\udc00x"',
        '"\\u0000"',
        '"\\u007f\\u0085"',
        '"\\u2028\u2028\ufeff\U0001f600"',
        '"' + "x" * 300 + '"',
        '"1e300"',
        "true",
        "null",
        "{}",
        "[]",
        '{"a":1,"a":2}',
        '{"Ab":1,"aB":2,"ab":3,"ab_":4,"AB":5}',
        '""',
        "NaN",
        "01",
        "",
        "[",
        "\x01",
    ]
)
DEEP = st.builds(
    lambda depth, shape: shape[0] * depth + "1" + shape[1] * depth,
    st.integers(50, 1500),
    st.sampled_from([("[", "]"), ('{"A":', "}"), ('[{"":', "}]")]),
)
VALUES = ODD | DEEP | st.text(max_size=9).map(json.dumps) | st.integers().map(json.dumps)
KEYS = st.sampled_from(
    [
        *("RoomId", "TaskId", "UserId", "Timestamp", "AppId", "BusinessId", "Version", "Code"),
        *("RecordFileList", "EventData", "EventType", "EventMessage", "CasterId", "ResponseTime"),
        *("RequestId", "ShowId", "ProgramId", "ProgressTime", "New", "", "room_id", "timestamp"),
        *("\\u0000", "\\ud800"),
    ]
)
MEMBERS = st.lists(st.tuples(KEYS, VALUES), max_size=5).map(
    lambda pairs: ",".join(f'"{key}":{value}' for key, value in pairs)
)
RTC_TYPES = st.sampled_from([*vendors()["volcengine-rtc"].types, "Nothing", "No Type"])
CASTER_TYPES = st.sampled_from([*vendors()["alibaba-caster"].types, "Nothing"])


@settings(max_examples=300, deadline=None)
@given(members=MEMBERS, event_type=RTC_TYPES, more=MEMBERS)
def test_odd_json_that_is_signed_gets_an_outcome(members: str, event_type: str, more: str) -> None:
    """A right signature over odd text, as text or object: accepted, or no JSON at all."""
    text = f'{{"RoomId":"r",{members}}}' if members else "{}"
    as_text = rtc(text, EventType=event_type)
    as_object = rtc_object(text, f",{more}" if more else "", EventType=event_type)

    assert isinstance(_survives(ask("rtc", as_text)), Accepted)
    _survives(ask("rtc", as_object))
    _steps("volcengine-rtc", as_object)


@settings(max_examples=300, deadline=None)
@given(members=MEMBERS, event_type=CASTER_TYPES, message=MEMBERS)
def test_odd_json_of_the_studio_is_always_accepted(
    members: str, event_type: str, message: str
) -> None:
    """Where the path is the proof, no body but an empty one is refused."""
    start = f'{{"EventType":"{event_type}","CasterId":"c","EventMessage":'
    more = f",{members}" if members else ""

    for payload in (f"{{{message}}}", json.dumps(f"{{{message}}}")):
        body = f"{start}{payload}{more}}}".encode()
        assert isinstance(_survives(ask("studio", body)), Accepted)


@settings(deadline=None)
@given(st.fixed_dictionaries({name: st.text(max_size=9) for name in SIGNED}))
def test_any_signed_text_is_accepted(values: dict[str, str]) -> None:
    """Whatever the seven values are: proven, therefore published."""
    body = json.dumps({**values, "Signature": signature(values)}).encode()

    assert isinstance(_survives(ask("rtc", body)), Accepted)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from([*VECTOR, "Signature", "Noce", "BusinessId", "X"]), JSON),
    st.dictionaries(st.sampled_from(["CasterId", "EventType", "EventMessage", "X"]), JSON),
)
def test_members_of_any_kind_get_an_outcome(
    envelope: dict[str, Any], studio: dict[str, Any]
) -> None:
    """No member needs to be what it should be."""
    _survives(ask("rtc", json.dumps({**VECTOR, **envelope}).encode()))
    _survives(ask("studio", json.dumps(studio).encode()))


SHAPES: dict[str, Callable[[str], tuple[str, bytes]]] = {
    "event-data-text": lambda deep: ("rtc", rtc(f'{{"RoomId":"r","X":{deep}}}')),
    "event-data-object": lambda deep: ("rtc", rtc_object(f'{{"RoomId":"r","X":{deep}}}')),
    "unknown-type": lambda deep: ("rtc", rtc_object(f'{{"X":{deep}}}', EventType="Nothing")),
    "envelope": lambda deep: ("rtc", rtc_object('{"RoomId":"r"}', f',"X":{deep}')),
    "array": lambda deep: ("studio", deep.encode()),
    "object": lambda deep: ("studio", f'{{"X":{deep}}}'.encode()),
    "message": lambda deep: (
        "studio",
        f'{{"EventType":"OperateCallback","CasterId":"c","EventMessage":{{"X":{deep}}}}}'.encode(),
    ),
}


DEPTHS = [*range(1, 110), *range(110, 850, 40), *range(850, 1010), 1500, 50_000]


def _deep(shape: str, opening: str, closing: str) -> Iterator[tuple[str, bytes]]:
    return (SHAPES[shape](opening * depth + "1" + closing * depth) for depth in DEPTHS)


@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
@pytest.mark.parametrize("shape", SHAPES)
def test_no_depth_is_too_deep(shape: str, pair: tuple[str, str]) -> None:
    """At each depth, up to where the stack ends and beyond, there is an outcome."""
    for source, body in _deep(shape, *pair):
        outcome = ask(source, body)
        assert isinstance(outcome, Accepted) or outcome.reason == "not-json"


@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_accepted_can_be_read_at_each_depth(shape: str, pair: tuple[str, str]) -> None:
    """No event nests deeper than its readers, in their own stacks, can follow."""
    for source, body in _deep(shape, *pair):
        _survives(ask(source, body))
