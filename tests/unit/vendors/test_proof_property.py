"""The proof as a property: what was signed cannot change, and what proves is not published."""

import json
from base64 import b64decode
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from router.event import Event
from router.vendors import vendors
from router.vendors.decode import decode
from router.vendors.normalise import Delivery, normalise
from router.vendors.refusal import Refused
from router.vendors.spec import Message, Vendor, without_proof
from router.vendors.verify import Verified
from tests.sender import LIVE, NOW, SIGNED, VECTOR, ZEGO, ask, live_members, signature, zego_members

DELIVERY = Delivery(source="some", received_ms=NOW.unix_ms, unique=NOW.unique, traceparent="00-x")
RTC = vendors()["volcengine-rtc"]
CASTER = vendors()["alibaba-caster"]
PLAYER = vendors()["zego-cloud-player"]
STREAM = vendors()["volcengine-live"]
SIGNATURE = signature(VECTOR)


def _as_rtc(changed: dict[str, Any]) -> tuple[str, bytes]:
    return "rtc", json.dumps({**VECTOR, "Signature": SIGNATURE, **changed}).encode()


def _as_zego(changed: dict[str, Any]) -> tuple[str, bytes]:
    return "zego", json.dumps({**zego_members(), **changed}).encode()


def _as_live(changed: dict[str, Any]) -> tuple[str, bytes]:
    return "live", json.dumps({"data": {**live_members(), **changed}}).encode()


SIGNERS: dict[str, tuple[Callable[[dict[str, Any]], tuple[str, bytes]], dict[str, str]]] = {
    "rtc": (_as_rtc, {name: VECTOR[name] for name in SIGNED}),
    "zego": (_as_zego, {name: ZEGO[name] for name in ("Timestamp", "Nonce")}),
    "live": (_as_live, {"t": str(LIVE["t"])}),
}


@settings(max_examples=200)
@given(
    vendor=st.sampled_from(list(SIGNERS)),
    pick=st.integers(0, 6),
    value=st.text(max_size=30) | st.text("0123456789", max_size=12) | st.integers(),
)
@example(vendor="live", pick=0, value=1795248601)
@example(vendor="zego", pick=0, value="0")
def test_a_signed_value_that_changed_is_refused(vendor: str, pick: int, value: str | int) -> None:
    """Any other value in the place of any signed one."""
    send, signed = SIGNERS[vendor]
    name = list(signed)[pick % len(signed)]
    others = [text for other, text in signed.items() if other != name]
    before, after = (sorted([*others, text, "1234"]) for text in (signed[name], str(value)))
    assume("".join(before) != "".join(after))  # an exchange of digits between two of them is none

    outcome = ask(*send({name: value}))
    assert isinstance(outcome, Refused)
    assert outcome.reason in ("proof-wrong", "proof-missing")


@pytest.mark.parametrize("vendor", SIGNERS)
@given(digest=st.text("0123456789abcdefABCDEF", max_size=64) | st.text(max_size=40))
def test_another_digest_is_refused(vendor: str, digest: str) -> None:
    """Of any length and any letters."""
    send, _ = SIGNERS[vendor]
    name = "sign" if vendor == "live" else "Signature"

    outcome = ask(*send({name: digest}))
    assert isinstance(outcome, Refused)
    assert outcome.reason in ("proof-wrong", "proof-missing")


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text("abc01", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Signature", "sign", "t", "Nonce", "X"]), inner)
    ),
    max_leaves=6,
)
MARK = "what-proves-it"
MARKS = st.sampled_from([MARK, [MARK], {"X": MARK}, [[MARK] * 2]]) | st.integers(1, 150).map(
    lambda depth: json.loads("[" * depth + f'"{MARK}"' + "]" * depth)
)
TOP = ("Signature", "Nonce", "Noce", "Timestamp")
DEEP = st.integers(90, 140).map(lambda depth: json.loads("[" * depth + "]" * depth))


