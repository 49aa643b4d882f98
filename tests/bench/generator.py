"""A load generator of our own, where wrk is missing: raw sockets, one request at a time on each.

    python -m tests.bench.generator HOST PORT TARGET CONNECTIONS SECS BODIES

Prints one line of JSON, the same as `wrk.lua`: `tests.bench.load.Answers`.
"""

import asyncio
import itertools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.bench.load import Answers

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_OK = b"HTTP/1.1 200 "
_HEAD_END = b"\r\n\r\n"


class Tally:
    """What came back until the end of the time; later answers do not count."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.latencies_secs: list[float] = []
        self.failures = 0
        self.is_over = False


class Caller(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the last one is whole."""

    def __init__(self, requests: Iterator[bytes], tally: Tally) -> None:
        """Take the requests of all connections, and where to count."""
        self._requests = requests
        self._tally = tally
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for `call`."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def call(self) -> None:
        """Send the next request."""
        assert self._transport is not None
        self._sent_at = self._loop.time()
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        """Count the answer once it is whole."""
        self._received += data
        head, end, body = self._received.partition(_HEAD_END)
        length = _LENGTH.search(head)
        if not end or (length is not None and len(body) < int(length[1])):
            return
        self._received = b""
        if self._tally.is_over:
            return
        self._tally.latencies_secs.append(self._loop.time() - self._sent_at)
        if not head.startswith(_OK):
            self._tally.failures += 1
        self.call()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a connection that the server has closed."""
        del exc
        if not self._tally.is_over:
            self._tally.failures += 1


async def load(
    address: tuple[str, int], connections: int, secs: float, requests: Iterator[bytes]
) -> Answers:
    """Return what *connections* got in *secs*, all of them connected before the time begins.

    Raises:
        OSError: The server does not take a connection.
    """
    loop = asyncio.get_running_loop()
    tally = Tally()
    callers = [
        (await loop.create_connection(lambda: Caller(requests, tally), *address))[1]
        for _ in range(connections)
    ]
    began = loop.time()
    ended = loop.create_future()
    loop.call_later(secs, ended.set_result, None)
    for caller in callers:
        caller.call()
    await ended
    tally.is_over = True
    latencies = sorted(tally.latencies_secs) or [0.0]
    return Answers(
        requests=len(tally.latencies_secs),
        secs=loop.time() - began,
        p50_ms=latencies[len(latencies) // 2] * 1e3,
        p99_ms=latencies[len(latencies) * 99 // 100] * 1e3,
        failures=tally.failures,
    )


def request(host: str, target: str, body: bytes) -> bytes:
    """Return the bytes of one request."""
    head = (
        f"POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def main(arguments: list[str]) -> None:
    """Load the server and print the figures."""
    host, port, target, connections, secs, bodies = arguments
    lines = Path(bodies).read_bytes().splitlines()
    requests = itertools.cycle([request(f"{host}:{port}", target, body) for body in lines])
    answers = asyncio.run(load((host, int(port)), int(connections), float(secs), requests))
    sys.stdout.write(msgspec.json.encode(answers).decode() + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
