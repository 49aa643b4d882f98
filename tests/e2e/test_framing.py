"""HTTP that is malformed, unusual or truncated: what is refused, what is taken, what is stored."""

import itertools

import pytest

from tests.e2e.callbacks import RTC, rtc
from tests.e2e.conftest import Published
from tests.e2e.serving import Server
from tests.e2e.wire import Client, ask, chunked, head, post

pytestmark = pytest.mark.kafka

HOST = "Host: localhost"
FIRST = f"POST {RTC} HTTP/1.1"
BODY = rtc("malformed")
TAKEN_BODY = rtc("different")  # of the same length, but no event that must not be found
LENGTH = f"Content-Length: {len(BODY)}"
CHUNKED = "Transfer-Encoding: chunked"
CHUNKS = chunked(BODY)
SIZE = b"%x" % len(BODY)

_LENGTHS = ["+7", "-1", "0x7", "1e1", "", "\u0667", "7, 7", "7 7", "7;"]
_CODINGS = ["chunked, identity", "chunked, chunked", "identity, chunked", "chunke", "xchunked"]

MALFORMED = {
    "chunked-in-http-1.0": head(f"POST {RTC} HTTP/1.0", HOST, CHUNKED) + CHUNKS,
    "no-host": head(FIRST, LENGTH) + BODY,
    "two-hosts": head(FIRST, HOST, "Host: other", LENGTH) + BODY,
    "two-equal-hosts": head(FIRST, HOST, HOST, LENGTH) + BODY,
    "length-and-chunked": head(FIRST, HOST, LENGTH, CHUNKED) + CHUNKS,
    "chunked-and-length": head(FIRST, HOST, CHUNKED, LENGTH) + CHUNKS,
    "two-different-lengths": head(FIRST, HOST, LENGTH, "Content-Length: 7") + BODY,
    "two-equal-lengths": head(FIRST, HOST, LENGTH, LENGTH) + BODY,
    **{
        f"length-{length!a}": head(FIRST, HOST, f"Content-Length: {length}") + BODY
        for length in _LENGTHS
    },
    "space-before-colon": head(FIRST, HOST, "Transfer-Encoding : chunked") + CHUNKS,
    "space-in-name": head(FIRST, HOST, "X Y: 1", LENGTH) + BODY,
    "no-name": head(FIRST, HOST, ": 1", LENGTH) + BODY,
    "no-colon": head(FIRST, HOST, "X-No-Colon", LENGTH) + BODY,
    "folded": head(FIRST, HOST, "X: 1", " 2", LENGTH) + BODY,
    "folded-first": head(FIRST, " X: 1", HOST, LENGTH) + BODY,
    "cr-in-value": head(FIRST, HOST, "X: 1\r2", LENGTH) + BODY,
    "nul-in-value": head(FIRST, HOST, "X: 1\0002", LENGTH) + BODY,
    "nul-in-name": head(FIRST, HOST, "X\0: 1", LENGTH) + BODY,
    "bare-line-feeds": head(FIRST, HOST, LENGTH).replace(b"\r\n", b"\n") + BODY,
    "a-bare-line-feed": head(FIRST, HOST, "X: 1\nY: 2", LENGTH) + BODY,
    "utf-8-in-path": head(f"POST {RTC}é HTTP/1.1", HOST, LENGTH) + BODY,
    "space-in-path": head(f"POST {RTC} x HTTP/1.1", HOST, LENGTH) + BODY,
    "tls": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(160),
    "no-http": b"\x00\x01\x02\x03\r\n\r\n",
    "chunk-size-negative": head(FIRST, HOST, CHUNKED) + b"-1\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunk-size-no-number": head(FIRST, HOST, CHUNKED) + b"zz\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunk-size-prefixed": head(FIRST, HOST, CHUNKED) + b"0x" + CHUNKS,
    "chunk-size-then-line-feed": head(FIRST, HOST, CHUNKED) + CHUNKS.replace(b"\r\n", b"\n", 1),
    "line-feed-in-extension": head(FIRST, HOST, CHUNKED) + CHUNKS.replace(b"\r\n", b";a\nb\r\n", 1),
    "chunk-longer-than-its-size": head(FIRST, HOST, CHUNKED) + SIZE + b"\r\n" + BODY + CHUNKS,
    **{
        f"{name}-in-trailers": head(FIRST, HOST, CHUNKED) + CHUNKS[:-2] + line + b"\r\n\r\n"
        for name, line in {
            "length": b"Content-Length: 7",
            "coding": b"Transfer-Encoding: chunked",
        }.items()
    },
}

