"""ZEGO's cloud player: its digest, its spellings and encodings, its window and its nonces."""

import json
import time

import pytest

from tests.e2e.callbacks import (
    ZEGO,
    ZEGO_APP_SECRET,
    ZEGO_ENCODINGS,
    ZEGO_FIRST_SECRET,
    ZEGO_LAST_SECRET,
    ZEGO_ODD,
    ZEGO_REFUSED,
    ZEGO_SECRET,
    ZEGO_SPELLINGS,
    ZEGO_TOKEN,
    ZEGO_TYPES,
    Members,
    encoded,
    mark,
    player,
    renamed,
    upload,
    without,
    zego_signature,
    zego_signed,
    zego_signed_again,
)
from tests.e2e.conftest import Event, Events, Found
from tests.e2e.serving import Server
from tests.e2e.wire import ask, post

pytestmark = pytest.mark.kafka

_STRICT = "/callbacks/zego-strict"
_CREATED = "zego-cloud-player.PlayerCreated"
_UNRECOGNIZED = "zego-cloud-player.Unrecognized"

# Text that one decoding too many would change.
_URL = "https://media.example.com/a%2Fb%20c/1+1.mp4?sign=%7B%22x%22%7D&next=%252F"


def _send(server: Server, members: Members, path: str = ZEGO) -> int:
    return ask(server.port, post(path, encoded(members))).status


def _kinds(events: list[Event]) -> list[tuple[str, str | None]]:
    """Return each event's type, and its reason if it is not recognised."""
    return [(event["type"], event["data"].get("reason")) for event in events]


@pytest.mark.parametrize(
    ("secret", "timestamp", "nonce", "digest"),
    [
        ("secret", "1470820198", "123412", "5bd59fd62953a8059fb7eaba95720f66d19e4517"),
        ("secret", "1681221510", "abcdd22113", "f2c0276c1b0c6e464db624d3a3715ce494376a24"),
        ("Secret", "1681221510", "abcdd22113", "0e7cc8104ea33f0caa019f72b6e41d3e283b296b"),
    ],
)
def test_these_tests_sign_as_the_vendor_does(
    secret: str, timestamp: str, nonce: str, digest: str
) -> None:
    """The first vector is the vendor's own; the others tell sorting from a fixed order."""
    assert zego_signature(timestamp, nonce, secret) == digest


def test_a_player_arrives_as_one_event(server: Server, found: Found) -> None:
    """Every attribute, every value of the content, the key and the headers."""
    name = mark("player")
    assert (
        _send(server, zego_signed(player(name, PlayerName="one", New={"aB": [{"CD": 1}]}))) == 200
    )

    (record,) = found(name)
    event = json.loads(record.value or b"")

    assert record.topic.endswith(".callbacks.zego-cloud-player.PlayerCreated")
    assert record.key == f"123456789/{name}".encode()
    assert record.headers["content-type"] == b"application/cloudevents+json; charset=UTF-8"
    assert record.headers["event_id"] == event["id"].encode()
    assert record.headers["event_source"] == b"/callbacks/zego"
    assert record.headers["event_type"] == _CREATED.encode()
    assert record.headers["traceparent"] == event.pop("traceparent").encode()
    assert len(event.pop("id")) == 32
    assert event.pop("recordedtime") > "2026"
    assert event == {
        "specversion": "1.0",
        "source": "/callbacks/zego",
        "type": _CREATED,
        "subject": f"123456789/{name}",
        "time": "2023-04-11T13:58:30.034Z",
        "datacontenttype": "application/json",
        "dataschema": f"urn:callback-router:{_CREATED}:1",
        "timebasis": "event",
        "idbasis": "natural",
        "data": {
            "app_id": 123456789,
            "room_id": "room_12",
            "player_id": name,
            "player_name": "one",
            "event_type": 1,
            "event_time": 1681221510034,
            "detail": {
                "create_time": 1681221508,
                "play_time": 1681221509,
                "max_idle_time": 30,
                "stream_url": "https://media.example.com/video/test.mp4",
            },
            "new": {"a_b": [{"cd": 1}]},
        },
    }