def _members(
    known: dict[str, Any], proof: tuple[str, ...], *types: str, word: str
) -> st.SearchStrategy[dict[str, Any]]:
    """Return bodies: some members as documented, others of any kind, and marks that prove."""
    usual = st.fixed_dictionaries({}, optional={key: st.just(known[key]) for key in known})
    others = st.dictionaries(st.sampled_from([*known, "New"]), JSON | DEEP, max_size=2)
    words = st.fixed_dictionaries({}, optional={word: st.sampled_from([*types, "x"])})
    marks = st.dictionaries(st.sampled_from(proof), MARKS)
    return st.tuples(usual, words, others, marks).map(
        lambda parts: {**parts[0], **parts[1], **parts[2], **parts[3]}
    )


RTC_BODIES = _members(VECTOR, TOP[:3], "RoomCreate", "MusicRemoved", word="EventType")
PLAYER_BODIES = _members(
    {**ZEGO, "AppId": 7, "detail": {}}, (TOP[0], *TOP[1::2]), "3", "10001", word="EventType"
)
STREAM_DATA = _members(LIVE, ("sign", "t"), "push_start", "push_end", word="event_type")
STREAM_BODIES = st.tuples(STREAM_DATA, st.dictionaries(st.sampled_from(["t", "X"]), JSON)).map(
    lambda parts: {**parts[1], "data": parts[0]}
)
STUDIO_BODIES = _members(
    {"CasterId": "c", "EventMessage": {}}, ("X",), "OperateCallback", word="EventType"
)
TABLES: dict[str, tuple[Vendor, st.SearchStrategy[dict[str, Any]], tuple[str, ...]]] = {
    "rtc": (RTC, RTC_BODIES, ("Signature", "Nonce", "Noce")),
    "zego": (PLAYER, PLAYER_BODIES, ("Signature", "Nonce", "Timestamp")),
    "live": (STREAM, STREAM_BODIES, ("sign", "t")),
    "live-unsigned": (without_proof(STREAM), STREAM_BODIES, ("sign", "t")),
    "studio": (CASTER, STUDIO_BODIES, ()),
}


def _without(body: dict[str, Any], proof: tuple[str, ...], *, is_inside: bool) -> dict[str, Any]:
    """Return the body without what proves it, at the documented place."""
    if not is_inside:
        return {key: value for key, value in body.items() if key not in proof}
    data = {key: value for key, value in body["data"].items() if key not in proof}
    return {**body, "data": data}


def _kept(event: Event) -> Any:
    """Return the body that an `Unrecognized` event keeps, in either way."""
    if "body_base64" in event.data:
        return json.loads(b64decode(event.data["body_base64"]))
    return json.loads(json.dumps(_plain(event.data["body"])))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return json.loads(bytes(value))


@pytest.mark.parametrize(("vendor", "bodies", "proof"), TABLES.values(), ids=TABLES)
@settings(deadline=None)
@given(data=st.data(), is_stale=st.booleans(), is_reused=st.booleans())
def test_what_proves_is_never_published(
    vendor: Vendor,
    bodies: st.SearchStrategy[dict[str, Any]],
    proof: tuple[str, ...],
    data: st.DataObject,
    *,
    is_stale: bool,
    is_reused: bool,
) -> None:
    """Whatever is wrong with a body: it is kept as it came but for exactly its proof."""
    body = data.draw(bodies)
    message = decode(vendor, json.dumps(body).encode())
    assert isinstance(message, Message)
    delivery = Delivery(
        source="some",
        received_ms=NOW.unix_ms,
        unique=NOW.unique,
        traceparent="00-x",
        is_reused=is_reused,
    )

    outcome = normalise(Verified(vendor, message, "late" if is_stale else ""), delivery)
    if outcome.short_type == "Unrecognized":
        assert outcome.doubt is not None
        kept = _kept(outcome.event)
        assert kept == _without(body, proof, is_inside="data" in body)
    elif proof:
        assert MARK not in str(outcome.event.data)


@pytest.mark.parametrize("source", ["live", "live-unsigned"])
@pytest.mark.parametrize("place", ["data.sign", "data.t", "Signature"])
def test_a_member_that_is_only_called_like_a_proof_is_content(source: str, place: str) -> None:
    """A path is no name: what nobody documented stays, wherever it is."""
    body = json.dumps({"data": live_members(event_type="push_end"), place: "kept"}).encode()
    vendor = TABLES[source][0]
    message = decode(vendor, body)
    assert isinstance(message, Message)

    event = normalise(Verified(vendor, message), DELIVERY).event
    assert "kept" in event.data.values()