# The lists of statuses are those that the contract leaves open.
OTHER_REFUSALS = {
    "http-2.0": (head(f"POST {RTC} HTTP/2.0", HOST, LENGTH) + BODY, {505, 400}),
    "http-1.2": (head(f"POST {RTC} HTTP/1.2", HOST, LENGTH) + BODY, {505, 400}),
    "http-0.9": (head(f"POST {RTC} HTTP/0.9", HOST, LENGTH) + BODY, {505, 400}),
    "no-version": (head(f"POST {RTC}", HOST, LENGTH) + BODY, {505, 400}),
    "http-x": (head(f"POST {RTC} HTTP/x", HOST, LENGTH) + BODY, {505, 400}),
    "http-2-preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {505, 400}),
    "gzip-chunked": (head(FIRST, HOST, "Transfer-Encoding: gzip, chunked") + CHUNKS, {501, 400}),
    **{
        f"coding-{coding}": (head(FIRST, HOST, f"Transfer-Encoding: {coding}") + CHUNKS, {501, 400})
        for coding in _CODINGS
    },
    "coding-twice": (head(FIRST, HOST, CHUNKED, CHUNKED) + CHUNKS, {501, 400}),
    # As numbers these two are correct, and merely too large.
    "length-of-20-digits": (head(FIRST, HOST, f"Content-Length: {'9' * 20}") + BODY, {400, 413}),
    "chunk-size-overflow": (
        head(FIRST, HOST, CHUNKED) + b"F" * 17 + b"\r\n" + BODY + b"\r\n0\r\n\r\n",
        {400, 413},
    ),
    "value-of-9-kb": (head(FIRST, HOST, f"X: {'a' * 9000}", LENGTH) + BODY, {431, 400}),
    "name-of-9-kb": (head(FIRST, HOST, f"{'a' * 9000}: 1", LENGTH) + BODY, {431, 400}),
    "path-of-9-kb": (post(f"{RTC}?{'a' * 9000}", BODY), {431, 414, 400}),
    **{
        f"{number}-headers": (
            head(FIRST, HOST, *(f"X-{n}: 1" for n in range(number)), LENGTH) + BODY,
            {431, 400},
        )
        for number in (200, 10_000)
    },
}

