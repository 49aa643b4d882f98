"""Slow senders: a head has 5 s from connect, a body 2 s after it; idle connections live on."""

import selectors
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from msgspec import Struct

from tests.e2e.callbacks import RTC, rtc
from tests.e2e.conftest import Published, StartServer
from tests.e2e.serving import Server
from tests.e2e.wire import Client, ask, chunked, head, post

# The fixture below watches everything at once for as long as the longest deadline.
pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

HOST = "Host: localhost"
FIRST = f"POST {RTC} HTTP/1.1"
BODY = rtc("too-slow")
LENGTH = f"Content-Length: {len(BODY)}"
CHUNKED = "Transfer-Encoding: chunked"
CHUNKS = chunked(BODY[:50], BODY[50:])
WATCHED_SECS = 7.0
TICK_SECS = 0.1

# What is sent at once, and what follows byte by byte, too slowly.
HEADS = {
    "silent": (b"", b""),
    "half-a-head": (head(FIRST, HOST)[:-2], b""),
    "head-by-bytes": (b"", head(FIRST, HOST, f"X: {'a' * 1000}")),
    "line-ends-by-bytes": (b"", b"\r\n" * 500),
}
BODIES = {
    "no-body": (head(FIRST, HOST, LENGTH), b""),
    "half-a-body": (post(RTC, BODY)[:-20], b""),
    "body-by-bytes": (head(FIRST, HOST, LENGTH), BODY),
    "no-chunk": (head(FIRST, HOST, CHUNKED), b""),
    "chunks-without-end": (head(FIRST, HOST, CHUNKED) + CHUNKS[:-5], b""),
    "chunks-by-bytes": (head(FIRST, HOST, CHUNKED), CHUNKS),
    "expecting": (head(FIRST, HOST, LENGTH, "Expect: 100-continue"), b""),
}


class Ending(Struct, kw_only=True):
    """How a connection went on: what came, and when it ended, if it did."""

    started_at: float
    received: bytes = b""
    ended_after_secs: float | None = None


class _Watch:
    """Connections that are fed byte by byte, all watched at once."""

    def __init__(self) -> None:
        self.endings: dict[str, Ending] = {}
        self._selector = selectors.DefaultSelector()
        self._slow: dict[str, tuple[Client, bytes]] = {}

    def add(self, name: str, client: Client, *, at_once: bytes, slowly: bytes) -> None:
        """Send *at_once*, and *slowly* a byte per tick from now on."""
        client.send(at_once)
        self.endings[name] = Ending(started_at=time.monotonic())
        self._selector.register(client, selectors.EVENT_READ, (name, client))
        self._slow[name] = client, slowly

    def run(self, secs: float) -> None:
        """Feed and watch for so long."""
        end = time.monotonic() + secs
        tick = time.monotonic()
        while (now := time.monotonic()) < end:
            if now >= tick:
                self._feed()
                tick += TICK_SECS
            for key, _ in self._selector.select(max(0.0, tick - time.monotonic())):
                self._take(*key.data)

    def _feed(self) -> None:
        for name, (client, rest) in self._slow.items():
            if rest and self.endings[name].ended_after_secs is None:
                client.send(rest[:1])
                self._slow[name] = client, rest[1:]

    def _take(self, name: str, client: Client) -> None:
        ending = self.endings[name]
        data = client.receive()
        ending.received += data
        if not data:
            ending.ended_after_secs = time.monotonic() - ending.started_at
            self._selector.unregister(client)


class Watched(Struct, frozen=True, kw_only=True):
    """What came of all slow connections, and of others meanwhile and after them."""

    endings: dict[str, Ending]
    answered_secs: float
    status_after_idling: int


@pytest.fixture(scope="module")
def slow_server(start_server: StartServer) -> Server:
    """A server of this module's own."""
    return start_server({})


@pytest.fixture(scope="module")
def watched(slow_server: Server) -> Iterator[Watched]:
    """All slow connections of this module, watched together until every deadline has passed."""
    port = slow_server.port
    watch = _Watch()
    with ExitStack() as stack:
        for name, (at_once, slowly) in {**HEADS, **BODIES}.items():
            client = stack.enter_context(Client(port))
            watch.add(name, client, at_once=at_once, slowly=slowly)
        used = [stack.enter_context(Client(port)) for _ in range(2)]
        for client in used:
            assert client.send(post(RTC, rtc("in-time"))).answer().status == 200
        watch.add("second-head", used[0], at_once=head(FIRST, HOST)[:-2], slowly=b"")
        watch.add("idle", used[1], at_once=b"", slowly=b"")
        started_at = time.monotonic()
        assert ask(port, post(RTC, rtc("meanwhile"))).status == 200
        answered_secs = time.monotonic() - started_at
        watch.run(WATCHED_SECS)
        idle = used[1].send(post(RTC, rtc("after-idling"))).answer()
        yield Watched(
            endings=watch.endings, answered_secs=answered_secs, status_after_idling=idle.status
        )


def _is_timeout(received: bytes) -> bool:
    final = received.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    return final == b"" or (final.startswith(b"HTTP/1.1 408 ") and b'"reason":"timeout"' in final)


@pytest.mark.parametrize("name", [*HEADS, "second-head"])
def test_a_head_that_is_not_complete_in_5_s_ends_the_connection(
    watched: Watched, name: str
) -> None:
    """Not earlier, not much later, and however the bytes trickle in; 408, or no answer."""
    ending = watched.endings[name]

    assert ending.ended_after_secs is not None
    assert 4.9 <= ending.ended_after_secs <= 6.0
    assert _is_timeout(ending.received)


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_not_complete_in_2_s_ends_the_connection(
    watched: Watched, name: str
) -> None:
    """Counted from the end of the head, however the bytes trickle in; 408, or no answer."""
    ending = watched.endings[name]

    assert ending.ended_after_secs is not None
    assert 1.9 <= ending.ended_after_secs <= 3.0
    assert _is_timeout(ending.received)


def test_an_idle_connection_outlives_the_deadline_of_heads(watched: Watched) -> None:
    """Between requests a connection may rest longer than a head may take."""
    assert watched.endings["idle"].ended_after_secs is None
    assert watched.status_after_idling == 200


def test_slow_connections_do_not_delay_others(watched: Watched) -> None:
    """While many send slowly, an ordinary callback is answered as ever."""
    assert watched.answered_secs < 1.0


@pytest.mark.usefixtures("watched")
def test_what_came_too_slowly_is_not_published(published: Published) -> None:
    """A request that was ended by a deadline leaves no event."""
    events = published()

    assert "appId/in-time" in events
    assert "appId/too-slow" not in events


def test_slow_but_in_time_is_taken(slow_server: Server) -> None:
    """A head after 1.5 s and its body another 1.5 s later are within both deadlines."""
    body = rtc("slow-but-in-time")
    first, rest = post(RTC, body)[:20], head(FIRST, HOST, f"Content-Length: {len(body)}")[20:]
    with Client(slow_server.port) as client:
        client.send(first)
        assert client.is_silent(1.5)
        client.send(rest)
        assert client.is_silent(1.5)
        assert client.send(body).answer().status == 200
