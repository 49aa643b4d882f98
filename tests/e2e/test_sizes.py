"""Large bodies and expectations: refused before they are read, taken up to the last byte."""

import pytest

from tests.e2e.callbacks import RTC, STUDIO, rtc, studio
from tests.e2e.conftest import Published, StartServer
from tests.e2e.serving import Server
from tests.e2e.wire import Client, ask, chunked, head, post

pytestmark = pytest.mark.kafka

HOST = "Host: localhost"
FIRST = f"POST {RTC} HTTP/1.1"
EXPECT = "Expect: 100-continue"
CHUNKED = "Transfer-Encoding: chunked"
MAX_BYTES = 1024 * 1024


def _of_size(event_id: str, size: int) -> bytes:
    """Return an authentic body of exactly *size* bytes."""

    def filled(filler: int) -> bytes:
        return rtc(event_id, EventData=f'{{"RoomId":"room1","Filler":"{"x" * filler}"}}')

    return filled(size - len(filled(0)))


@pytest.mark.parametrize("size", [256 * 1024, MAX_BYTES - 1, MAX_BYTES])
def test_a_body_up_to_the_limit_is_taken(server: Server, published: Published, size: int) -> None:
    """A large event is an event: answered 200, and in Kafka."""
    answer = ask(server.port, post(RTC, _of_size(f"size-{size}", size)))

    assert answer.status == 200
    assert len(published()[f"appId/size-{size}"]["data"]["filler"]) > size - 1000


def test_a_chunked_body_of_the_limit_is_taken(server: Server) -> None:
    """The limit is that of the body, not of its chunks' framing."""
    body = _of_size("chunked-limit", MAX_BYTES)
    parts = [body[at : at + 1000] for at in range(0, MAX_BYTES, 1000)]

    assert ask(server.port, head(FIRST, HOST, CHUNKED) + chunked(*parts)).status == 200


@pytest.mark.parametrize("size", [MAX_BYTES + 1, 10_000_000, 10**15])
@pytest.mark.parametrize("lines", [[], [EXPECT]], ids=["plain", "expecting"])
def test_a_length_beyond_the_limit_is_answered_before_the_body(
    server: Server, size: int, lines: list[str]
) -> None:
    """413 comes though no byte of the body was sent, without `100 Continue`, and closes."""
    with Client(server.port) as client:
        client.send(head(FIRST, HOST, f"Content-Length: {size}", *lines))
        answers = client.answers(1.0)

    assert [(answer.status, answer.reason) for answer in answers] == [(413, "too-large")]


def test_a_chunked_body_is_answered_at_the_limit(server: Server, published: Published) -> None:
    """413 comes as soon as the limit is passed, while the body goes on."""
    with Client(server.port) as client:
        client.send(head(FIRST, HOST, CHUNKED))
        client.send(chunked(_of_size("over", MAX_BYTES + 1))[:-5])
        answers = client.answers(1.0)

    assert [(answer.status, answer.reason) for answer in answers] == [(413, "too-large")]
    assert "appId/over" not in published()


def test_a_whole_body_beyond_the_limit_is_answered_413(server: Server) -> None:
    """A client that does not wait, and sends everything at once, still reads the answer."""
    with Client(server.port) as client:
        answers = client.send(post(RTC, _of_size("over", MAX_BYTES + 1))).answers()

    assert [(answer.status, answer.reason) for answer in answers] == [(413, "too-large")]


def test_a_small_body_is_waited_for_with_100(server: Server) -> None:
    """A client that expects `100 Continue` gets it, and then its 200."""
    body = rtc("expecting")
    with Client(server.port) as client:
        client.send(head(FIRST, HOST, f"Content-Length: {len(body)}", EXPECT))
        interim = client.answer()
        final = client.send(body).answer()

    assert (interim.status, interim.body) == (100, b"")
    assert (final.status, final.body) == (200, b'{"code":0}')


@pytest.mark.parametrize(
    ("first_line", "line", "status"),
    [
        pytest.param("POST /nowhere HTTP/1.1", "X: 1", 404, id="unknown-path"),
        pytest.param(f"PUT {RTC} HTTP/1.1", "X: 1", 405, id="other-method"),
        pytest.param("POST /callbacks/guarded HTTP/1.1", "X: 1", 403, id="refused-address"),
        pytest.param(FIRST, "Content-Type: multipart/mixed", 415, id="media-type"),
    ],
)
def test_what_the_head_decides_needs_no_body(
    server: Server, first_line: str, line: str, status: int
) -> None:
    """A refusal for the head's sake comes at once, in place of `100 Continue`."""
    with Client(server.port) as client:
        client.send(head(first_line, HOST, "Content-Length: 300", line, EXPECT))

        assert client.answer(1.0).status == status


def test_the_limit_is_configured(start_server: StartServer) -> None:
    """`max_body_bytes` counts for every source, to the byte."""
    server = start_server({"max_body_bytes": "1KiB"})
    body = studio("x" * (1024 - len(studio(""))))

    assert ask(server.port, post(STUDIO, body)).status == 200
    assert ask(server.port, post(STUDIO, body + b" ")).status == 413
    assert ask(server.port, post(RTC, _of_size("configured", 1025))).status == 413
