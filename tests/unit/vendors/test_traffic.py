"""Simulated traffic: what each vendor would send is taken, and what others would is not."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import pytest

from router.clock import parse_rfc3339
from router.ingress.nonces import Nonces
from router.ingress.receive import Accepted, Instant, Request, receive
from router.ingress.sources import Head, Limits, Source
from router.routing import RouteTable
from router.tools.simulate import traffic_of
from router.vendors import vendors
from router.vendors.decode import decode
from router.vendors.fields import table_of
from router.vendors.refusal import Refused
from router.vendors.traffic import LEFT_OUT, Lives, Now, Simulated, Step, Traffic, filled
from router.vendors.volcengine_rtc.events import RecordStopped, SnapshotRealTimeData

NOW_MS = 1_795_248_000_123
KEY = b"1234"
LIMITS = Limits(max_body_bytes=1 << 20, max_record_bytes=2 << 20)
ODDITIES = 30
"""More than any vendor has."""

SOON = 400
"""So many callbacks show every type."""

_ZEGO_NUMBERS = ("AppID", "EventTime", "EventType")

TYPES = [(name, short_type) for name, vendor in vendors().items() for short_type in vendor.types]


def _traffic(vendor: str, seed: int) -> Traffic:
    return traffic_of(vendor, Random(seed), KEY)  # noqa: S311 - not for secrets


def _sent(vendor: str, seed: int, count: int) -> list[Simulated]:
    traffic = _traffic(vendor, seed)
    return [traffic.ordinary(NOW_MS + step) for step in range(count)]


def _outcome(
    vendor: str, simulated: Simulated, nonces: Nonces | None = None, later_ms: int = 500
) -> Accepted | Refused:
    """Return what becomes of it a moment later, at a source that holds the secret."""
    source = Source(name="any", vendor=vendors()[vendor], secrets={None: (KEY,)})
    head = Head(method="POST", target="/callbacks/any", address="192.0.2.1")
    request = Request(head=head, body=simulated.body)
    now = Instant(NOW_MS + later_ms, "0123456789abcdef" * 2)
    return receive(source, request, LIMITS, RouteTable(), now, nonces)


def _accepted(vendor: str, simulated: Simulated, nonces: Nonces | None = None) -> Accepted:
    outcome = _outcome(vendor, simulated, nonces)
    assert isinstance(outcome, Accepted), outcome
    return outcome


def _members(vendor: str, simulated: Simulated) -> dict[str, Any]:
    message = decode(vendors()[vendor], simulated.body)
    assert not isinstance(message, Refused)
    assert message.members is not None
    return message.members


@pytest.mark.parametrize("vendor", vendors())
def test_ordinary_traffic_is_understood(vendor: str) -> None:
    """Each callback is proven, recognised, and holds nothing that no document explains."""
    nonces = Nonces()
    for simulated in _sent(vendor, 1, 300):
        outcome = _accepted(vendor, simulated, nonces)
        assert (outcome.doubt, outcome.unknown_fields) == (None, 0)
        assert outcome.short_type == simulated.short_type
        assert (simulated.kind, simulated.has_token) == ("ordinary", True)


@pytest.mark.parametrize("vendor", vendors())
def test_ordinary_traffic_is_varied(vendor: str) -> None:
    """A while shows several types; what can be named has a new name each time."""
    outcomes = [_accepted(vendor, simulated) for simulated in _sent(vendor, 2, 300)]
    named = [outcome.event.id for outcome in outcomes if outcome.event.idbasis != "none"]

    assert len({outcome.short_type for outcome in outcomes}) >= 4
    assert len({outcome.event.subject for outcome in outcomes}) >= (vendor != "alibaba-caster") * 5
    assert len(set(named)) == len(named)


@pytest.mark.parametrize("vendor", vendors())
def test_ordinary_traffic_reaches_every_type(vendor: str) -> None:
    """Nobody has to ask for a type to see it soon."""
    for seed in (21, 22, 23):
        seen = {simulated.short_type for simulated in _sent(vendor, seed, SOON)}
        assert seen == set(vendors()[vendor].types)


@pytest.mark.parametrize("failure", ["UploadFailed", "UploadCancelFailed", "UploadAnomaly"])
def test_an_upload_seldom_fails(failure: str) -> None:
    """It does now and then; most are done."""
    sent = Counter(simulated.short_type for simulated in _sent("zego-cloud-player", 4, 1000))

    assert 0 < sent[failure] < 0.75 * sent["UploadDone"]


@pytest.mark.parametrize("vendor", vendors())
def test_two_runs_have_no_name_in_common(vendor: str) -> None:
    """What one run sent at a moment is not taken for a retry of what another one sent then."""
    ids = [
        {_accepted(vendor, simulated).event.id for simulated in _sent(vendor, seed, 100)}
        for seed in (7, 8)
    ]

    assert {len(found) for found in ids} == {100} or vendor == "alibaba-caster"
    assert not ids[0] & ids[1] or vendor == "alibaba-caster"


@pytest.mark.parametrize(("vendor", "short_type"), TYPES, ids=[" ".join(each) for each in TYPES])
def test_every_documented_type_is_there(vendor: str, short_type: str) -> None:
    """A callback of a given type is recognised as it, is complete, and told as of now."""
    traffic = _traffic(vendor, 9)
    for _ in range(10):
        simulated = traffic.of_type(short_type, NOW_MS)
        outcome = _accepted(vendor, simulated)

        assert (outcome.short_type, simulated.short_type) == (short_type, short_type)
        assert (outcome.doubt, outcome.unknown_fields) == (None, 0)
        assert outcome.event.timebasis in ("event", "envelope") or vendor == "alibaba-caster"
        time_ms = parse_rfc3339(outcome.event.time)
        assert time_ms is not None
        assert 0 <= NOW_MS + 500 - time_ms <= 1000


@pytest.mark.parametrize("vendor", vendors())
def test_the_oddities_are_taken(vendor: str) -> None:
    """What the documents allow is understood all the same, whatever it looks like."""
    traffic, nonces = _traffic(vendor, 10), Nonces()
    unknown = 0
    for _ in range(3 * ODDITIES):
        simulated = traffic.odd(NOW_MS)
        outcome = _accepted(vendor, simulated, nonces)
        unknown += outcome.unknown_fields
        assert (simulated.kind, simulated.has_token, outcome.doubt) == ("odd", True, None)
        assert outcome.short_type == simulated.short_type
    assert unknown > 0


@pytest.mark.parametrize("vendor", vendors())
def test_an_oddity_is_not_ordinary(vendor: str) -> None:
    """The bodies begin in several ways, and some of them are no plain JSON."""
    traffic = _traffic(vendor, 11)
    begins = {traffic.odd(NOW_MS).body[:4] for _ in range(ODDITIES)}

    assert len(begins) >= 3


@pytest.mark.parametrize("vendor", vendors())
def test_a_forgery_lacks_the_proof(vendor: str) -> None:
    """It is signed with something else, or it comes without the path's token."""
    traffic = _traffic(vendor, 3)
    for _ in range(20):
        forged = traffic.forgery(NOW_MS)
        outcome = _outcome(vendor, forged)

        assert forged.kind == "forgery"
        assert forged.short_type in vendors()[vendor].types
        if forged.has_token:
            assert isinstance(outcome, Refused)
            assert outcome.reason == "proof-wrong"
        else:
            assert isinstance(outcome, Accepted)


