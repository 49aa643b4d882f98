"""What a vendor may send instead of JSON: percent-encoded as a whole, or a form."""

import json
import re
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from router.vendors import vendors
from router.vendors.decode import decode, form_fields, percent_encoded_json
from router.vendors.refusal import Refused
from router.vendors.spec import Message
from router.vendors.verify import Verified, verify
from tests.sender import KEY, NOW, accepted, ask, event_of, zego, zego_members

MARK = b"\xef\xbb\xbf"
ZEGO = vendors()["zego-cloud-player"]
OTHERS = {name: vendor for name, vendor in vendors().items() if vendor is not ZEGO}
MEMBERS = zego_members(PlayerName="a+b %2F é 房 &=", Detail={"StreamUrl": "https://x/%E6?a=b&c+d"})
BODY = json.dumps(MEMBERS)


def _members(body: bytes) -> dict[str, Any] | None:
    message = decode(ZEGO, body)
    return message.members if isinstance(message, Message) else None


def _fields(members: dict[str, Any]) -> dict[str, str]:
    """Return what a form makes of members: texts, and JSON for anything else."""
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in members.items()
    }


def test_json_is_never_percent_decoded() -> None:
    """What is JSON as it stands may hold `%2F` and `+` that mean themselves."""
    data = event_of("zego", BODY.encode())["data"]

    assert data["player_name"] == "a+b %2F é 房 &="
    assert _members(b'{"%41":"%42"}') == {"%41": "%42"}
    assert _members(b' {"a=%7B":"&"} ') == {"a=%7B": "&"}


SPELLINGS = {
    "percent-20": quote(BODY, safe=""),
    "plus": quote_plus(BODY),
    "colons": quote(BODY, safe=':,"'),
    "small-letters": re.sub("%..", lambda digits: digits[0].lower(), quote_plus(BODY)),
    "spaces-around": f"\r\n {quote_plus(BODY)}",
    "encoded-spaces": quote_plus(f"{BODY} \n"),
    "line-behind": f"{quote_plus(BODY)}\n",
    "non-ascii": quote_plus(json.dumps(MEMBERS, ensure_ascii=False)),
    "one-field": urlencode({"data": BODY}),
    "one-key": f"{quote_plus(BODY)}=",
    "key-with-a-value": urlencode({BODY: "x"}),
    "empty-fields-around": f"&{urlencode({'data': BODY})}&",
}


@pytest.mark.parametrize("mark", [b"", MARK], ids=["plain", "marked"])
@pytest.mark.parametrize("body", SPELLINGS.values(), ids=SPELLINGS)
def test_an_encoded_body_is_decoded_once(body: str, mark: bytes) -> None:
    """Whole, or as the only key or value of a form, with either spelling of a space."""
    message = decode(ZEGO, mark + body.encode())

    assert isinstance(message, Message)
    assert message.body == mark + body.encode()
    assert message.members == json.loads(message.text) == MEMBERS


@pytest.mark.parametrize("body", [BODY, *SPELLINGS.values()], ids=["json", *SPELLINGS])
def test_what_was_decoded_is_what_is_proven(body: str) -> None:
    """The digest covers the values, however the body was written."""
    message = decode(ZEGO, body.encode())
    assert isinstance(message, Message)

    outcome = verify(ZEGO, message, {None: (KEY.encode(),)}, NOW.unix_ms)
    assert outcome == Verified(ZEGO, message)


def test_a_form_of_fields_is_an_object_of_texts() -> None:
    """Its event is that of the JSON body: numbers are read, and so is the text of Detail."""
    form = urlencode(_fields(MEMBERS)).encode()

    assert _members(form) == _fields(MEMBERS)
    assert event_of("zego", form) == event_of("zego", BODY.encode())


