"""Peers that send much and take little: pipelines, half-closes, answers that nobody reads."""

import socket
from contextlib import suppress

import pytest

from tests.e2e.callbacks import RTC, forged, rtc
from tests.e2e.conftest import Published
from tests.e2e.serving import Server
from tests.e2e.wire import Client, post

pytestmark = pytest.mark.kafka

FLOOD_BYTES = 32 * 1024 * 1024


@pytest.mark.parametrize("count", [16, 17, 40])
def test_a_long_pipeline_of_refusals_is_answered_to_its_end(
    server: Server, address: str, count: int
) -> None:
    """What is refused at once does not leave the rest of a pipeline waiting."""
    with Client(server.port, address) as client:
        client.send(post(RTC, forged("pipelined")) * count)
        statuses = [client.answer().status for _ in range(count)]

    assert statuses == [401] * count


def test_a_pipeline_that_is_half_closed_is_answered_and_published(
    server: Server, published: Published, address: str
) -> None:
    """The end of what a peer sends is not the end of what it is owed."""
    names = [f"half-closed-{number}" for number in range(3)]
    with Client(server.port, address) as client:
        client.send(b"".join(post(RTC, rtc(name)) for name in names))
        client.half_close()
        statuses = [client.answer().status for _ in names]
        assert client.is_closed()

    assert statuses == [200, 200, 200]
    assert {f"appId/{name}" for name in names} <= published().keys()


def test_who_takes_no_answers_is_not_read(server: Server, address: str) -> None:
    """A peer that sends on without reading is blocked before its answers fill the memory."""
    request = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 1000
    sent = 0
    with socket.socket() as flood:
        flood.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        flood.bind((address, 0))
        flood.connect(("127.0.0.1", server.port))
        flood.settimeout(2.0)
        with suppress(TimeoutError):
            while sent < FLOOD_BYTES:
                sent += flood.send(request)

    assert sent < FLOOD_BYTES