@pytest.mark.parametrize("vendor", vendors())
def test_an_unknown_type_is_proven(vendor: str) -> None:
    """It is authentic, so it is published as what nobody knows yet."""
    simulated = _traffic(vendor, 4).unknown(NOW_MS)

    assert simulated.kind == "unknown"
    assert simulated.short_type not in vendors()[vendor].types
    assert _accepted(vendor, simulated).doubt == "unknown-type"


@pytest.mark.parametrize("vendor", vendors())
def test_equal_chance_makes_equal_traffic(vendor: str) -> None:
    """A run can be repeated; another seed is another run."""
    assert _sent(vendor, 5, 20) == _sent(vendor, 5, 20) != _sent(vendor, 6, 20)


@pytest.mark.parametrize("vendor", vendors())
def test_what_is_repeated_much_later_is_still_no_forgery(vendor: str) -> None:
    """Ten minutes later, a vendor's last retry is inside its window."""
    simulated = _sent(vendor, 12, 1)[0]
    is_limit = vendor == "zego-cloud-player"  # its window is ten minutes; it retries at once

    outcome = _outcome(vendor, simulated, later_ms=599_000 if is_limit else 600_000)

    assert isinstance(outcome, Accepted)
    assert outcome.doubt is None


def _stories(vendor: str, member: str, count: int = 600) -> Iterator[list[str]]:
    """Yield the types that each entity went through, in their order."""
    by_entity: dict[str, list[str]] = {}
    for simulated in _sent(vendor, 13, count):
        entity = _accepted(vendor, simulated).event.data.get(member)
        by_entity.setdefault(str(entity), []).append(simulated.short_type)
    yield from by_entity.values()