@pytest.mark.parametrize(
    ("form", "members"),
    [
        (b"a=1&b=2", {"a": "1", "b": "2"}),
        (b"a=1&a=2", {"a": "2"}),
        (b"a=&b=", {"a": "", "b": ""}),
        (b"a=%7B%7D&b=+%20%2B", {"a": "{}", "b": "  +"}),
        (b"&a=1&b=2&&"[:-1], {"a": "1", "b": "2"}),
        (b" a=1&b=2\r\n", {"a": "1", "b": "2"}),
        (b"a=b=c&d=%3D", {"a": "b=c", "d": "="}),
        (b"a;b=1&c=2", {"a;b": "1", "c": "2"}),
        ("é=房&b=%E6%88%BF".encode(), {"é": "房", "b": "房"}),
        (b"a=\x00&b=%00", {"a": "\x00", "b": "\x00"}),
        (b'a={"b":1}', {"b": 1}),
        (b"a=%20%7B%22b%22:1%7D", {"b": 1}),
        (b'{"b":1}=', {"b": 1}),
        (b'{"b":1}={"c":2}', {"c": 2}),
    ],
    ids=repr,
)
def test_a_form_is_read(form: bytes, members: dict[str, Any]) -> None:
    """Of equal names the last counts; of a single field its value, else its name, may be JSON."""
    assert _members(form) == members


HOPELESS = [
    b"x",
    b"[]",
    b"null",
    b'"{}"',
    b"{",
    b'{"a":1}x',
    b'{"a":"\xff"}',
    b"%7B",
    b"%7B%7D%7D",
    b"%7B%22a%22%3A%22%FF%22%7D",
    b"%7b%2",
    b"%7B%ZZ%7D",
    b"%5B%5D",
    b"%257B%257D",
    b"%EF%BB%BF%7B%7D",
    b"=",
    b"a=",
    b"a=b",
    b"={",
    b"a=[]",
    b"a=%7B",
    b"a&b=1",
    b"a=1&&b=2",
    b"a=1&b=%FF",
    b"a=\xff&b=1",
    b"a=1;b",
    b'{"u":"https://x/?a=1&b=2"',
    b' {"u":"https://x/?a=1&b=2"} x',
    b"\x00",
    b"\xff\xfe",
    MARK + MARK,
    MARK + b"x",
]


@pytest.mark.parametrize("body", HOPELESS, ids=repr)
def test_what_no_decoding_makes_an_object_is_no_json(body: bytes) -> None:
    """Nothing else can hold the proof."""
    outcome = decode(ZEGO, body)

    assert isinstance(outcome, Refused)
    assert outcome.reason == "not-json"


@pytest.mark.parametrize("body", [b"&", b"&&&", b" & ", b"\n&\r\n", MARK + b"&"], ids=repr)
def test_a_form_of_nothing_is_no_json(body: bytes) -> None:
    """Only separators: no field, and no error."""
    outcome = decode(ZEGO, body)

    assert isinstance(outcome, Refused)
    assert outcome.reason == "not-json"


@pytest.mark.parametrize("body", [b"", b" \r\n\t", MARK, MARK + b"\n"], ids=repr)
def test_an_empty_body_stays_empty(body: bytes) -> None:
    """Nothing is not tried any further."""
    zego_vendor = vendors()["zego-cloud-player"]
    assert decode(zego_vendor, body) == Refused("empty-body")


