"""Bodies: what is declared about them, what is JSON, and what an authentic one may hold."""

import gzip
import json

import pytest

from tests.e2e.callbacks import RTC, STUDIO, encoded, room_created, rtc, signature, signed, studio
from tests.e2e.conftest import Published
from tests.e2e.serving import Server
from tests.e2e.wire import ask, post

pytestmark = pytest.mark.kafka

_OBJECT = rtc("not-json")


def _with_raw(name: str, value: str) -> bytes:
    """Return an authentic body with one more member, whose value is raw text."""
    return rtc("raw-member")[:-1] + f',"{name}":{value}}}'.encode()


NOT_JSON = {
    "blanks": b" \r\n\t ",
    "cut-off": _OBJECT[:-1],
    "cut-in-a-string": _OBJECT[:-2],
    "trailing-text": _OBJECT + b" x",
    "trailing-comma": _OBJECT[:-1] + b",}",
    "two-documents": _OBJECT + _OBJECT,
    "null": b"null",
    "true": b"true",
    "number": b"1",
    "text": b'"x"',
    "array": b"[]",
    "array-of-callbacks": b"[" + _OBJECT + b"]",
    "utf-16": _OBJECT.decode().encode("utf-16"),
    "utf-16-without-mark": _OBJECT.decode().encode("utf-16-be"),
    "utf-32": _OBJECT.decode().encode("utf-32"),
    "invalid-utf-8": _OBJECT.replace(b"room1", b"room\xff"),
    "overlong-utf-8": _OBJECT.replace(b"room1", b"room\xc0\xaf"),
    "surrogate-in-utf-8": _OBJECT.replace(b"room1", b"room\xed\xa0\x80"),
    "lone-surrogate": _OBJECT.replace(b"aaBc", b"\\ud800"),
    "raw-nul": _OBJECT.replace(b"room1", b"room\0"),
    "raw-newline": _OBJECT.replace(b"room1", b"room\n"),
    "bad-escape": _OBJECT.replace(b"room1", b"room\\x"),
    "not-a-number": _with_raw("Extra", "NaN"),
    "infinity": _with_raw("Extra", "Infinity"),
    "leading-zero": _with_raw("Extra", "01"),
    "comment": _with_raw("Extra", "1/**/"),
    "single-quotes": b"{'EventType': 'RoomCreate'}",
    "nested-100000": _with_raw("Extra", "[" * 100_000 + "]" * 100_000),
    "nested-objects": b'{"a":' * 100_000,
    "two-byte-order-marks": b"\xef\xbb\xbf" * 2 + _OBJECT,
    "form": b"EventType=RoomCreate&Signature=1",
    "xml": b"<EventType>RoomCreate</EventType>",
}

# Named by event id. The raw member is none of those that are signed.
AUTHENTIC = {
    "byte-order-mark": b"\xef\xbb\xbf" + rtc("byte-order-mark"),
    "blanks-around": b" \r\n" + rtc("blanks-around") + b"\n",
    "spread-out": json.dumps(json.loads(rtc("spread-out")), indent=2).encode(),
    "other-order": encoded(dict(reversed(json.loads(rtc("other-order")).items()))),
    "escaped": rtc("escaped").replace(b"RoomCreate", b"\\u0052oomCreate"),
    "right-to-left": rtc("right-to-left", EventData='{"RoomId":"room\u202e1\u200b\u0430"}'),
    "unknown-fields": signed(room_created("unknown-fields"), New={"a": [1, None]}, Other=1.5),
    "unknown-in-data": rtc("unknown-in-data", EventData='{"RoomId":"r","New":{"aB":1}}'),
    "plain-names": signed(room_created("plain-names"), __proto__={}, __class__="x"),
    "large-number": signed(room_created("large-number"), New=2**64),
    "no-optional-field": rtc("no-optional-field", EventData='{"RoomId":"r"}'),
    "time-as-text": rtc("time-as-text", EventData='{"RoomId":"r","Timestamp":"1679383924691"}'),
    "template-text": rtc("template-text", EventData='{"RoomId":"../%s{0}${x} \'--"}'),
}

ODD = {
    "nul-in-id": (rtc("nul\0"), "bad-field"),
    "newline-in-id": (rtc("line\n"), "bad-field"),
    "return-in-id": (rtc("return\r"), "bad-field"),
    "escape-in-id": (rtc("\x1b[31m"), "bad-field"),
    "long-id": (rtc("long-" + "x" * 10_000), "bad-field"),
    "nul-in-room": (rtc("nul-room", EventData='{"RoomId":"\\u0000"}'), "bad-field"),
    "surrogate-in-data": (
        rtc("surrogate-in-data", EventData='{"RoomId":"\\ud800"}'),
        "bad-payload",
    ),
    "data-no-json": (rtc("data-no-json", EventData='{"RoomId":'), "bad-payload"),
    "data-no-object": (rtc("data-no-object", EventData="[1]"), "bad-payload"),
    "no-room": (rtc("no-room", EventData="{}"), "bad-field"),
    "unknown-type": (rtc("unknown-type-body", EventType="Brandnew"), "unknown-type"),
}


