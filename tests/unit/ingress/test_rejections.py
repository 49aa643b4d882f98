"""The last refusals: bounded in number, rate and size, and free of anything secret."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ingress.receive import Request
from router.ingress.rejections import (
    HIDDEN,
    KEPT_PER_SEC,
    MAX_EXAMINED_BYTES,
    MAX_NAMES,
    MAX_SHOWN,
    Rejection,
    Rejections,
    Shown,
    shown_of,
)
from router.ingress.server import Listening, Server
from router.ingress.sources import Head, Source, Sources
from router.kafka.producer import hash_of
from router.observability import Metrics
from router.publish.publisher import Publisher
from router.routing import RouteTable
from router.vendors import vendors
from router.vendors.refusal import Reason, Refused
from tests.fakes import FakeKafka
from tests.sender import LIMITS, PATHS, SIGNATURE, SOURCES, TOKEN, VECTOR, rtc

WRONG = Refused("proof-wrong")
LIVE = Source(name="live", vendor=vendors()["volcengine-live"], secrets={None: (b"live-key",)})
ZEGO = Source(name="zego", vendor=vendors()["zego-cloud-player"], secrets={None: (b"zego-key",)})


def _shown(body: Any, source: Source = SOURCES.by_name["rtc"], refused: Refused = WRONG) -> Shown:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    return shown_of(refused, encoded, source, Sources([*SOURCES.by_name.values(), source], LIMITS))


def _rejection(number: int, reason: Reason = "proof-wrong", source: str = "rtc") -> Rejection:
    return Rejection(time=str(number), source=source, address="192.0.2.1", reason=reason)


def _times(rejections: Rejections) -> list[str]:
    return [kept.time for kept in rejections.report().rejections]


def test_the_last_ones_are_kept() -> None:
    """In order, so many of them; all are counted."""
    rejections = Rejections(kept=3)
    for number in range(5):
        assert rejections.admits("rtc", "proof-wrong", number)
        rejections.keep(_rejection(number))

    assert _times(rejections) == ["2", "3", "4"]
    assert (rejections.report().refused, rejections.report().not_kept) == (5, 0)


def test_a_flood_does_not_hide_what_is_rare() -> None:
    """The most frequent kind of refusal gives way, not the oldest one."""
    rejections = Rejections(kept=3)
    rejections.keep(_rejection(0))
    for number in range(1, 10):
        rejections.keep(_rejection(number, "not-found", ""))

    assert _times(rejections) == ["0", "8", "9"]


def test_no_more_than_so_many_a_second_are_looked_at() -> None:
    """Those beyond are counted as not kept; a flood of one kind takes nothing from another."""
    rejections = Rejections()
    admitted = sum(rejections.admits("zego", "not-json", 100.0) for _ in range(50))
    assert admitted == KEPT_PER_SEC
    assert rejections.admits("zego", "proof-wrong", 100.0)
    assert rejections.admits("rtc", "not-json", 100.0)
    assert rejections.admits("zego", "not-json", 101.0)

    assert (rejections.report().refused, rejections.report().not_kept) == (53, 40)


def test_the_report_is_readable_json() -> None:
    """What is encoded is what is decoded, by these names."""
    rejections = Rejections()
    rejections.admits("rtc", "proof-wrong", 0.0)
    rejections.keep(_rejection(7))

    assert json.loads(msgspec.json.encode(rejections.report())) == {
        "refused": 1,
        "not_kept": 0,
        "rejections": [
            {
                "time": "7",
                "source": "rtc",
                "address": "192.0.2.1",
                "reason": "proof-wrong",
                "shown": {
                    "hints": [],
                    "members": [],
                    "members_omitted": 0,
                    "type": "",
                    "app": "",
                },
            }
        ],
    }


def test_names_type_and_application_are_shown() -> None:
    """Of a body that can be decoded; no other value is."""
    shown = _shown({**VECTOR, "AppId": "65f1c0", "Signature": SIGNATURE})

    assert shown.members == (*VECTOR, "Signature")
    assert (shown.type, shown.app) == ("RoomCreate", "65f1c0")
    assert "room1" not in repr(shown)
    assert SIGNATURE not in repr(shown)


def test_other_vendors_show_theirs() -> None:
    """ZEGO's numbers and older spellings; Live's members inside of `data`, where its proof is."""
    zego = _shown({"AppId": 123, "EventType": 10001, "Signature": "x"}, ZEGO)
    live = _shown({"code": 0, "data": {"event_type": "push_start", "sign": "x"}}, LIVE)

    assert (zego.members, zego.type, zego.app) == (
        ("AppId", "EventType", "Signature"),
        "10001",
        "123",
    )
    assert live.members == ("code", "data", "data.event_type", "data.sign")
    assert (live.type, live.app) == ("push_start", "")


def test_what_cannot_be_decoded_shows_its_hints_only() -> None:
    """No JSON object, no names."""
    assert _shown(b"<xml>", refused=Refused("not-json", "why")) == Shown(hints=("why",))


def test_a_large_body_is_not_looked_at() -> None:
    """Only the refusal's own hint is kept: an attack must not cost more than it does."""
    body = json.dumps({**VECTOR, "Signature": "x", "More": "x" * MAX_EXAMINED_BYTES}).encode()

    assert _shown(body, refused=Refused("proof-wrong", "why")) == Shown(hints=("why",))