@pytest.mark.parametrize("type_", ZEGO_TYPES)
def test_every_documented_type_has_its_name(server: Server, events: Events, type_: str) -> None:
    """Players are about their PlayerId, uploads about their UploadTaskId."""
    name = mark("task")
    entity = "UploadTaskId" if type_.startswith("Upload") else "PlayerId"
    assert _send(server, zego_signed({**ZEGO_TYPES[type_], entity: name})) == 200

    (event,) = events(name)

    assert event["type"] == f"zego-cloud-player.{type_}"
    assert event["subject"] == f"123456789/{name}"
    assert event["timebasis"] == "event"
    assert event["data"]["detail"] == {
        {"PlayTime": "play_time"}.get(key, key.lower()): value
        for key, value in ZEGO_TYPES[type_]["Detail"].items()
    }


@pytest.mark.parametrize("name", ZEGO_SPELLINGS)
def test_spellings_make_no_other_event(server: Server, events: Events, name: str) -> None:
    """One occurrence has one id and one content, however its members are written."""
    plain = player(mark("spelled"))
    for members in (plain, ZEGO_SPELLINGS[name](plain)):
        assert _send(server, zego_signed(members)) == 200

    first, second = events(plain["PlayerId"])

    assert first["type"] == second["type"] == _CREATED
    assert (first["id"], first["subject"]) == (second["id"], second["subject"])
    assert first["time"] == second["time"]
    assert first["data"] == second["data"]


def test_another_occurrence_has_another_id(server: Server, events: Events) -> None:
    """Each member that names the occurrence makes it another one, and the room does not."""
    name = mark("named")
    others: list[Members] = [{"AppID": 5}, {"EventTime": 1681221510035}, {"Detail": {}}]
    for changes in ({}, {"RoomId": "names nothing"}, *others):
        assert _send(server, zego_signed(player(name, **changes))) == 200

    ids = [event["id"] for event in events(name)]

    assert (len(ids), len(set(ids))) == (5, 4)


@pytest.mark.parametrize("detail", [{}, None, "", ...], ids=["object", "null", "text", "missing"])
def test_an_empty_detail_is_no_defect(server: Server, events: Events, detail: object) -> None:
    """The Detail of a finished upload is empty, and that can be written in four ways."""
    members = upload(mark("upload"), Detail=detail)
    sent = without(members, "Detail") if detail is ... else members
    assert _send(server, zego_signed(sent)) == 200

    (event,) = events(members["UploadTaskId"])

    assert event["type"] == "zego-cloud-player.UploadDone"


@pytest.mark.parametrize("name", ZEGO_ENCODINGS)
def test_every_encoding_is_decoded_once(server: Server, events: Events, name: str) -> None:
    """Whatever type is declared: the content is the same, and no escape in a URL is touched."""
    members = player(mark("encoded"), Detail={"StreamUrl": _URL})
    for declared in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
        body = ZEGO_ENCODINGS[name](zego_signed(members))
        assert ask(server.port, post(ZEGO, body, f"Content-Type: {declared}")).status == 200

    found = events(members["PlayerId"])

    assert _kinds(found) == [(_CREATED, None)] * 3
    assert len({event["id"] for event in found}) == 1
    for event in found:
        assert event["data"]["app_id"] == 123456789
        assert event["data"]["event_time"] == 1681221510034
        assert event["data"]["detail"] == {"stream_url": _URL}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty-body"),
        *((body, "not-json") for body in (b"[]", b"null", b"%5B%5D", b"\xff\xfe", b"<a>1</a>")),
        *((body, "not-json") for body in (b'{"AppID":1', b"%7B", b"%", b"hello", b"&&", b"=")),
    ],
)
def test_what_no_decoding_makes_an_object_is_refused(
    server: Server, body: bytes, reason: str
) -> None:
    """There must be something to look for the proof in."""
    answer = ask(server.port, post(ZEGO, body))

    assert (answer.status, answer.reason) == (400, reason)


@pytest.mark.parametrize("path", [ZEGO, _STRICT])
@pytest.mark.parametrize("age_secs", [-590, 0, 590])
def test_ten_minutes_are_no_age(server: Server, events: Events, path: str, age_secs: int) -> None:
    """Within the window on either side a callback is an ordinary one."""
    name = mark("timely")
    assert _send(server, zego_signed(player(name), age_secs=age_secs), path) == 200

    assert _kinds(events(name)) == [(_CREATED, None)]


