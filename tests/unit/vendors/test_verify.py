"""Proof: the published vector holds, and nothing else does."""

import hashlib
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.vendors import vendors
from router.vendors.decode import decode
from router.vendors.refusal import Refused
from router.vendors.spec import Message
from router.vendors.verify import Secrets, Verified, verify
from tests.sender import (
    EVENT_DATA,
    KEY,
    NOW,
    SIGNATURE,
    SIGNED,
    VECTOR,
    accepted,
    ask,
    caster,
    rtc,
    rtc_object,
    signature,
)

RTC = vendors()["volcengine-rtc"]
SECRETS: Secrets = {None: (KEY.encode(),)}
# The values of the vector in the order of the documents, and a secret that begins with a capital.
PARTS = [*VECTOR.values(), KEY]
UPPER = [*VECTOR.values(), "Secret"]


def _outcome(members: dict[str, object], secrets: Secrets = SECRETS) -> Verified | Refused:
    message = decode(RTC, json.dumps(members).encode())
    assert isinstance(message, Message)
    return verify(RTC, message, secrets, NOW.unix_ms)


def _is_proven(members: dict[str, object], secrets: Secrets = SECRETS) -> bool:
    return isinstance(_outcome(members, secrets), Verified)


def _reason(members: dict[str, object], secrets: Secrets = SECRETS) -> str:
    outcome = _outcome(members, secrets)
    assert isinstance(outcome, Refused)
    return outcome.reason


def _sha256(parts: list[str]) -> str:
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def test_the_published_vector_holds() -> None:
    """The values and the digest of the vendor's page prove each other."""
    outcome = _outcome({**VECTOR, "Signature": SIGNATURE})

    assert isinstance(outcome, Verified)
    assert outcome.vendor is RTC
    assert outcome.message.members == {**VECTOR, "Signature": SIGNATURE}


@pytest.mark.parametrize(
    "digest",
    [
        _sha256(sorted(PARTS, key=str.lower)),
        _sha256(PARTS),
        _sha256(sorted(PARTS, reverse=True)),
        _sha256([*sorted(PARTS[:-1]), KEY]),
        _sha256([*sorted(VECTOR), KEY]),
        _sha256([VECTOR[name] for name in sorted(VECTOR)] + [KEY]),
        _sha256([*sorted(PARTS), ""])[:-1],
        hashlib.sha1("".join(sorted(PARTS)).encode()).hexdigest(),  # noqa: S324 - a wrong proof
        _sha256(["|".join(sorted(PARTS))]),
        _sha256(sorted(UPPER)),
        "14aa681420cb46ab5f1d8ad6ac9ab21f341ea9dbf9d5237059c3c4c0e731300f",
    ],
    ids=[
        "case-insensitive",
        "as-listed",
        "descending",
        "secret-last",
        "names",
        "by-name",
        "cut-off",
        "sha1",
        "separated",
        "other-secret",
        "printed-in-the-text",
    ],
)
def test_other_orders_do_not_hold(digest: str) -> None:
    """The digests that a misreading of the page gives are refused."""
    assert _reason({**VECTOR, "Signature": digest}) == "proof-wrong"


def test_the_case_insensitive_order_is_the_known_wrong_one() -> None:
    """The vector tells the orders apart: this is the digest of the wrong one."""
    assert re.match("4c2e80fa.*c9e2$", _sha256(sorted(PARTS, key=str.lower)))


@pytest.mark.parametrize(
    "write", [str.upper, str.title, str.lower], ids=["upper", "mixed", "lower"]
)
def test_the_case_of_the_digest_does_not_matter(write: Callable[[str], str]) -> None:
    """Hex digits prove in either case."""
    assert _is_proven({**VECTOR, "Signature": write(SIGNATURE)})


@pytest.mark.parametrize(
    "text", ["\u017f" + SIGNATURE[1:], SIGNATURE + "\u0130", "\ud7ff" * 64, "é"]
)
def test_letters_that_only_look_alike_do_not_prove(text: str) -> None:
    """A digest of other characters is wrong, and comparing it does not fail."""
    assert _reason({**VECTOR, "Signature": text}) == "proof-wrong"