def test_names_are_bounded_and_printable() -> None:
    """So many, so long, and nothing that a terminal would act on."""
    names = [f"name{number}" for number in range(MAX_NAMES + 5)]
    shown = _shown({"\x1b[2J\u202e": 1, "x" * 500: 2, **dict.fromkeys(names, 3)})

    assert len(shown.members) == MAX_NAMES
    assert shown.members_omitted == 7
    assert shown.members[0] == "\\x1b[2J\\u202e"
    assert shown.members[1] == "x" * (MAX_SHOWN - 3) + "..."


@pytest.mark.parametrize(
    "telling",
    [
        SIGNATURE,
        SIGNATURE.upper(),
        f"x{SIGNATURE[:32]}",
        TOKEN,
        f"https://host/callbacks/studio/{TOKEN}",
        f"{'x' * 100}{TOKEN}",
        "1234",
        "aaBc",
        "see-1234-there",
    ],
)
@pytest.mark.parametrize("place", ["name", "type", "app"])
def test_what_tells_a_secret_is_hidden(place: str, telling: str) -> None:
    """A secret, a token, a digest or a value of the proof is not shown, wherever it was put."""
    places: dict[str, dict[str, object]] = {
        "name": {telling: 1},
        "type": {"EventType": telling},
        "app": {"AppId": telling},
    }
    shown = _shown({**VECTOR, "Signature": SIGNATURE, **places[place]})

    assert HIDDEN in (*shown.members, shown.type, shown.app)
    assert telling not in repr(shown)


def test_values_that_are_no_words_are_not_shown() -> None:
    """Type and application are text or whole numbers; anything else is nothing."""
    values: list[object] = [True, 1.5, None, [], {"a": 1}, 10**80]
    for value in values:
        shown = _shown({"EventType": value, "AppId": value})
        assert (shown.type, shown.app) == ("", "")


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.binary()
    | st.dictionaries(
        st.sampled_from(["EventType", "AppId", "AppID", "data", "Signature", "Nonce"]) | st.text(),
        JSON,
    ).map(lambda members: json.dumps(members).encode()),
    st.sampled_from([SOURCES.by_name["rtc"], LIVE, ZEGO]),
)
def test_anything_can_be_shown(body: bytes, source: Source) -> None:
    """Total over any body; everything shown is bounded and printable."""
    shown = _shown(body, source)

    for text in (*shown.members, shown.type, shown.app, *shown.hints):
        assert text.isprintable()
    assert all(len(text) <= MAX_SHOWN for text in (*shown.members, shown.type, shown.app))


def _server() -> Server:
    kafka, metrics = FakeKafka({}), Metrics()
    return Server(
        Listening(host="127.0.0.1", port=0),
        SOURCES,
        RouteTable(),
        Publisher(kafka.producer, hash_of, metrics, 4096),
        metrics,
    )


async def test_the_server_keeps_what_it_refuses() -> None:
    """With a body what may be shown of it, without one the refusal's hint, and no path."""
    server, source = _server(), SOURCES.by_name["rtc"]
    head = Head(method="POST", target=PATHS["rtc"], address="192.0.2.1")
    body = rtc().replace(b"room1", b"room2")

    refused = server.decide(source, server.routes, Request(head=head, body=body))
    assert isinstance(refused, Refused)
    server.count_refused(refused, "rtc", "192.0.2.1", 0.0, body)
    server.count_refused(Refused("not-found"), "", "192.0.2.2", 0.0)
    server.count_refused(Refused("media-type", "a multipart body"), "rtc", "192.0.2.3", 0.0)

    first, second, third = server.rejections.report().rejections
    assert (first.source, first.address, first.reason) == ("rtc", "192.0.2.1", "proof-wrong")
    assert (first.shown.type, first.shown.app) == ("RoomCreate", "appId")
    assert (second.source, second.reason, second.shown) == ("", "not-found", Shown())
    assert third.shown == Shown(hints=("a multipart body",))


async def test_a_scanner_does_not_hide_a_wrong_secret() -> None:
    """However many bodies without a proof come within a second, the wrong one is looked at."""
    server = _server()
    for _ in range(3 * KEPT_PER_SEC):
        server.count_refused(Refused("proof-missing"), "rtc", "192.0.2.9", 0.0, b"{}")
    server.count_refused(WRONG, "rtc", "192.0.2.1", 0.0, rtc())

    last = server.rejections.report().rejections[-1]
    assert (last.reason, last.shown.type) == ("proof-wrong", "RoomCreate")


async def test_a_source_that_is_gone_shows_nothing() -> None:
    """After a reload in between, the refusal is kept all the same."""
    server = _server()
    head = Head(method="POST", target=PATHS["rtc"], address="192.0.2.1")
    refused = server.decide(SOURCES.by_name["rtc"], server.routes, Request(head=head, body=b"{}"))
    assert isinstance(refused, Refused)
    server.replace(Sources([], LIMITS), RouteTable())

    server.count_refused(refused, "rtc", "192.0.2.1", 0.0, b"{}")

    (kept,) = server.rejections.report().rejections
    assert kept.shown == Shown(hints=(refused.hint,))