def test_a_show_goes_on_to_its_end() -> None:
    """Progress grows until it is the whole length, then another show begins."""
    traffic = _traffic("alibaba-caster", 14)
    sent = (traffic.of_type("ShowListDTSCallback", NOW_MS) for _ in range(80))
    told = [json.loads(simulated.body)["EventMessage"] for simulated in sent]
    first = [message for message in told if message["ShowId"] == told[0]["ShowId"]]

    assert {type(message["ProgressTime"]) for message in told} == {str}
    assert [int(message["ProgressTime"]) for message in first[:3]] == [12_000, 24_000, 36_000]
    assert first[-1]["ProgressTime"] == first[-1]["Duration"] == "396847"
    assert len({message["ShowId"] for message in told}) == 3


def test_a_player_lives_from_its_creation_to_its_end() -> None:
    """It connects, plays, ends and is destroyed; uploads end well or not."""
    players = [
        story
        for story in _stories("zego-cloud-player", "player_id")
        if story[0].startswith("Player") and len(story) < 20
    ]
    uploads = {name for story in _stories("zego-cloud-player", "upload_task_id") for name in story}

    assert {story[0] for story in players} == {"PlayerCreated"}
    assert sum(story[-1] == "PlayerDestroyed" for story in players) >= 10
    assert any("PlayerAnomaly" in story for story in players)
    assert {"UploadDone", "UploadFailed", "UploadAnomaly", "UploadCancelFailed"} <= uploads


def test_zegos_time_is_text_and_its_nonce_new() -> None:
    """The send time is documented as text; no random value comes twice."""
    members = [_members("zego-cloud-player", each) for each in _sent("zego-cloud-player", 15, 1000)]

    assert {type(each["Timestamp"]) for each in members} == {str}
    assert len({each["Nonce"] for each in members}) == 1000


def test_zegos_uploads_write_their_numbers_as_text() -> None:
    """As the one example of an upload does; a player's are numbers, as in its example."""
    kinds = {
        (isinstance(each.get("UploadTaskId"), str), *(type(each[name]) for name in _ZEGO_NUMBERS))
        for each in (
            _members("zego-cloud-player", simulated)
            for simulated in _sent("zego-cloud-player", 15, 300)
        )
    }

    assert kinds == {(True, str, str, int), (False, int, int, int)}


def test_the_end_of_a_push_names_its_start() -> None:
    """Both have the same stream and the same sequence."""
    data = [_members("volcengine-live", each)["data"] for each in _sent("volcengine-live", 16, 300)]
    sequence = {
        word: {
            (each["vhost"], each["app"], each["stream"], each["detail"]["sequence_id"])
            for each in data
            if each["event_type"] == word
        }
        for word in ("push_start", "push_end")
    }

    assert len(sequence["push_end"]) >= 10
    assert sequence["push_end"] < sequence["push_start"]


def test_without_a_key_live_is_unsigned() -> None:
    """As where authentication is off at the vendor: then only the token is wrong in a forgery."""
    traffic = traffic_of("volcengine-live", Random(17), b"")  # noqa: S311 - not for secrets
    data = _members("volcengine-live", traffic.ordinary(NOW_MS))["data"]

    assert (data["sign"], data["t"]) == ("", 0)
    assert not traffic.forgery(NOW_MS).has_token


