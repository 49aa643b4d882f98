"""A connection by itself: deadlines too long for real time, and peers that are gone."""

import asyncio
import errno
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import pytest
from structlog.testing import capture_logs

from router.ingress.connection import Connection, State
from router.ingress.server import Listening, Server
from router.ingress.sources import Limits, Sources
from router.kafka.producer import hash_of
from router.observability import Metrics
from router.publish.publisher import Publisher
from router.record import Record
from router.routing import RouteTable
from tests.fakes import FakeKafka, in_fake_time, now, passed
from tests.sender import SOURCES, rtc

REQUEST = b"POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
LAST_REQUEST = REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
TOPIC = "callbacks.volcengine-rtc.RoomCreate"
GONE = OSError(errno.ENOTCONN, "Transport endpoint is not connected")
BUG = RuntimeError("a bug in answering")


class Wire(asyncio.Transport):
    """A peer that only looks: what was written, and whether it was cut off.

    Attributes:
        write_error: What `write` raises, if anything.
        eof_error: What `write_eof` raises, if anything.
        eofs: How often that was called.
        ended: Set when the connection ends, in either way.
    """

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 1)})
        self.written = b""
        self.is_cut_off = False
        self.write_error: Exception | None = None
        self.eof_error: Exception | None = None
        self.eofs = 0
        self.ended = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep what is written."""
        if self.write_error is not None:
            raise self.write_error
        self.written += bytes(data)

    def can_write_eof(self) -> bool:
        """Say yes, as TCP does."""
        return True

    def write_eof(self) -> None:
        """Count it."""
        self.eofs += 1
        self.ended.set()
        if self.eof_error is not None:
            raise self.eof_error

    def resume_reading(self) -> None:
        """Do nothing: the tests bring what is read."""

    def abort(self) -> None:
        """Remember it."""
        self.is_cut_off = True
        self.ended.set()


def _server(sources: Sources | None = None, topics: dict[str, int] | None = None) -> Server:
    kafka, metrics = FakeKafka(topics), Metrics()
    publisher = Publisher(kafka.producer, hash_of, metrics, kafka.max_request_bytes)
    publisher.learn(kafka.topics)
    server = Server(
        Listening(host="127.0.0.1", port=0),
        sources or Sources([], Limits(max_body_bytes=1024, max_record_bytes=4096)),
        RouteTable(),
        publisher,
        metrics,
    )
    server.answers.refresh(0.0)
    return server


def _connected(server: Server, **errors: Exception) -> tuple[Connection, Wire]:
    """Return a new connection and its peer, which fails with these errors."""
    connection, wire = Connection(server, asyncio.get_running_loop()), Wire()
    wire.write_error, wire.eof_error = errors.get("write"), errors.get("eof")
    connection.connection_made(wire)
    return connection, wire


def _callback(event_id: str) -> bytes:
    """Return a callback after which its sender wants the connection to end."""
    body = rtc(EventId=event_id)
    head = f"POST /callbacks/rtc HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


def _bugs(lines: Sequence[Mapping[str, object]]) -> list[object]:
    """Return the exceptions that were logged as a bug of ours."""
    return [line["exc_info"] for line in lines if line["event"] == "request_failed"]


@asynccontextmanager
async def _publishing() -> AsyncIterator[Server]:
    """A server whose publisher works; at the end it still does."""
    server = _server(SOURCES, {TOPIC: 1})
    running = asyncio.ensure_future(server.publisher.run())
    try:
        yield server
        durable = asyncio.Event()
        record = Record(topic=TOPIC, key=b"k", value=b"v", headers=())
        server.publisher.publish([record], durable.set)
        async with asyncio.timeout(10.0):
            await durable.wait()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


@in_fake_time
async def test_an_idle_connection_is_closed_after_75_s() -> None:
    """Between requests a connection may be silent for 75 s, and no longer."""
    loop = asyncio.get_running_loop()
    connection, wire = _connected(_server())
    began = loop.time()
    connection.data_received(REQUEST)
    assert wire.written.startswith(b"HTTP/1.1 404 ")
    assert connection.expires_at - began == 75.0

    connection.expired()
    assert wire.is_cut_off


@in_fake_time
async def test_the_first_bytes_of_a_later_head_begin_its_5_s() -> None:
    """The 75 s are for silence; a head that has begun has 5 s, like the first."""
    loop = asyncio.get_running_loop()
    connection, _ = _connected(_server())
    connection.data_received(REQUEST)
    began = loop.time()
    connection.data_received(b"POST /no")
    assert connection.state is State.HEAD
    assert connection.expires_at - began == 5.0


@in_fake_time
async def test_a_peer_is_known_by_its_address() -> None:
    """Bounds, `allow` and the count of failures go by it; its port changes with each connection."""
    connection, _ = _connected(_server())

    assert connection.peer == "192.0.2.1"


@in_fake_time
async def test_a_head_that_cannot_be_met_is_answered_once() -> None:
    """Its body, though it is whole, is looked at no more."""
    connection, wire = _connected(_server(SOURCES, {TOPIC: 1}))
    with capture_logs() as lines:
        connection.data_received(_callback("1").replace(b"Host: h", b"Host: h\r\nExpect: more"))

    assert wire.written.startswith(b"HTTP/1.1 417 ")
    assert wire.written.count(b"HTTP/1.1 ") == 1
    assert (connection.state, _bugs(lines)) == (State.CLOSING, [])


@in_fake_time
async def test_a_peer_that_is_gone_harms_nobody_when_it_is_refused() -> None:
    """The end of writing finds out that the peer went a moment ago: nothing is raised."""
    connection, wire = _connected(_server(), eof=GONE)

    connection.data_received(LAST_REQUEST)

    assert wire.written.startswith(b"HTTP/1.1 404 ")
    assert (wire.eofs, connection.state) == (1, State.CLOSING)
    connection.expired()
    assert wire.is_cut_off


@in_fake_time
async def test_a_peer_that_is_gone_harms_nobody_when_its_time_is_over() -> None:
    """The sweep of all connections goes on."""
    connection, wire = _connected(_server(), eof=GONE)
    connection.data_received(b"POST /no")

    connection.expired()

    assert wire.written.startswith(b"HTTP/1.1 408 ")
    assert (wire.eofs, connection.state) == (1, State.CLOSING)


@in_fake_time
async def test_a_peer_that_is_gone_harms_nobody_when_its_callback_is_durable() -> None:
    """The publisher, which tells it, goes on for all others."""
    async with _publishing() as server:
        connection, wire = _connected(server, eof=GONE)
        connection.data_received(_callback("1"))
        await asyncio.wait_for(wire.ended.wait(), 10.0)

    assert wire.written.startswith(b"HTTP/1.1 200 ")
    assert connection.state is State.CLOSING


@in_fake_time
async def test_stopping_waits_for_the_last_connection() -> None:
    """One that goes while another one's callback still comes does not end the wait."""
    server = _server(SOURCES, {TOPIC: 1})
    first, last = (_connected(server)[0] for _ in range(2))
    for number, connection in enumerate((first, last)):
        connection.data_received(_callback(str(number))[:-1])

    stopping = asyncio.ensure_future(server.stop(60.0))
    await passed(1.0)
    first.connection_lost(None)
    await passed(1.0)
    was_waiting = not stopping.done()
    last.connection_lost(None)
    began_at = now()
    await stopping

    assert was_waiting
    assert now() == began_at