@pytest.mark.parametrize("age_secs", [-700, 700, 86_400 * 365])
@pytest.mark.parametrize("changes", [{}, {"EventType": 77}, {"Detail": 1}], ids=repr)
def test_outside_the_window_it_is_stale(
    server: Server, events: Events, age_secs: int, changes: Members
) -> None:
    """It is authentic, so it is kept whole, as nothing but stale whatever else it is."""
    members = player(mark("stale"), **changes)
    assert _send(server, zego_signed(members, age_secs=age_secs)) == 200

    (event,) = events(members["PlayerId"])

    assert _kinds([event]) == [(_UNRECOGNIZED, "stale")]
    assert (event["timebasis"], event["idbasis"]) == ("received", "content")
    assert event["data"]["body"] == members


@pytest.mark.parametrize("age_secs", [-700, 700])
def test_a_strict_source_refuses_what_is_stale(
    server: Server, events: Events, address: str, age_secs: int
) -> None:
    """With `on_stale: reject` the sender is told why, and nothing is published."""
    name = mark("rejected")
    body = encoded(zego_signed(player(name), age_secs=age_secs))

    answer = ask(server.port, post(_STRICT, body), address)

    assert (answer.status, answer.reason) == (401, "stale")
    assert events(name) == []


def test_a_reused_nonce_is_suspicious(server: Server, events: Events) -> None:
    """The digest fits any content: the first one and its retries have it, and no other."""
    first, other, later = mark("first"), mark("other"), mark("later")
    signed = zego_signed(player(first))
    for sent in (signed, {**signed, "PlayerId": other}, signed):
        assert _send(server, sent) == 200
    assert _send(server, zego_signed(player(later), nonce=signed["Nonce"], age_secs=9)) == 200

    original, retried = events(first)
    (suspicious,) = events(other)

    assert _kinds([original, retried, suspicious]) == [
        *[(_CREATED, None)] * 2,
        (_UNRECOGNIZED, "suspicious"),
    ]
    assert original["id"] == retried["id"]
    assert suspicious["data"]["body"] == player(other)
    assert _kinds(events(later)) == [(_CREATED, None)]  # short nonces meet, at another time


@pytest.mark.parametrize("name", ZEGO_REFUSED)
def test_what_is_not_proven_is_refused(
    server: Server, events: Events, address: str, name: str
) -> None:
    """The answer says whether the proof is missing or wrong, and nothing is published."""
    player_id = mark("forged")
    change, reason = ZEGO_REFUSED[name]

    answer = ask(server.port, post(ZEGO, encoded(change(zego_signed(player(player_id))))), address)

    assert (answer.status, answer.reason) == (401, reason)
    assert events(player_id) == []


@pytest.mark.parametrize(
    "written", ["{}0", "{}000", " {}", "{}\n", "+{}", "-{}", "1_{}", "{}.0", "{}e0", ""]
)
def test_a_send_time_is_ten_digits(
    server: Server, events: Events, address: str, written: str
) -> None:
    """Text that moved there from the nonce fits the digest too, so nothing else is trusted."""
    name = mark("moved")
    signed = zego_signed(player(name))
    body = encoded(zego_signed_again(signed, Timestamp=written.format(signed["Timestamp"])))

    status = ask(server.port, post(ZEGO, body), address).status
    strict = ask(server.port, post(_STRICT, body), address)

    assert {kind for kind, _ in _kinds(events(name))} <= {_UNRECOGNIZED}
    assert status in {200, 401}
    assert strict.status == 401


def test_a_digit_of_the_nonce_makes_no_other_proof(server: Server, events: Events) -> None:
    """What is hashed is the same text, but no time has eleven digits."""
    name, digits = mark("moved"), f"00{time.time_ns()}"
    signed = zego_signed(player("captured"), nonce=f"{digits}0")
    moved = {"PlayerId": name, "Nonce": digits, "Timestamp": f"0{signed['Timestamp']}"}
    assert _send(server, signed) == 200

    assert _send(server, {**signed, **moved}) == 200
    assert _kinds(events(name)) == [(_UNRECOGNIZED, "stale")]