@pytest.mark.parametrize("path", [RTC, STUDIO])
def test_an_empty_body_is_refused(server: Server, path: str) -> None:
    """There is nothing to publish, signed or not, with a length or without."""
    with_length = ask(server.port, post(path, b""))
    without = ask(server.port, f"POST {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())

    assert (with_length.status, with_length.reason) == (400, "empty-body")
    assert (without.status, without.reason) == (400, "empty-body")


@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_no_json_object_is_refused(server: Server, name: str) -> None:
    """Where the proof is inside the body there must be an object to look into."""
    answer = ask(server.port, post(RTC, NOT_JSON[name]))

    assert (answer.status, answer.reason) in {
        (400, "not-json"),
        # Blanks alone may be called either.
        *([(400, "empty-body")] if name == "blanks" else []),
    }


def test_what_is_no_json_object_is_not_published(server: Server, published: Published) -> None:
    """None of the refused bodies leaves an event."""
    for body in NOT_JSON.values():
        ask(server.port, post(RTC, body))

    assert not {"appId/not-json", "appId/raw-member"} & published().keys()


@pytest.mark.parametrize("name", [name for name in NOT_JSON if name != "blanks"])
def test_where_the_path_is_the_proof_any_body_is_taken(server: Server, name: str) -> None:
    """The studio's callbacks are proven by their path: what is no JSON is published as it came."""
    assert ask(server.port, post(STUDIO, NOT_JSON[name])).status == 200


def test_authentic_bodies_are_recognized(server: Server, published: Published) -> None:
    """However the JSON is written, and whatever else it holds, the event is a RoomCreate."""
    statuses = {name: ask(server.port, post(RTC, body)).status for name, body in AUTHENTIC.items()}
    events = published()

    types = {name: events.get(f"appId/{name}", {}).get("type") for name in AUTHENTIC}
    assert statuses == dict.fromkeys(AUTHENTIC, 200)
    assert types == dict.fromkeys(AUTHENTIC, "volcengine-rtc.RoomCreate")


def test_odd_but_authentic_bodies_are_unrecognized(server: Server, published: Published) -> None:
    """What is authentic is never refused: it is published with the reason for its oddity."""
    before = published().keys()
    answers = {name: ask(server.port, post(RTC, body)) for name, (body, _) in ODD.items()}
    events = published()

    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(ODD, 200)
    new = [events[name] for name in events.keys() - before]
    assert sorted(event["data"]["reason"] for event in new) == sorted(
        reason for _, reason in ODD.values()
    )


def test_the_proven_value_of_a_repeated_key_is_the_used_one(
    server: Server, published: Published, address: str
) -> None:
    """A name sent twice cannot prove one value and publish the other."""
    first, last = room_created("twice-first"), room_created("twice-last")
    answers = {}
    for proven in (first, last):
        both = encoded({**first, "Signature": signature(proven)})
        body = both[:-1] + b',"EventId":"twice-last"}'
        answers[proven["EventId"]] = ask(server.port, post(RTC, body), address).status

    events = published()

    assert answers["twice-last"] == 200
    assert answers["twice-first"] in {200, 401}
    assert ("appId/twice-first" in events) == (answers["twice-first"] == 200)
    assert "appId/twice-last" in events


@pytest.mark.parametrize(
    "declared",
    [
        "Content-Type: application/json",
        "Content-Type: application/json; charset=UTF-8",
        "Content-Type: application/json; charset=utf-16",
        "Content-Type: text/plain",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: application/xml",
        "Content-Type: application/octet-stream",
        "Content-Type: nonsense",
        "Content-Type: application/multipart",
        "Content-Type:",
        "Content-Encoding: identity",
        "Content-Encoding: Identity",
        "X-No-Content-Type: 1",
    ],
)
def test_the_declared_type_is_not_trusted(server: Server, declared: str) -> None:
    """JSON is JSON, whatever a vendor's documents or libraries call it."""
    assert ask(server.port, post(RTC, rtc("declared"), declared)).status == 200
    assert ask(server.port, post(STUDIO, studio("declared"), declared)).status == 200


@pytest.mark.parametrize(
    "declared",
    [
        "Content-Type: multipart/form-data; boundary=x",
        "Content-Type: multipart/mixed",
        "Content-Type: Multipart/Form-Data",
        "Content-Encoding: gzip",
        "Content-Encoding: GZIP",
        "Content-Encoding: x-gzip",
        "Content-Encoding: deflate",
        "Content-Encoding: br",
        "Content-Encoding: zstd",
        "Content-Encoding: gzip, gzip",
        "Content-Encoding: identity, gzip",
        "Content-Encoding: nonsense",
    ],
)
@pytest.mark.parametrize("path", [RTC, STUDIO])
def test_other_media_types_and_encodings_are_refused(
    server: Server, published: Published, declared: str, path: str
) -> None:
    """A form of files, or anything encoded, is refused: though the body be plain and authentic."""
    plain = ask(server.port, post(path, rtc("undeclared"), declared))
    zipped = ask(server.port, post(path, gzip.compress(rtc("undeclared")), declared))

    assert (plain.status, plain.reason) == (415, "media-type")
    assert (zipped.status, zipped.reason) == (415, "media-type")
    assert path == STUDIO or "appId/undeclared" not in published()


def test_a_bomb_is_not_inflated(server: Server) -> None:
    """A body that would inflate to 200 MB is refused by its header."""
    bomb = gzip.compress(b"0" * 200_000_000, compresslevel=1)[:1_000_000]

    answer = ask(server.port, post(RTC, bomb, "Content-Encoding: gzip"))

    assert (answer.status, answer.reason) == (415, "media-type")
