"""Nonces: a digest that comes again, with the same content and with another."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ingress.nonces import Nonces
from router.ingress.receive import Accepted, Instant, Request, receive
from router.ingress.sources import Head, Source
from router.routing import RouteTable
from router.vendors.decode import decode
from router.vendors.refusal import Refused
from router.vendors.spec import Message
from router.vendors.verify import Verified
from tests.sender import (
    LIMITS,
    LIVE_DETAIL,
    NOW,
    PATHS,
    SOURCES,
    caster,
    live,
    rtc,
    zego,
    zego_members,
)

WINDOW_MS = 1_200_000
ZEGO = SOURCES.by_name["zego"]


def _proven(body: bytes, source: str = "zego") -> Verified:
    vendor = SOURCES.by_name[source].vendor
    message = decode(vendor, body)
    assert isinstance(message, Message)
    return Verified(vendor, message)


def _zego(nonce: object = "947227", **changed: object) -> Verified:
    return _proven(zego(Nonce=nonce, **changed))


def _received(
    nonces: Nonces | None, body: bytes, source: Source = ZEGO, after_ms: int = 0
) -> Accepted | Refused:
    head = Head(method="POST", target=PATHS[source.name], address="192.0.2.1")
    now = Instant(NOW.unix_ms + after_ms, NOW.unique)
    return receive(source, Request(head=head, body=body), LIMITS, RouteTable(), now, nonces)


def _doubt(nonces: Nonces | None, body: bytes, source: Source = ZEGO, after_ms: int = 0) -> Any:
    outcome = _received(nonces, body, source, after_ms)
    assert isinstance(outcome, Accepted)
    return outcome.doubt


def test_the_same_content_again_is_a_retry() -> None:
    """As often as it comes, and whenever."""
    nonces = Nonces()

    assert [nonces.is_reused(_zego(), after) for after in (0, 0, 5000, WINDOW_MS)] == [False] * 4


def test_other_content_under_the_same_digest_is_a_reuse() -> None:
    """Each time, while the first content stays a retry."""
    nonces = Nonces()
    bodies = [_zego(), _zego(RoomId="r"), _zego(Detail={"Status": 5}), _zego(), _zego(RoomId="r")]

    assert [nonces.is_reused(body, 0) for body in bodies] == [False, True, True, False, True]


def test_another_digest_is_another_callback() -> None:
    """Equal contents with other nonces or times are not connected."""
    nonces = Nonces()
    bodies = [_zego("1"), _zego("2"), _zego("1", Timestamp="1795248001"), _zego("3", RoomId="r")]

    assert not any(nonces.is_reused(body, 0) for body in bodies)


@pytest.mark.parametrize(
    ("timestamp", "nonce"),
    [("947227", "1795248000"), ("17952480009", "47227"), ("1795248000947", "227")],
)
def test_digits_cannot_move_between_the_two_values(timestamp: str, nonce: str) -> None:
    """The digest covers them sorted and without a mark between, so digests are compared."""
    moved = zego_members(Timestamp=timestamp, Nonce=nonce, RoomId="other")
    assert moved["Signature"] == zego_members()["Signature"]
    nonces = Nonces()

    assert not nonces.is_reused(_zego(), 0)
    assert nonces.is_reused(_proven(json.dumps(moved).encode()), 0)


def test_the_case_of_a_digest_makes_no_other_one() -> None:
    """Hex digits prove in either case, so they are the same."""
    members = zego_members()
    upper = {**members, "Signature": members["Signature"].upper()}
    nonces = Nonces()

    assert not nonces.is_reused(_zego(), 0)
    assert nonces.is_reused(_proven(json.dumps({**upper, "RoomId": "r"}).encode()), 0)
    assert not nonces.is_reused(_proven(json.dumps(upper).encode()), 0)


def test_the_order_of_members_is_no_content() -> None:
    """A retry that was written in another order is a retry."""
    members = zego_members()
    nonces = Nonces()

    assert not nonces.is_reused(_zego(), 0)
    turned = dict(reversed(members.items()))
    assert not nonces.is_reused(_proven(json.dumps(turned).encode()), 0)


@pytest.mark.parametrize(
    ("after_ms", "is_reused"), [(0, True), (WINDOW_MS, True), (WINDOW_MS + 1, False)]
)
def test_a_digest_is_forgotten_after_the_window(after_ms: int, *, is_reused: bool) -> None:
    """Twice ten minutes after it came it is stale, whenever it was sent."""
    nonces = Nonces()
    nonces.is_reused(_zego(), NOW.unix_ms)

    assert nonces.is_reused(_zego(RoomId="r"), NOW.unix_ms + after_ms) == is_reused


def test_what_expires_makes_room_and_nothing_else_does() -> None:
    """Each digest has a time of its own."""
    nonces = Nonces()
    for index in range(5):
        nonces.is_reused(_zego(str(index)), index * 1000)

    now_ms = WINDOW_MS + 2000
    reused = [nonces.is_reused(_zego(str(index), RoomId="r"), now_ms) for index in range(5)]
    assert reused == [False, False, True, True, True]


def test_no_more_is_remembered_than_was_said() -> None:
    """The oldest goes first, and the youngest are still known."""
    nonces = Nonces(capacity=3)
    for index in range(10):
        assert not nonces.is_reused(_zego(str(index)), 0)
        assert len(nonces._seen) <= 3

    assert nonces.is_reused(_zego("9", RoomId="r"), 0)
    assert nonces.is_reused(_zego("8", RoomId="r"), 0)
    assert not nonces.is_reused(_zego("0", RoomId="r"), 0)


def test_a_retry_makes_no_room() -> None:
    """However often it comes while the memory is full, what came after the oldest is known."""
    nonces = Nonces(capacity=3)
    for index in range(3):
        nonces.is_reused(_zego(str(index)), 0)

    assert not any(nonces.is_reused(_zego("2"), 0) for _ in range(5))
    assert nonces.is_reused(_zego("1", RoomId="r"), 0)


OTHERS = {
    "rtc": ("rtc", rtc(), rtc(EventTime="2023-03-21T15:33:04+08:00")),
    "live": ("live", live(), live(detail={**LIVE_DETAIL, "session_id": "x"})),
    "studio": ("studio", caster("x", {}), caster("y", {})),
    "live-unsigned": ("live-unsigned", live(), live(stream="x")),
}


@pytest.mark.parametrize(("source", "first", "second"), OTHERS.values(), ids=OTHERS)
def test_other_vendors_are_not_touched(source: str, first: bytes, second: bytes) -> None:
    """A digest that covers the content, one that is shared, and none: nothing is remembered."""
    nonces = Nonces()

    assert not nonces.is_reused(_proven(first, source), 0)
    assert not nonces.is_reused(_proven(second, source), 0)
    assert nonces.is_reused(_zego(), 0) is False
    assert len(nonces._seen) == 1


def test_without_a_window_nothing_can_be_forgotten() -> None:
    """So nothing is remembered."""
    proven = _zego()
    vendor = msgspec.structs.replace(proven.vendor, window=None)
    nonces = Nonces()

    for _ in range(2):
        assert not nonces.is_reused(Verified(vendor, proven.message), 0)
    assert not nonces._seen


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, WINDOW_MS)), max_size=30
    )
)
def test_the_memory_is_a_list_of_what_came_first(
    arrivals: list[tuple[int, int, int]],
) -> None:
    """Against the plain rule: the first content within the window is the digest's own."""
    nonces = Nonces()
    first: dict[int, tuple[int, int]] = {}
    now_ms = 0
    for nonce, content, after_ms in arrivals:
        now_ms += after_ms
        if nonce in first and first[nonce][1] + WINDOW_MS < now_ms:
            del first[nonce]
        known = first.setdefault(nonce, (content, now_ms))
        proven = _zego(str(nonce), RoomId=str(content))
        assert nonces.is_reused(proven, now_ms) == (known[0] != content)


