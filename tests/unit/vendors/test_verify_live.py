"""Volcengine Live's proof: key first, and a window as wide as the documents disagree."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.vendors import vendors
from router.vendors.decode import decode
from router.vendors.refusal import Refused
from router.vendors.spec import Message, without_proof
from router.vendors.verify import Secrets, Verified, verify
from tests.sender import KEY, LIVE, NOW, accepted, ask, live, live_members

VENDOR = vendors()["volcengine-live"]
SECRETS: Secrets = {None: (KEY.encode(),)}
T_MS = 1_795_248_600_000
VECTOR = {"t": 1640850110, "sign": "c2453c1a803c9a1b4c90cb8bf3d8acd1"}
VECTOR_KEY: Secrets = {None: (b"abc123XYZ",)}
WRONG_ORDER = "d2969f064ecccb4d91231c1548a74c2f"


def _verified(
    envelope: dict[str, Any], secrets: Secrets = SECRETS, now_ms: int = NOW.unix_ms
) -> Verified | Refused:
    message = decode(VENDOR, json.dumps(envelope).encode())
    assert isinstance(message, Message)
    return verify(VENDOR, message, secrets, now_ms)


def _outcome(
    data: Any, secrets: Secrets = SECRETS, now_ms: int = NOW.unix_ms
) -> Verified | Refused:
    return _verified({"code": 0, "message": "ok", "data": data}, secrets, now_ms)


def _refused(data: Any, secrets: Secrets = SECRETS) -> Refused:
    outcome = _outcome(data, secrets)
    assert isinstance(outcome, Refused)
    return outcome


def _is_stale(t: object, now_ms: int = NOW.unix_ms) -> bool:
    outcome = _outcome(live_members(t=t), now_ms=now_ms)
    assert isinstance(outcome, Verified)
    return outcome.is_stale


@pytest.mark.parametrize("t", [1640850110, "1640850110"], ids=["number", "text"])
@pytest.mark.parametrize("data", [{}, LIVE], ids=["alone", "whole"])
def test_the_vector_holds(t: object, data: dict[str, object]) -> None:
    """Key and then `t`, which both editions' types of it prove."""
    assert isinstance(_outcome({**data, **VECTOR, "t": t}, VECTOR_KEY), Verified)


@pytest.mark.parametrize("key", [b"abc123XY", b"abc123xyz", b"", b"abc123XYZ\0"], ids=repr)
def test_another_key_does_not_hold(key: bytes) -> None:
    """No key but the vector's own proves it, and nothing is hinted."""
    assert _refused(VECTOR, {None: (key,)}) == Refused("proof-wrong")


def test_the_wrong_order_is_refused_with_a_hint() -> None:
    """One edition words it the other way round: who meets it is told which order fits."""
    refused = _refused({**VECTOR, "sign": WRONG_ORDER}, VECTOR_KEY)

    assert refused.reason == "proof-wrong"
    assert refused.hint == (
        "the digest fits the key behind data.t; the vendor documents the key before it"
    )
    assert _refused({**VECTOR, "sign": WRONG_ORDER[:-1] + "e"}, VECTOR_KEY).hint == ""


def test_the_hint_is_found_under_every_secret() -> None:
    """Also under the older of two; and a digest that proves under one needs no hint."""
    rotated: Secrets = {None: (b"new", b"abc123XYZ", b"older")}

    assert _refused({**VECTOR, "sign": WRONG_ORDER}, rotated).hint != ""
    assert isinstance(_outcome(VECTOR, rotated), Verified)


@pytest.mark.parametrize(
    "text",
    [
        "1640850110abc123XYZ",
        "abc123XYZ1640850111",
        "abc123XYZ",
        "1640850110",
        "abc123XYZ:1640850110",
        "abc123xyz1640850110",
    ],
)
def test_other_texts_do_not_hold(text: str) -> None:
    """Only the key and then exactly this `t`."""
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    assert _refused({**VECTOR, "sign": digest}, VECTOR_KEY).reason == "proof-wrong"


def test_the_case_of_the_digest_does_not_matter() -> None:
    """No document tells it, so hex digits prove in either case."""
    upper = {**VECTOR, "sign": VECTOR["sign"].upper()}  # type: ignore[attr-defined]  # a text

    assert isinstance(_outcome(upper, VECTOR_KEY), Verified)


@pytest.mark.parametrize("sign", ["\u017f" * 32, "\ud7ff", "\u0130"], ids=ascii)
def test_letters_that_only_look_alike_do_not_prove(sign: str) -> None:
    """A digest of other characters is wrong, and comparing it does not fail."""
    assert _refused({**VECTOR, "sign": sign}, VECTOR_KEY) == Refused("proof-wrong")