@pytest.mark.parametrize("value", [None, "", 1, True, [SIGNATURE], {"a": SIGNATURE}], ids=repr)
def test_without_a_signature_there_is_no_proof(value: object) -> None:
    """A signature that is missing, empty or no text is no wrong one."""
    assert _reason({**VECTOR, "Signature": value}) == "proof-missing"


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("is_null", [False, True], ids=["missing", "null"])
def test_without_a_signed_member_there_is_no_proof(name: str, *, is_null: bool) -> None:
    """All seven must be there."""
    members: dict[str, object] = {**VECTOR, "Signature": SIGNATURE, name: None}
    if not is_null:
        del members[name]

    assert _reason(members) == "proof-missing"


@pytest.mark.parametrize("key", [KEY.encode(), b"", b"\xff\x00"], ids=repr)
def test_an_empty_value_is_signed_as_such(key: bytes) -> None:
    """An empty text is a value, and a secret is any bytes."""
    values = {**VECTOR, "EventId": ""}
    parts = sorted([*(value.encode() for value in values.values()), key])
    digest = hashlib.sha256(b"".join(parts)).hexdigest()

    assert _is_proven({**values, "Signature": digest}, {None: (key,)})


NONCES = ["aaBc", "9091", "", None]


@pytest.mark.parametrize("noce", NONCES, ids=lambda value: f"noce-{value!r}")
@pytest.mark.parametrize("nonce", NONCES, ids=lambda value: f"nonce-{value!r}")
@pytest.mark.parametrize("signed", ["aaBc", "9091", ""], ids=lambda value: f"signed-{value!r}")
def test_either_spelling_of_the_nonce_proves(
    signed: str, nonce: str | None, noce: str | None
) -> None:
    """Whichever of `Nonce` and `Noce` was signed proves, and a third one never does."""
    digest = signature({**VECTOR, "Nonce": signed})
    members: dict[str, object] = {**VECTOR, "Signature": digest, "Nonce": nonce, "Noce": noce}

    assert _is_proven(members) == (signed in (nonce, noce))


def test_without_either_nonce_there_is_no_proof() -> None:
    """Neither spelling: missing, not wrong."""
    assert _reason({**VECTOR, "Nonce": None, "Signature": SIGNATURE}) == "proof-missing"


@pytest.mark.parametrize(
    ("secrets", "expected"),
    [
        ({"appId": (b"1234",)}, None),
        ({"appId": (b"new", b"1234")}, None),
        ({"appId": (b"1234", b"old")}, None),
        ({None: (b"new", b"1234", b"old")}, None),
        ({None: (b"other",), "appId": (b"1234",)}, None),
        ({None: (b"1234",), "other": (b"x",)}, None),
        ({None: (b"1234",), "appId": (b"x",)}, "proof-wrong"),
        ({None: (b"new", b"old")}, "proof-wrong"),
        ({"other": (b"1234",)}, "unknown-app"),
        ({"other": (b"1234",), None: ()}, "unknown-app"),
        ({"appid": (b"1234",)}, "unknown-app"),
        ({}, "unknown-app"),
    ],
    ids=[
        "own",
        "rotated-old",
        "rotated-new",
        "rotated-for-all",
        "own-and-for-all",
        "for-all-beside-others",
        "own-only",
        "none-fits",
        "of-another-app",
        "empty-for-all",
        "other-case",
        "none",
    ],
)
def test_secrets_are_chosen_by_application(secrets: Secrets, expected: str | None) -> None:
    """An AppId with secrets of its own is checked against these only, the others against all's."""
    members: dict[str, object] = {**VECTOR, "Signature": SIGNATURE}

    assert _is_proven(members, secrets) == (expected is None)
    assert expected is None or _reason(members, secrets) == expected


def test_a_vendor_without_a_signature_is_proven_before() -> None:
    """Where the path is the proof, every message that got here is proven."""
    studio = vendors()["alibaba-caster"]
    message = Message(body=b"x", text=b"x", members=None)

    assert verify(studio, message, {}, NOW.unix_ms) == Verified(studio, message)
    assert accepted("studio", caster("OperateCallback", {}, CasterId="c")).doubt is None


def test_a_body_without_members_proves_nothing() -> None:
    """Even where decoding is skipped, there is no proof in what is no object."""
    outcome = verify(RTC, Message(body=b"[]", text=b"[]", members=None), SECRETS, NOW.unix_ms)

    assert isinstance(outcome, Refused)
    assert outcome.reason == "proof-missing"