def test_a_reuse_is_published_as_suspicious() -> None:
    """Authentic by its digest, so never refused; what came first is an ordinary event."""
    nonces = Nonces()
    first, other = zego(), zego(Detail={"Status": 8})

    doubts = [_doubt(nonces, body) for body in (first, other, first, other)]
    assert doubts == [None, "suspicious", None, "suspicious"]
    outcome = _received(nonces, other)
    assert isinstance(outcome, Accepted)
    assert outcome.event.data["detail"] == "the same proof came before, with other content"
    assert [record.topic for record in outcome.records] == [
        "callbacks.zego-cloud-player.Unrecognized"
    ]


def test_suspicious_comes_before_what_the_content_says() -> None:
    """And behind stale."""
    nonces = Nonces()

    assert _doubt(nonces, zego(EventType=99)) == "unknown-type"
    assert _doubt(nonces, zego(EventType=98, Detail=[])) == "suspicious"
    assert _doubt(nonces, zego(Detail=[]), after_ms=600_000) == "stale"


def test_a_stale_one_is_not_remembered() -> None:
    """A copy that is too early must not make the genuine one suspicious."""
    nonces = Nonces()

    assert _doubt(nonces, zego(RoomId="copy"), after_ms=-700_000) == "stale"
    assert not nonces._seen
    assert _doubt(nonces, zego()) is None


def test_what_is_refused_is_not_remembered() -> None:
    """Neither what is not proven nor what a source refuses as stale."""
    nonces = Nonces()
    strict = msgspec.structs.replace(ZEGO, is_stale_refused=True)

    assert isinstance(_received(nonces, zego() + b"x"), Refused)
    forged = json.dumps({**zego_members(), "Nonce": "1"}).encode()
    assert _received(nonces, forged) == Refused("proof-wrong")
    assert isinstance(_received(nonces, zego(), strict, 700_000), Refused)
    assert not nonces._seen


def test_without_a_memory_each_one_is_the_first() -> None:
    """What `explain` shows of a body does not depend on what came before."""
    assert _doubt(None, zego()) is None
    assert _doubt(None, zego(RoomId="r")) is None