@pytest.mark.parametrize("secret", [ZEGO_FIRST_SECRET, ZEGO_LAST_SECRET], ids=["first", "last"])
@pytest.mark.parametrize("nonce", ["0", "A", "z", "~~"])
def test_every_secret_proves_wherever_it_is_sorted(
    server: Server, events: Events, secret: str, nonce: str
) -> None:
    """Both secrets of a rotation, before, between or behind the others, in either case."""
    name = mark("rotated")
    signed = zego_signed(player(name), nonce=mark(nonce), secret=secret)
    for signature in (signed["Signature"], signed["Signature"].upper()):
        assert _send(server, {**signed, "Signature": signature}, "/callbacks/zego-rotated") == 200

    assert _kinds(events(name)) == [(_CREATED, None)] * 2


@pytest.mark.parametrize(
    ("app", "secret", "status", "reason"),
    [
        pytest.param(987654321, ZEGO_APP_SECRET, 200, None, id="number"),
        pytest.param("987654321", ZEGO_APP_SECRET, 200, None, id="text"),
        pytest.param("987654321", ZEGO_SECRET, 401, "proof-wrong", id="other-secret"),
        pytest.param(123456789, ZEGO_APP_SECRET, 401, "unknown-app", id="other-app"),
        pytest.param("987654321 ", ZEGO_APP_SECRET, 401, "unknown-app", id="blank-behind"),
        pytest.param(None, ZEGO_APP_SECRET, 401, None, id="no-app"),
    ],
)
def test_an_app_is_checked_against_its_own_secrets(
    server: Server, address: str, app: object, secret: str, status: int, reason: str | None
) -> None:
    """A secret that names an AppID proves callbacks of that one only, in both its spellings."""
    for name in ("AppID", "AppId"):
        members = renamed(player("app", AppID=app), "AppID", name)
        body = encoded(zego_signed(members, secret=secret))

        answer = ask(server.port, post("/callbacks/zego-apps", body), address)

        assert answer.status == status
        assert reason is None or answer.reason == reason


def test_a_token_is_needed_beside_the_proof(server: Server, events: Events, address: str) -> None:
    """Without the right token there is no such path; with it the digest decides."""
    name, path = mark("guarded"), "/callbacks/zego-guarded"
    good, bad = encoded(zego_signed(player(name))), encoded(player(name))
    asked = [(path, good), (f"{path}/{ZEGO_TOKEN}x", good), (f"{ZEGO}/{ZEGO_TOKEN}", good)]

    answers = [ask(server.port, post(*request), address) for request in asked]
    unproven = ask(server.port, post(f"{path}/{ZEGO_TOKEN}", bad), address)
    proven = ask(server.port, post(f"{path}/{ZEGO_TOKEN}", good), address)

    assert [(answer.status, answer.reason) for answer in answers] == [(404, "not-found")] * 3
    assert (unproven.status, unproven.reason) == (401, "proof-missing")
    assert proven.status == 200
    assert _kinds(events(name)) == [(_CREATED, None)]


@pytest.mark.parametrize("name", ZEGO_ODD)
def test_odd_but_authentic_callbacks_are_unrecognized(
    server: Server, events: Events, name: str
) -> None:
    """They are kept as they came, with the reason, and only their proof is left out."""
    changes, reason = ZEGO_ODD[name]
    members = player(mark("odd"), Title=mark(name)) | changes
    assert _send(server, zego_signed(members)) == 200

    (event,) = events(members["Title"])

    assert _kinds([event]) == [(_UNRECOGNIZED, reason)]
    assert (event["source"], event["timebasis"]) == ("/callbacks/zego", "received")
    assert event["data"]["body"] == members


@pytest.mark.parametrize("changes", [{}, {"EventType": 5}], ids=["recognized", "unrecognized"])
@pytest.mark.parametrize("encoding", ["json", "form", "percent"])
def test_no_proof_reaches_kafka(
    server: Server, found: Found, changes: Members, encoding: str
) -> None:
    """Neither the signature nor what it is made of, in no part of the record."""
    name = mark("proof")
    signed = zego_signed(player(name, **changes))
    body = ZEGO_ENCODINGS[encoding](signed)
    assert ask(server.port, post(ZEGO, body)).status == 200

    (record,) = found(name)
    written = repr(record).lower()

    for member in ("Signature", "Nonce", "Timestamp"):
        assert signed[member].lower() not in written
        assert f'"{member.lower()}"' not in written