@in_fake_time
async def test_a_bug_while_a_request_is_answered_ends_its_connection_only() -> None:
    """It is logged, and others are answered."""
    server = _server()
    connection, wire = _connected(server, write=BUG)
    with capture_logs() as lines:
        try:
            connection.data_received(REQUEST)
        except RuntimeError as error:  # asyncio ends the transport then, and says why
            wire.abort()
            connection.connection_lost(error)
    other, other_wire = _connected(server)
    other.data_received(REQUEST)

    assert _bugs(lines)[:1] == [BUG]
    assert (wire.is_cut_off, connection.state) == (True, State.GONE)
    assert other_wire.written.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize("sent", [b"POST /no", _callback("1")], ids=["half a head", "callback"])
@in_fake_time
async def test_a_bug_at_a_deadline_ends_its_connection_only(sent: bytes) -> None:
    """It is logged, and the sweep of all connections goes on."""
    connection, wire = _connected(_server(SOURCES, {TOPIC: 1}), write=BUG)
    connection.data_received(sent)
    with capture_logs() as lines:
        connection.expired()

    assert _bugs(lines) == [BUG]
    assert (wire.is_cut_off, connection.state) == (True, State.GONE)


@in_fake_time
async def test_a_bug_when_a_callback_is_durable_ends_its_connection_only() -> None:
    """It is logged, and the publisher goes on for all others."""
    with capture_logs() as lines:
        async with _publishing() as server:
            connection, wire = _connected(server, write=BUG)
            connection.data_received(_callback("1"))
            await asyncio.wait_for(wire.ended.wait(), 10.0)

    assert (_bugs(lines), connection.state) == ([BUG], State.GONE)


@in_fake_time
async def test_a_pipelined_callback_has_the_deadline_of_its_own_head() -> None:
    """It waits behind one that is never durable, and is answered 503 in time all the same."""
    loop = asyncio.get_running_loop()
    server = _server(SOURCES)
    connection, wire = _connected(server)
    sweeping = asyncio.ensure_future(server.sweep())
    began = loop.time()
    connection.data_received(_callback("1").replace(b"Connection: close\r\n", b"") + _callback("2"))
    async with asyncio.timeout(10.0):
        await wire.ended.wait()
    sweeping.cancel()

    assert wire.written.count(b"HTTP/1.1 503 ") == 2
    assert loop.time() - began < 3.5
