"""ZEGO's proof: its vectors hold, other orders do not, and the window has two edges."""

import hashlib
import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.vendors import vendors
from router.vendors.decode import decode
from router.vendors.refusal import Refused
from router.vendors.spec import Message
from router.vendors.verify import Secrets, Verified, verify
from tests.sender import KEY, NOW, ZEGO, accepted, ask, zego, zego_members

VENDOR = vendors()["zego-cloud-player"]
SECRETS: Secrets = {None: (KEY.encode(),)}
SENT_MS = 1_795_248_000_000
# Secret, Timestamp, Nonce, digest: the first one published, the others computed from the rule.
VECTORS = [
    ("secret", "1470820198", "123412", "5bd59fd62953a8059fb7eaba95720f66d19e4517"),
    ("secret", "1681221510", "abcdd22113", "f2c0276c1b0c6e464db624d3a3715ce494376a24"),
    ("secret", "1737451074", "947227", "4a724316c9928c66dc4b62252ae02f6c6e331afd"),
    (
        "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "1737451074",
        "947227",
        "da5790ae1d19168547b1e58567087b917772e9db",
    ),
    ("Secret", "1681221510", "abcdd22113", "0e7cc8104ea33f0caa019f72b6e41d3e283b296b"),
    (
        "secret",
        "1747121418250",
        "7503829353462121337",
        "eec1e42132ef83af3eb5a84771f928df13c2fcce",
    ),
]
VECTOR_IDS = ["published", "letters", "digits", "secret-first", "secret-between", "milliseconds"]
_vectors = pytest.mark.parametrize(
    ("secret", "timestamp", "nonce", "digest"), VECTORS, ids=VECTOR_IDS
)


def _outcome(
    members: dict[str, Any], secrets: Secrets = SECRETS, now_ms: int = NOW.unix_ms
) -> Verified | Refused:
    message = decode(VENDOR, json.dumps(members).encode())
    assert isinstance(message, Message)
    return verify(VENDOR, message, secrets, now_ms)


def _reason(members: dict[str, Any], secrets: Secrets = SECRETS) -> str | None:
    outcome = _outcome(members, secrets)
    return outcome.reason if isinstance(outcome, Refused) else None


def _is_stale(timestamp: object, now_ms: int = NOW.unix_ms) -> bool:
    outcome = _outcome(zego_members(Timestamp=timestamp), now_ms=now_ms)
    assert isinstance(outcome, Verified)
    return outcome.is_stale


@_vectors
def test_the_vectors_hold(secret: str, timestamp: str, nonce: str, digest: str) -> None:
    """The three texts prove each other, alone and in a whole body, and one more letter does not."""
    triple = {"Timestamp": timestamp, "Nonce": nonce, "Signature": digest}
    secrets: Secrets = {None: (secret.encode(),)}

    for members in (triple, {**ZEGO, **triple}):
        assert isinstance(_outcome(members, secrets), Verified)
        assert _reason(members, {None: (f"{secret}x".encode(),)}) == "proof-wrong"


@_vectors
def test_no_other_order_holds(secret: str, timestamp: str, nonce: str, digest: str) -> None:
    """Of the six orders of the three texts only the sorted one is the vector's."""
    for parts in itertools.permutations((secret, timestamp, nonce)):
        given = hashlib.sha1("".join(parts).encode(), usedforsecurity=False).hexdigest()
        members = {**ZEGO, "Timestamp": timestamp, "Nonce": nonce, "Signature": given}
        is_sorted = list(parts) == sorted(parts)
        assert (_reason(members, {None: (secret.encode(),)}) is None) == is_sorted
        assert (given == digest) == is_sorted


@pytest.mark.parametrize("algorithm", ["md5", "sha256", "sha512"])
def test_another_algorithm_proves_nothing(algorithm: str) -> None:
    """The right text under another hash is wrong."""
    text = b"".join(sorted((b"1795248000", b"947227", KEY.encode())))
    digest = hashlib.new(algorithm, text).hexdigest()

    assert _reason({**ZEGO, "Signature": digest}) == "proof-wrong"


@pytest.mark.parametrize("name", ["Signature", "Timestamp", "Nonce"])
@pytest.mark.parametrize("is_null", [False, True], ids=["missing", "null"])
def test_without_a_part_there_is_no_proof(name: str, *, is_null: bool) -> None:
    """All three must be there; a digest that is none is not a wrong one."""
    members = {**zego_members(), name: None} if is_null else zego_members(name)

    assert _reason(members) == "proof-missing"


def test_the_case_of_the_digest_does_not_matter() -> None:
    """Hex digits prove in either case, and an empty digest is none."""
    digest = zego_members()["Signature"]

    assert _reason({**ZEGO, "Signature": digest.upper()}) is None
    assert _reason({**ZEGO, "Signature": ""}) == "proof-missing"


@pytest.mark.parametrize("nonce", [947227, 7503829353462121337, 10**25, 1.5, "", " ", "\u623f"])
@pytest.mark.parametrize("timestamp", ["1795248000", 1795248000], ids=["text", "number"])
def test_numbers_are_signed_as_their_text_stands(nonce: object, timestamp: object) -> None:
    """Documented as text, but a number hashes by its digits as they were sent."""
    assert _reason(zego_members(Nonce=nonce, Timestamp=timestamp)) is None


