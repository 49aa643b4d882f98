"""Hostile input: every function returns for any bytes, and what is accepted can be read again."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from router.ingress.receive import Accepted
from router.vendors import vendors
from router.vendors.decode import decode
from router.vendors.normalise import Delivery, normalise
from router.vendors.refusal import Refused
from router.vendors.verify import verify
from tests.sender import (
    LIVE,
    NOW,
    SIGNED,
    SOURCES,
    VECTOR,
    ZEGO,
    ask,
    caster,
    live,
    live_members,
    live_signature,
    rtc,
    rtc_object,
    signature,
    zego,
    zego_members,
    zego_signature,
)
from tests.unit.vendors.surviving import survives

DELIVERY = Delivery(source="s", received_ms=0, unique=NOW.unique, traceparent="00-")


def _steps(source: str, body: bytes) -> None:
    """Walk the steps one by one; none may raise."""
    vendor = SOURCES.by_name[source].vendor
    message = decode(vendor, body)
    if isinstance(message, Refused):
        return
    proven = verify(vendor, message, {None: (b"1234",)}, NOW.unix_ms)
    if not isinstance(proven, Refused):
        normalise(proven, DELIVERY)


@given(
    st.binary()
    | st.text().map(str.encode)
    | st.text('{}[]",:01ae-. \\u', max_size=40)
    | st.text('%7Bb22D&=+{}"a:1 ', max_size=40)
)
@example(b"\xef\xbb\xbf")
@example('{"CasterId":"\\ud800"}')
@example("&")
@example("%7B%7D&=")
def test_any_bytes_get_an_outcome(body: bytes | str) -> None:
    """Whatever is sent to any source is refused for a known reason or published."""
    sent = body if isinstance(body, bytes) else body.encode()

    for source in SOURCES.by_name:
        _steps(source, sent)
        survives(ask(source, sent))


VALID = {
    "rtc": rtc(),
    "studio": caster("OperateCallback", {"RequestId": "r"}, CasterId="c"),
    "zego": zego(),
    "live": live(),
    "live-unsigned": live(sign="", t=0),
}


@settings(max_examples=300, deadline=None)
@given(
    source=st.sampled_from(list(VALID)),
    cuts=st.lists(
        st.tuples(st.integers(0, 500), st.integers(0, 9), st.binary(max_size=4)), max_size=3
    ),
)
def test_a_mutated_body_gets_an_outcome(source: str, cuts: list[tuple[int, int, bytes]]) -> None:
    """Bytes replaced, removed and added anywhere in what a vendor sends."""
    body = VALID[source]
    for place, length, added in cuts:
        body = body[:place] + added + body[place + length :]

    _steps(source, body)
    survives(ask(source, body))


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
        *("AppID", "PlayerId", "EventTime", "Detail", "detail", "Status", "UploadTaskId", "data"),
        *("vhost", "domain", "stream", "event_type", "time", "time_ms", "transcoded", "session_id"),
        *("\\u0000", "\\ud800"),
    ]
)
MEMBERS = st.lists(st.tuples(KEYS, VALUES), max_size=5).map(
    lambda pairs: ",".join(f'"{key}":{value}' for key, value in pairs)
)
ZEGO_TYPES = st.sampled_from(
    [*(int(found.word) for found in vendors()["zego-cloud-player"].types.values()), 5, "x"]
)
LIVE_TYPES = st.sampled_from(
    [found.word for found in vendors()["volcengine-live"].types.values()] + ["audits", "x"]
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

    assert isinstance(survives(ask("rtc", as_text)), Accepted)
    survives(ask("rtc", as_object))
    _steps("rtc", as_object)


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
        assert isinstance(survives(ask("studio", body)), Accepted)


@settings(max_examples=300, deadline=None)
@given(members=MEMBERS, word=ZEGO_TYPES, detail=MEMBERS)
def test_odd_json_of_the_player_is_accepted_if_it_is_json(
    members: str, word: object, detail: str
) -> None:
    """Odd text beside a right digest; the members that prove come last, so they count."""
    proof = {"EventType": word, "Timestamp": ZEGO["Timestamp"], "Nonce": "1"}
    signed = json.dumps({**proof, "Signature": zego_signature(proof)})[1:]
    start = f"{members}," if members else ""

    for payload in (f"{{{detail}}}", json.dumps(f"{{{detail}}}")):
        body = f'{{"AppID":7,"PlayerId":"p","Detail":{payload},{start}{signed}'.encode()
        _steps("zego", body)
        outcome = survives(ask("zego", body))
        assert isinstance(outcome, Accepted) or outcome.reason == "not-json"


@settings(max_examples=300, deadline=None)
@given(members=MEMBERS, word=LIVE_TYPES, detail=MEMBERS, more=MEMBERS)
def test_odd_json_of_a_stream_is_accepted_if_it_is_json(
    members: str, word: str, detail: str, more: str
) -> None:
    """Odd text beside a right digest, and beside the object that holds it."""
    proof = {"event_type": word, "t": LIVE["t"], "sign": live_signature(LIVE["t"])}
    start = f"{members}," if members else ""
    data = f'{{"vhost":"v","app":"a","stream":"s","detail":{{{detail}}},{start}'
    envelope = f"{more}," if more else ""
    body = f'{{{envelope}"data":{data}{json.dumps(proof)[1:]}}}'.encode()

    _steps("live", body)
    outcome = survives(ask("live", body))
    assert isinstance(outcome, Accepted) or outcome.reason == "not-json"
    assert isinstance(survives(ask("live-unsigned", body)), Accepted)


@settings(deadline=None)
@given(st.fixed_dictionaries({name: st.text(max_size=9) for name in SIGNED}))
def test_any_signed_text_is_accepted(values: dict[str, str]) -> None:
    """Whatever the seven values are: proven, therefore published."""
    body = json.dumps({**values, "Signature": signature(values)}).encode()

    assert isinstance(survives(ask("rtc", body)), Accepted)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def _some(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from([*names, "X"]), JSON)


@settings(deadline=None)
@given(
    envelope=_some(*VECTOR, "Signature", "Noce", "BusinessId"),
    studio=_some("CasterId", "EventType", "EventMessage"),
    player=_some(*ZEGO, "Signature", "AppId", "detail"),
    stream=_some(*LIVE, "sign"),
    around=_some("data", "code", "message"),
)
def test_members_of_any_kind_get_an_outcome(
    envelope: dict[str, Any],
    studio: dict[str, Any],
    player: dict[str, Any],
    stream: dict[str, Any],
    around: dict[str, Any],
) -> None:
    """No member needs to be what it should be, signed or not."""
    survives(ask("rtc", json.dumps({**VECTOR, **envelope}).encode()))
    survives(ask("studio", json.dumps(studio).encode()))
    survives(ask("zego", json.dumps({**zego_members(), **player}).encode()))
    assert isinstance(survives(ask("zego", zego(**player))), Accepted | Refused)
    for source in ("live", "live-unsigned"):
        survives(ask(source, json.dumps({"data": {**live_members(), **stream}}).encode()))
        survives(ask(source, json.dumps({"data": live_members(), **around}).encode()))