def test_rtcs_event_data_is_text_with_its_own_time() -> None:
    """It repeats the AppId where the documents show it, and never the envelope's version."""
    traffic = _traffic("volcengine-rtc", 18)
    data = {
        name: json.loads(_members("volcengine-rtc", traffic.of_type(name, NOW_MS))["EventData"])
        for name in vendors()["volcengine-rtc"].types
    }

    assert data["RoomCreate"].keys() == {"RoomId", "Timestamp"}
    assert data["RoomCreate"]["Timestamp"] == NOW_MS
    assert data["RecordStarted"] == {
        **data["RecordStarted"],
        "AppId": "65f1c0",
        "BusinessId": "demo",
        "Code": 0,
        "ErrorMessage": "",
    }
    assert "Timestamp" not in data["RecordStarted"]
    assert data["VoiceChat"]["EventTime"] == NOW_MS
    assert not any("Version" in each for each in data.values())


class _Quiet:
    """A vendor of which one story is told, and whose classes know of more."""

    def __init__(self) -> None:
        self.births = [self._story]
        self.asked: list[tuple[str, Mapping[str, Any], int]] = []

    def _story(self, now_ms: Now) -> Iterator[Step]:
        yield "Born", {"at": now_ms()}
        yield "Gone", {"at": now_ms()}

    def body(self, short_type: str, given: Mapping[str, Any], now_ms: int) -> bytes:
        """Note what was asked for."""
        self.asked.append((short_type, given, now_ms))
        return b"{}"

    odd = body

    def forgery(self, now_ms: int) -> Simulated:
        """Return nothing that matters."""
        raise NotImplementedError

    unknown = forgery


def test_a_type_that_no_story_tells_is_filled_from_its_class() -> None:
    """A new class can be asked for before a story knows it; what a story tells comes from there."""
    sender = _Quiet()
    traffic = Traffic(Random(25), sender)  # noqa: S311 - not for secrets

    traffic.of_type("Gone", 7)
    traffic.of_type("New", 8)

    assert sender.asked == [("Gone", {"at": 7}, 7), ("New", {}, 8)]


def _filled(event_class: Any, given: dict[str, Any]) -> dict[str, Any]:
    return filled(table_of(event_class), Random(19), given)  # noqa: S311 - not for secrets


def test_what_is_given_wins() -> None:
    """Also deep inside, also null, also what no document knows; the rest is drawn."""
    made = _filled(
        RecordStopped,
        {
            "RoomId": "room-1",
            "Code": None,
            "ErrorMessage": LEFT_OUT,
            "RecordFileList": [{"Vid": "v1", "ObjectKey": LEFT_OUT, "StreamList": None}],
            "Weather": "sunny",
        },
    )

    (file,) = made["RecordFileList"]
    assert (made["RoomId"], made["Code"], made["Weather"]) == ("room-1", None, "sunny")
    assert "ErrorMessage" not in made
    assert (file["Vid"], file["StreamList"], file["AudioCodec"]) == ("v1", None, "aac")
    assert "ObjectKey" not in file


def test_objects_and_lists_are_drawn_too() -> None:
    """What nobody gives comes from the examples of the classes inside."""
    (picture,) = _filled(SnapshotRealTimeData, {})["Data"]

    assert picture["Stream"]["UserId"] in {"user-41", "4398491447867063"}
    assert picture["VeImageXUri"] == "tos-x/room-7/0"


def test_a_life_that_ends_makes_way_for_another() -> None:
    """Each kind of story is always there once."""
    births: list[int] = []

    def life(now_ms: Now) -> Iterator[Step]:
        births.append(now_ms())
        yield "Born", {}
        yield "Gone", {}

    lives = Lives(Random(20), life)  # noqa: S311 - not for secrets

    told = [lives.next(now_ms)[0] for now_ms in range(5)]

    assert told == ["Born", "Gone", "Born", "Gone", "Born"]
    assert births == [0, 2, 4]
