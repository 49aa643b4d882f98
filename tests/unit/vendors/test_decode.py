"""A body to a message, whatever its bytes are."""

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.vendors import vendors
from router.vendors.decode import NOT_JSON, decode, json_value, raw_members
from router.vendors.refusal import Refused
from router.vendors.spec import Message, Vendor, without_proof
from tests.sender import ask, event_of, rtc

MARK = b"\xef\xbb\xbf"
RTC = vendors()["volcengine-rtc"]
CASTER = vendors()["alibaba-caster"]
ZEGO = vendors()["zego-cloud-player"]
LIVE = vendors()["volcengine-live"]


@pytest.mark.parametrize(
    "body", [b"", b" ", b"\r\n\t ", MARK, MARK + b"\n"], ids=["0", "space", "line", "mark", "both"]
)
@pytest.mark.parametrize("vendor", vendors().values(), ids=vendors())
def test_an_empty_body_is_refused(vendor: Vendor, body: bytes) -> None:
    """Nothing but spaces and a byte-order mark is nothing, for every vendor."""
    assert decode(vendor, body) == Refused("empty-body")


@pytest.mark.parametrize(
    "body",
    [
        b"x",
        b"[]",
        b"null",
        b'"{}"',
        b"1",
        b"{",
        b'{"a":1}x',
        b'{"a":"\xff"}',
        b"{'a':1}",
        b'{"a":NaN}',
    ],
    ids=repr,
)
@pytest.mark.parametrize("vendor", [RTC, ZEGO, LIVE], ids=["rtc", "zego", "live"])
def test_a_signed_body_must_be_a_json_object(vendor: Vendor, body: bytes) -> None:
    """Where the proof is inside the body, nothing else can hold it."""
    outcome = decode(vendor, body)

    assert isinstance(outcome, Refused)
    assert outcome.reason == "not-json"


@pytest.mark.parametrize("body", [b"x", b"[]", b"null", b"{", b"\xff\xfe"], ids=repr)
@pytest.mark.parametrize("vendor", [CASTER, without_proof(LIVE)], ids=["caster", "unsigned-live"])
def test_a_body_without_a_proof_may_be_anything(vendor: Vendor, body: bytes) -> None:
    """Where the path is the proof, what is no object is a message without members."""
    assert decode(vendor, body) == Message(body=body, text=body, members=None)


@pytest.mark.parametrize("mark", [b"", MARK], ids=["plain", "marked"])
def test_a_byte_order_mark_is_read_over(mark: bytes) -> None:
    """Members are the same with and without a mark; the body stays as it came."""
    body = mark + b' {"a": {"b" : 1.50}} '

    message = decode(CASTER, body)
    assert isinstance(message, Message)
    assert message == Message(body=body, text=body.removeprefix(MARK), members={"a": {"b": 1.5}})
    raw = raw_members(message)
    assert {key: bytes(text) for key, text in raw.items()} == {"a": b'{"b" : 1.50}'}


def test_the_declared_media_type_does_not_matter() -> None:
    """A form's bytes are no object for a signed source, JSON is one whatever it is called."""
    assert isinstance(decode(RTC, b"EventType=RoomCreate&AppId=appId"), Refused)


def test_what_follows_a_mark_is_kept_as_json() -> None:
    """An array behind a byte-order mark is JSON like any other, so it is shown as JSON."""
    assert event_of("studio", MARK + b"[1,2]")["data"]["body"] == [1, 2]


def test_what_is_not_json_is_kept_in_base64() -> None:
    """The bytes come back exactly."""
    body = b"\x00\xff not JSON"

    assert base64.b64decode(event_of("studio", body)["data"]["body_base64"]) == body


def test_of_two_equal_members_one_serves_for_everything() -> None:
    """What was signed and what is used are the same one: the last, as Python's JSON has it."""
    first = b'{"EventData":"{\\"RoomId\\":\\"evil\\"}",'
    body = first + rtc()[1:]

    assert event_of("rtc", body)["data"]["room_id"] == "room1"
    assert ask("rtc", rtc()[:-1] + b',"EventData":"{}"}') == Refused("proof-wrong")


@given(st.binary() | st.text().map(str.encode))
def test_json_is_what_python_takes_for_it(text: bytes) -> None:
    """What counts as JSON here is JSON to Python too, with an equal value."""
    value = json_value(text)

    if value is not NOT_JSON:
        assert value == json.loads(text)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_every_json_value_is_read(value: object) -> None:
    """What Python writes is read as the same value, escaped or not."""
    assert json_value(json.dumps(value)) == value
    assert json_value(json.dumps(value, ensure_ascii=False).encode()) == value