TAKEN = {
    "length-07": (head(FIRST, HOST, f"Content-Length: 0{len(BODY)}"), False),
    "length-and-spaces": (head(FIRST, HOST, f"Content-Length:   {len(BODY)}  "), False),
    "chunked": (head(FIRST, HOST, CHUNKED), True),
    "tab-before-coding": (head(FIRST, HOST, "Transfer-Encoding:\tchunked"), True),
    "coding-in-capitals": (head(FIRST, HOST, "transfer-encoding: CHUNKED"), True),
    "value-not-utf-8": (head(FIRST, HOST, LENGTH, b"X: \xff\xfe"), False),
    "line-end-before-the-first-line": (b"\r\n" + head(FIRST, HOST, LENGTH), False),
    "many-cookies": (head(FIRST, HOST, LENGTH, *[f"Cookie: a={'x' * 2000}"] * 4), False),
    "broken-cookie": (head(FIRST, HOST, LENGTH, "Cookie: =;;==;a"), False),
    "upgrade-to-websocket": (
        head(
            FIRST,
            HOST,
            LENGTH,
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Version: 13",
        ),
        False,
    ),
    "upgrade-to-h2c": (
        head(
            FIRST,
            HOST,
            LENGTH,
            "Connection: Upgrade, HTTP2-Settings",
            "Upgrade: h2c",
            "HTTP2-Settings: AAMAAABkAAQAAP__",
        ),
        False,
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_http_is_answered_400_and_closed(server: Server, name: str) -> None:
    """One answer, a problem, and then the end: what follows cannot be trusted."""
    with Client(server.port) as client:
        answers = client.send(MALFORMED[name]).answers()

    assert [(answer.status, answer.reason) for answer in answers] == [(400, "malformed")]


@pytest.mark.parametrize("name", OTHER_REFUSALS)
def test_what_http_allows_to_refuse_is_refused_and_closed(server: Server, name: str) -> None:
    """Versions, codings and sizes beyond ours: a problem or no body, then the end."""
    request, statuses = OTHER_REFUSALS[name]
    with Client(server.port) as client:
        [answer] = client.send(request).answers()

    assert answer.status in statuses
    assert answer.body == b"" or answer.reason


def test_a_hundred_headers_are_too_many(server: Server) -> None:
    """More than a vendor ever sends is refused."""
    lines = (f"X-{number}: 1" for number in range(100))
    with Client(server.port) as client:
        [answer] = client.send(head(FIRST, HOST, *lines, LENGTH) + BODY).answers()

    assert answer.status in {431, 400}


def test_an_unknown_expectation_is_refused(server: Server) -> None:
    """An expectation that nobody can meet is answered 417, not taken as if it were absent."""
    answer = ask(server.port, head(FIRST, HOST, LENGTH, "Expect: foo") + TAKEN_BODY)

    assert answer.status == 417


def test_nothing_malformed_is_published(server: Server, published: Published) -> None:
    """None of these refused requests leaves an event, though each holds an authentic body."""
    refused = [*MALFORMED.values(), *(request for request, _ in OTHER_REFUSALS.values())]
    for request in refused:
        with Client(server.port) as client:
            client.send(request).answers()
    ask(server.port, post(RTC, rtc("well-formed")))

    events = published()

    assert "appId/well-formed" in events
    assert "appId/malformed" not in events


@pytest.mark.parametrize("name", TAKEN)
def test_unusual_http_is_taken(server: Server, name: str) -> None:
    """What HTTP allows, and what harms nobody, is no reason to lose an event."""
    lines, is_chunked = TAKEN[name]
    body = chunked(TAKEN_BODY[:9], TAKEN_BODY[9:]) if is_chunked else TAKEN_BODY

    answer = ask(server.port, lines + body)

    assert (answer.status, answer.body) == (200, b'{"code":0}')


def test_http_1_0_is_answered_and_closed(server: Server) -> None:
    """An old client gets its 200 and the end of the connection, with a Host or without."""
    for lines in ([HOST, LENGTH], [LENGTH]):
        with Client(server.port) as client:
            answers = client.send(head(f"POST {RTC} HTTP/1.0", *lines) + TAKEN_BODY).answers()

        assert [answer.status for answer in answers] == [200]


def test_a_body_in_100_000_chunks_is_taken(server: Server) -> None:
    """Chunks of one byte are a body as any other."""
    members = rtc("many-chunks", EventData=f'{{"RoomId":"room1","Filler":"{"x" * 100_000}"}}')
    chunks = chunked(*(members[at : at + 1] for at in range(len(members))))

    answer = ask(server.port, head(FIRST, HOST, CHUNKED) + chunks)

    assert answer.status == 200


@pytest.mark.parametrize("garbage", [b"x", b"garbage\r\n\r\n", b"{}", b"\x00\xff"])
def test_garbage_behind_a_request_ends_the_connection(
    server: Server, published: Published, garbage: bytes
) -> None:
    """What follows the body is a malformed request; a 200 before it means what it always does."""
    name = f"garbage-{garbage.hex()}"
    with Client(server.port) as client:
        *before, last = client.send(post(RTC, rtc(name)) + garbage + b"\r\n\r\n").answers()

    assert (last.status, last.reason) == (400, "malformed")
    assert [answer.status for answer in before] in ([], [200])
    assert not before or f"appId/{name}" in published()


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(
            head(FIRST, HOST, f"Content-Length: {len(rtc('truncated')) + 9}") + rtc("truncated"),
            id="shorter-than-its-length",
        ),
        pytest.param(
            head(FIRST, HOST, CHUNKED) + chunked(rtc("truncated"))[:-5], id="chunks-without-end"
        ),
        pytest.param(head(FIRST, HOST, LENGTH)[:-2], id="half-a-head"),
    ],
)
def test_a_truncated_request_is_never_accepted(
    server: Server, published: Published, request_: bytes
) -> None:
    """A client that stops in the middle and closes gets no 200, and no event comes of it."""
    with Client(server.port) as client:
        client.send(request_).half_close()
        answers = client.answers()
    ask(server.port, post(RTC, rtc("whole")))

    events = published()

    assert [answer.status for answer in answers] in ([], [400])
    assert "appId/whole" in events
    assert "appId/truncated" not in events


def test_a_request_cut_anywhere_is_the_same_request(server: Server) -> None:
    """How the bytes arrive in packets changes nothing."""
    request = post(RTC, rtc("cut"))
    cuts = [0, 1, 3, 4, 20, 40, request.index(b"\r\n\r\n") + 2, len(request) - 1, len(request)]
    with Client(server.port) as client:
        for start, end in itertools.pairwise(cuts):
            client.send(request[start:end])
            assert end == len(request) or client.is_silent(0.01)
        assert client.answer().status == 200