NO_TIMES: list[object] = [None, 1795248600.0, True, False, [1795248600], {}, 10**18, -(10**18)]


@pytest.mark.parametrize(
    "data",
    [
        live_members("sign"),
        live_members("t"),
        live_members("sign", "t"),
        live_members(sign=None),
        live_members(sign=1),
        live_members(sign=["x"]),
        live_members(sign={"x": 1}),
        live_members(sign=True),
        *(live_members(t=t) for t in NO_TIMES),
        None,
        [],
        "x",
        json.dumps(live_members()),
        7,
    ],
    ids=lambda data: repr(data)[-40:],
)
def test_without_a_part_there_is_no_proof(data: object) -> None:
    """`sign` is text, `t` a whole number or text, and both are inside the object `data`."""
    assert _refused(data).reason == "proof-missing"


def test_a_proof_beside_the_data_is_none() -> None:
    """At the top of the envelope nobody documents it."""
    envelope = {**live_members(), "data": live_members("sign", "t")}
    outcome = _verified(envelope)

    assert isinstance(outcome, Refused)
    assert outcome.reason == "proof-missing"


@pytest.mark.parametrize("t", [0, 1795248600, None])
def test_an_empty_sign_says_what_to_switch_on(t: object) -> None:
    """The vendor's switch is off, while here a secret is configured."""
    refused = _refused({**LIVE, "sign": "", "t": t})

    assert refused == Refused(
        "proof-missing",
        "data.sign is empty: switch authentication on at the vendor, or configure the source with "
        "`unsigned: true` and `tokens`",
    )


def test_no_secrets_prove_nothing() -> None:
    """Even the digest of `t` alone does not."""
    digest = hashlib.md5(b"1795248600", usedforsecurity=False).hexdigest()

    assert _refused(live_members(sign=digest), {}) == Refused("proof-wrong")
    assert _refused(live_members(sign=digest), {"app": (b"",)}) == Refused("proof-wrong")


@pytest.mark.parametrize(
    ("after_ms", "is_stale"),
    [
        (0, False),
        (600_000, False),
        (600_001, True),
        (-600_000, False),
        (-1_200_000, False),
        (-1_200_001, True),
        (10**15, True),
    ],
)
@pytest.mark.parametrize("t", [1795248600, "1795248600"], ids=["number", "text"])
def test_the_window_holds_both_meanings_of_t(after_ms: int, t: object, *, is_stale: bool) -> None:
    """From twenty minutes before `t` to ten after it, to the millisecond, both edges inside."""
    assert _is_stale(t, T_MS + after_ms) == is_stale


@pytest.mark.parametrize(
    "t",
    [
        *(0, -1795248600, 1795248600123, 10**18 - 1, 1 - 10**18),
        *("", "now", " 1795248600", "1795248600.0", "+1795248600", "1795248600123", "9" * 5000),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_time_that_is_none_is_stale(t: object) -> None:
    """Signed, therefore authentic; but nothing says that it was sent just now."""
    assert _is_stale(t)


@given(
    t=st.integers(1 - 10**18, 10**18 - 1) | st.text(max_size=12),
    key=st.text(max_size=9),
    now_ms=st.integers(0, 253_402_300_799_999),
)
def test_every_signed_message_verifies(t: object, key: str, now_ms: int) -> None:
    """Whatever the time, the key and the clock are; another key never does."""
    digest = hashlib.md5(f"{key}{t}".encode(), usedforsecurity=False).hexdigest()
    data = {"t": t, "sign": digest}

    rotated: Secrets = {None: (b"another secret", key.encode())}
    assert isinstance(_outcome(data, rotated, now_ms), Verified)
    assert _refused(data, {None: (b"another secret",)}).reason == "proof-wrong"


@pytest.mark.parametrize("changed", [{"sign": ""}, {"sign": "x"}, {"t": 0}, {"t": None}], ids=repr)
def test_a_source_without_signing_takes_what_its_token_proves(changed: dict[str, object]) -> None:
    """Neither `sign` nor `t` is looked at, and nothing is ever stale."""
    unsigned = without_proof(VENDOR)
    message = decode(unsigned, live(**changed))
    assert isinstance(message, Message)

    assert verify(unsigned, message, {}, 0) == Verified(unsigned, message)


def test_through_a_whole_request() -> None:
    """A signed body is accepted; with one signed value changed it is refused."""
    assert accepted("live", live()).short_type == "PushStart"
    for changed in ({"t": 1795248601}, {"t": "1795248601"}, {"sign": "0" * 32}):
        data = {**live_members(), **changed}
        body = json.dumps({"code": 0, "message": "ok", "data": data}).encode()
        assert ask("live", body) == Refused("proof-wrong")