@pytest.mark.parametrize(
    "text",
    [EVENT_DATA, ' {\n"RoomId" : "room1"}', "{}", '{"RoomId":"r\\u006f"}', '{"RoomId":1.50e0}'],
    ids=repr,
)
def test_an_object_is_signed_as_its_text_stands(text: str) -> None:
    """Spaces, escapes and the writing of numbers count; outer spaces are the envelope's."""
    assert accepted("rtc", rtc_object(text.strip())).source.name == "rtc"
    again = rtc_object(text.strip()).replace(b'"EventData":{', b'"EventData":{ ')
    assert ask("rtc", again) == Refused("proof-wrong")


def test_a_number_is_signed_as_its_text_stands() -> None:
    """An AppId that is a number is hashed by its digits, and chooses its secrets by them."""
    values = {**VECTOR, "AppId": "123"}
    members: dict[str, object] = {**values, "AppId": 123, "Signature": signature(values)}

    assert _is_proven(members)
    assert _is_proven(members, {"123": (KEY.encode(),)})


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None and "T" in text
    except ValueError:
        return False


def _has_shapes(values: dict[str, str]) -> bool:
    is_date = re.fullmatch(r"\d{4}-\d\d-\d\d", values["Version"])
    return _is_time(values["EventTime"]) and bool(is_date) and values["EventType"].isalnum()


def test_an_exchange_of_values_verifies_and_turns_up() -> None:
    """The digest holds for all 5,040 exchanges; none becomes another type, few the same one."""
    types: Counter[str] = Counter()
    for choice in itertools.permutations(VECTOR.values()):
        values = dict(zip(VECTOR, choice, strict=True))
        outcome = accepted("rtc", json.dumps({**values, "Signature": SIGNATURE}).encode())
        assert (outcome.doubt == "suspicious") == (not _has_shapes(values))
        types[outcome.short_type if outcome.doubt != "suspicious" else "suspicious"] += 1
        is_created = values["EventType"] == "RoomCreate" and values["EventData"] == EVENT_DATA
        assert (outcome.short_type == "RoomCreate") == (is_created and _has_shapes(values))

    # A time in EventTime, a date in Version, one of four words in EventType, four others anywhere.
    assert types.pop("suspicious") == 5040 - 4 * 24
    # RoomCreate in EventType, the object in EventData, three others anywhere.
    assert types == {"RoomCreate": 6, "Unrecognized": 4 * 24 - 6}


@pytest.mark.parametrize(
    ("changed", "is_suspicious"),
    [
        *(({"EventTime": text}, True) for text in ("", "now", "2023-03-21", "2023-03-21T15:32:04")),
        *(({"EventTime": f"2023-03-21T15:32:04{end}"}, False) for end in ("Z", ".123456789Z")),
        ({"EventTime": "2023-03-21T15:32:04+08:00Room"}, True),
        *(
            ({"Version": text}, True)
            for text in ("", "1.0", "2020-13-01", "2020-12-00", "20201201")
        ),
        *(({"Version": text}, True) for text in ("2020-12-01 ", "2020-12-32", "٢٠٢٠-12-01")),
        ({"Version": "2024-06-01"}, False),
        *(
            ({"EventType": text}, True)
            for text in ("", "Room Create", "Room.Create", "房间", "a-b")
        ),
        *(({"EventType": text}, False) for text in ("SomethingNew", "2", "x" * 128)),
    ],
    ids=repr,
)
def test_a_value_out_of_its_place_is_suspicious(
    changed: dict[str, str], *, is_suspicious: bool
) -> None:
    """EventTime is a time, Version a date and EventType a word, or values may be exchanged."""
    assert (accepted("rtc", rtc(**changed)).doubt == "suspicious") == is_suspicious


@given(st.fixed_dictionaries({name: st.text(max_size=8) for name in SIGNED}), st.binary())
def test_every_signed_message_verifies(values: dict[str, str], key: bytes) -> None:
    """Whatever the values and the secret are, a right digest proves and another secret does not."""
    parts = sorted([*(value.encode() for value in values.values()), key])
    members: dict[str, object] = {**values}
    members["Signature"] = hashlib.sha256(b"".join(parts)).hexdigest()

    assert _is_proven(members, {None: (b"another secret", key)})
    assert _reason(members, {None: (b"another secret",)}) == "proof-wrong"
