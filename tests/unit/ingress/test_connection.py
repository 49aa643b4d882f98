"""The deadlines of a connection that are too long for a test in real time."""

import asyncio

from router.ingress.connection import Connection, State
from router.ingress.server import Listening, Server
from router.ingress.sources import Limits, Sources
from router.kafka.producer import partition_of
from router.observability import Metrics
from router.publish.publisher import Publisher
from router.routing import RouteTable
from tests.fakes import FakeKafka, in_fake_time

REQUEST = b"POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"


class Wire(asyncio.Transport):
    """A peer that only looks: what was written, and whether it was cut off."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 1)})
        self.written = b""
        self.is_cut_off = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep what is written."""
        self.written += bytes(data)

    def abort(self) -> None:
        """Remember it."""
        self.is_cut_off = True


def _server() -> Server:
    kafka, metrics = FakeKafka({}), Metrics()
    return Server(
        Listening(host="127.0.0.1", port=0),
        Sources([], Limits(max_body_bytes=1024, max_record_bytes=4096)),
        RouteTable(),
        Publisher(kafka.producer, partition_of, metrics, 4096),
        metrics,
    )


@in_fake_time
async def test_an_idle_connection_is_closed_after_75_s() -> None:
    """Between requests a connection may be silent for 75 s, and no longer."""
    loop, wire = asyncio.get_running_loop(), Wire()
    connection = Connection(_server(), loop)
    connection.connection_made(wire)
    began = loop.time()
    connection.data_received(REQUEST)
    assert wire.written.startswith(b"HTTP/1.1 404 ")
    assert connection.expires_at - began == 75.0

    connection.expired()
    assert wire.is_cut_off


@in_fake_time
async def test_the_first_bytes_of_a_later_head_begin_its_5_s() -> None:
    """The 75 s are for silence; a head that has begun has 5 s, like the first."""
    loop, wire = asyncio.get_running_loop(), Wire()
    connection = Connection(_server(), loop)
    connection.connection_made(wire)
    connection.data_received(REQUEST)
    began = loop.time()
    connection.data_received(b"POST /no")
    assert connection.state is State.HEAD
    assert connection.expires_at - began == 5.0