@pytest.mark.parametrize("vendor", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("body", [quote_plus(BODY), urlencode(_fields(MEMBERS))], ids=["%", "&"])
def test_other_vendors_send_json_only(vendor: Any, body: str) -> None:
    """Where the documents know no other form, there is none."""
    outcome = decode(vendor, body.encode())

    assert isinstance(outcome, Refused) or outcome.members is None


@pytest.mark.parametrize("count", [1000, 1001, 300_000])
def test_a_form_of_very_many_fields_is_no_form(count: int) -> None:
    """A thousand fields are more than any vendor sends; more are not taken apart."""
    body = b"&".join([b"a=1"] * count)

    assert (_members(body) is not None) == (count <= 1000)


@pytest.mark.parametrize(
    "body",
    [
        b"&" * (1 << 20),
        b"=" * (1 << 20),
        b"%" * (1 << 20),
        b"%7B" * (1 << 18),
        b"%7b" + b"%5B" * (1 << 18),
        b"a=" + b"%7B" * (1 << 18),
        b"a=" + b"{" * (1 << 20),
        b"+" * (1 << 20) + b"%7B",
        b" " * (1 << 20) + b"%7B",
    ],
    ids=["&", "=", "%", "braces", "brackets", "field", "raw", "plus", "spaces"],
)
@pytest.mark.timeout(10)
def test_a_large_body_of_nothing_is_refused_in_no_time(body: bytes) -> None:
    """A mebibyte of one character costs nothing that grows faster than it."""
    outcome = decode(ZEGO, body)

    assert isinstance(outcome, Refused)
    assert outcome.reason == "not-json"


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=9), min_size=2, max_size=6))
@example({"": "", "{": "}"})
def test_every_form_is_read_back(fields: dict[str, str]) -> None:
    """What a browser would encode comes back as texts; a name like JSON's begin is none's first."""
    assume(not next(iter(fields)).lstrip().startswith("{"))
    assert form_fields(urlencode(fields).encode()) is not None
    assert _members(urlencode(fields).encode()) == fields


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    members=st.dictionaries(st.text(max_size=5), JSON, max_size=4),
    is_ascii=st.booleans(),
    is_plus=st.booleans(),
)
def test_every_object_comes_back_from_each_encoding(
    members: dict[str, Any], *, is_ascii: bool, is_plus: bool
) -> None:
    """Percent-encoded, as the only value of a form, and as its only key."""
    text = json.dumps(members, ensure_ascii=is_ascii)
    encoded = quote_plus(text) if is_plus else quote(text, safe="")

    for body in (text, encoded, f"data={encoded}", f"{encoded}="):
        assert _members(body.encode()) == members


@given(st.binary(max_size=40) | st.text("%7Bb{}=&+ a\"'", max_size=40).map(str.encode))
@example(b"&")
@example(b"%7B&")
def test_any_bytes_are_decoded_or_not(text: bytes) -> None:
    """Each step returns for anything, and what it returns is bytes or nothing."""
    for step in (percent_encoded_json, form_fields):
        assert isinstance(step(text), bytes | None)
    assert isinstance(decode(ZEGO, text), Message | Refused)


def test_an_encoded_body_is_kept_as_its_json() -> None:
    """What is not recognised shows what was read, not how it was written."""
    body = quote_plus(json.dumps(zego_members(EventType=99, N=1.5))).encode()
    event = event_of("zego", body)

    assert event["data"]["reason"] == "unknown-type"
    proof = {"Signature", "Nonce", "Timestamp"}
    kept = zego_members(*proof, EventType=99, N=1.5)
    assert event["data"]["body"] == kept


def test_an_encoded_body_must_be_proven_as_well() -> None:
    """The same digest in the same place, and another one is refused."""
    members = {**MEMBERS, "Nonce": "1"}

    assert accepted("zego", quote_plus(BODY).encode()).doubt is None
    for body in (quote_plus(json.dumps(members)), urlencode(_fields(members))):
        assert ask("zego", body.encode()) == Refused("proof-wrong")
    assert zego().startswith(b"{")


@pytest.mark.parametrize(
    "body",
    [b"%7B%22" + b"%" * 1_000_000, b"a=" + b"%41" * 300_000, b"a=" + b"\x01" * 900_000 + b"&b=1"],
    ids=["percent", "form", "control"],
)
def test_what_is_no_json_is_decoded_only_where_it_is_small(body: bytes) -> None:
    """Decoding a megabyte would stop every other callback for a third of a second."""
    zego_vendor = vendors()["zego-cloud-player"]
    assert decode(zego_vendor, body) == Refused("not-json", "the body is no JSON object")