@pytest.mark.parametrize(
    ("app", "secrets", "expected"),
    [
        ({"AppID": 7}, {"7": (b"1234",)}, None),
        ({"AppID": "7"}, {"7": (b"1234",)}, None),
        ({"AppId": 7}, {"7": (b"1234",)}, None),
        ({"AppId": "7"}, {"7": (b"new", b"1234")}, None),
        ({"AppId": "7"}, {"7": (b"1234", b"old")}, None),
        ({"AppID": 7}, {"7": (b"x",), None: (b"1234",)}, "proof-wrong"),
        ({"AppId": 7}, {"7": (b"x",), None: (b"1234",)}, "proof-wrong"),
        ({"AppID": 7, "AppId": 8}, {"7": (b"1234",), "8": (b"x",)}, None),
        ({"AppID": 7, "AppId": 8}, {"7": (b"x",), "8": (b"1234",)}, "proof-wrong"),
        ({"AppID": None, "AppId": 8}, {"8": (b"1234",), None: (b"x",)}, None),
        ({"AppID": 9}, {"7": (b"1234",)}, "unknown-app"),
        ({}, {"7": (b"1234",)}, "unknown-app"),
        ({"AppID": 9}, {"7": (b"x",), None: (b"1234",)}, None),
        ({}, {"7": (b"x",), None: (b"1234",)}, None),
        ({"AppID": [7]}, {"7": (b"1234",), "[7]": ()}, "unknown-app"),
    ],
    ids=repr,
)
def test_secrets_are_chosen_by_application(
    app: dict[str, object], secrets: Secrets, expected: str | None
) -> None:
    """By the AppID in either spelling, as number or text; an AppID with its own has no others."""
    assert _reason({**zego_members("AppID"), **app}, secrets) == expected


def test_an_old_spelling_does_not_choose_for_the_new_one() -> None:
    """What names the event is what chooses its secret: AppID where it is there, never AppId too.

    Else whoever has the secret of one application could speak for another.
    """
    secrets: Secrets = {None: (b"of-all",), "8": (KEY.encode(),)}

    assert _reason(zego_members(AppID=7, AppId=8), secrets) == "proof-wrong"


@pytest.mark.parametrize(
    ("after_ms", "is_stale"),
    [
        (0, False),
        (123, False),
        (600_000, False),
        (600_001, True),
        (-600_000, False),
        (-600_001, True),
        (10**15, True),
    ],
)
@pytest.mark.parametrize("timestamp", ["1795248000", 1795248000], ids=["text", "number"])
def test_the_window_is_ten_minutes_either_way(
    after_ms: int, timestamp: object, *, is_stale: bool
) -> None:
    """To the millisecond, both edges inside."""
    assert _is_stale(timestamp, SENT_MS + after_ms) == is_stale


ODD_TIMES = [
    1795248000.0,
    1795248000.5,
    True,
    False,
    [1795248000],
    {"s": 1795248000},
    "",
    "now",
    " 1795248000",
    "1795248000 ",
    "+1795248000",
    "-1795248000",
    "1795248000.0",
    "1_795_248_000",
    "0x6B017E00",
    "\u0661\u0667\u0669\u0665\u0662\u0664\u0668\u0660\u0660\u0660",
    "1795248000123",
    "01795248000123",
    -1795248000,
    1795248000123,
    10**30,
    -(10**30),
    "9" * 5000,
]


@pytest.mark.parametrize("timestamp", ODD_TIMES, ids=lambda value: repr(value)[:20])
def test_a_time_that_is_none_is_stale(timestamp: object) -> None:
    """Signed, therefore authentic; but nothing says that it was sent just now."""
    assert _is_stale(timestamp)


@pytest.mark.parametrize("text", ["01795248000", "001795248000", "0" + "9" * 9, "1" * 11])
def test_a_time_has_ten_digits(text: str) -> None:
    """Another number of them may have come from another signed value."""
    assert not _is_stale("1795248000")
    assert _is_stale(text)


@pytest.mark.parametrize(
    ("timestamp", "words"),
    [
        ("1795247000", "Timestamp lies 1000 s before the receipt"),
        ("1795249000", "Timestamp lies 999 s after the receipt"),
        ("soon", "Timestamp is no time in Unix seconds"),
        ("1795248000", ""),
    ],
)
def test_how_stale_it_is_is_told(timestamp: str, words: str) -> None:
    """Which clock is wrong, and by how much, is what an operator must know."""
    outcome = _outcome(zego_members(Timestamp=timestamp))

    assert isinstance(outcome, Verified)
    assert outcome.staleness == words


def test_what_is_not_proven_is_not_stale() -> None:
    """A wrong digest is refused whenever it comes."""
    assert _reason({**zego_members(Timestamp="1"), "Signature": "x"}) == "proof-wrong"


@given(
    timestamp=st.text(max_size=12) | st.integers() | st.integers().map(str),
    nonce=st.text(max_size=12) | st.integers(),
    key=st.text(max_size=9),
    now_ms=st.integers(0, 253_402_300_799_999),
)
def test_every_signed_message_verifies(
    timestamp: object, nonce: object, key: str, now_ms: int
) -> None:
    """Whatever the values, the secret and the clock are; another secret never does."""
    signed = (timestamp, nonce, key)
    parts = sorted((part if isinstance(part, str) else str(part)).encode() for part in signed)
    digest = hashlib.sha1(b"".join(parts), usedforsecurity=False).hexdigest()
    members = {"Timestamp": timestamp, "Nonce": nonce, "Signature": digest}

    rotated: Secrets = {None: (b"another secret", key.encode())}
    assert isinstance(_outcome(members, rotated, now_ms), Verified)
    assert _reason(members, {None: (b"another secret",)}) == "proof-wrong"


def test_through_a_whole_request() -> None:
    """A signed body is accepted; with one signed value changed it is refused."""
    assert accepted("zego", zego()).short_type == "PlayerStateChanged"
    for name, value in {"Nonce": "947228", "Timestamp": "1795248001", "Signature": "0"}.items():
        changed = json.dumps({**zego_members(), name: value}).encode()
        assert ask("zego", changed) == Refused("proof-wrong")
