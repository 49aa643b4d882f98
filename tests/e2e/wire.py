"""A client that speaks bytes: what it sends need not be HTTP, what it reads stays as it came.

A client library would mend or refuse much of what these tests send, and hide how a connection
ends. Every wait has a deadline.
"""

import json
import select
import socket
import struct
import time
from contextlib import suppress
from typing import Any, Self

from msgspec import Struct

HOST = "127.0.0.1"
# Not HOST: a connection to a port there that is still closed could be one to itself.
PEER = "127.0.0.2"
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER, on, 0 s: closing sends RST
_ENDS = (ConnectionResetError, BrokenPipeError)


class ClosedError(Exception):
    """The server closed the connection where an answer was expected."""


class Answer(Struct, frozen=True, kw_only=True):
    """One answer, an interim one (1xx) too; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    head: bytes
    body: bytes

    @property
    def raw(self) -> bytes:
        """Every byte of the answer."""
        return self.head + b"\r\n\r\n" + self.body

    @property
    def undated(self) -> bytes:
        """Every byte but the line `Date`, which alone may differ between equal answers."""
        lines = self.head.split(b"\r\n")
        kept = [line for line in lines if not line.lower().startswith(b"date:")]
        return b"\r\n".join(kept) + b"\r\n\r\n" + self.body

    @property
    def reason(self) -> str:
        """The member `reason` of a problem, once it is seen to be one."""
        assert self.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = json.loads(self.body)
        assert list(problem) == ["type", "title", "status", "reason"]
        assert problem["type"] == "about:blank"
        assert isinstance(problem["title"], str)
        assert problem["status"] == self.status
        reason = problem["reason"]
        assert isinstance(reason, str)
        return reason


class Client:
    """One connection; *address* is our end's, any of 127.0.0.0/8, so that peers differ."""

    def __init__(self, port: int, address: str = PEER) -> None:
        self.opened_at = time.monotonic()
        self._socket = socket.create_connection((HOST, port), 5.0, (address, 0))
        self._buffer = b""

    def __enter__(self) -> Self:
        """Return this, which is connected."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self._socket.close()

    def fileno(self) -> int:
        """Return the descriptor, for selectors."""
        return self._socket.fileno()

    def send(self, data: bytes) -> Self:
        """Send everything, or what the server takes before it closes."""
        self._socket.settimeout(5.0)
        with suppress(*_ENDS):  # an answer may have come before the end: reading tells
            self._socket.sendall(data)
        return self

    def half_close(self) -> None:
        """Tell the server that nothing more will come (FIN), and go on reading."""
        self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection with RST."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._socket.close()

    def answer(self, within_secs: float = 5.0, *, bodiless: bool = False) -> Answer:
        """Return the next answer; *bodiless*: as the one to HEAD, with a length but no body.

        Raises:
            ClosedError: The connection ended before the answer was whole.
            TimeoutError: Not whole within *within_secs*.
        """
        deadline = time.monotonic() + within_secs
        while b"\r\n\r\n" not in self._buffer:
            self._fill(deadline)
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        status, headers = _parse(head)
        length = 0 if bodiless or status < 200 else int(headers["content-length"])
        while len(self._buffer) < length:
            self._fill(deadline)
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Answer(status=status, headers=headers, head=head, body=body)

    def answers(self, within_secs: float = 5.0) -> list[Answer]:
        """Return every answer until the server closes.

        Raises:
            TimeoutError: The server does not close.
        """
        found: list[Answer] = []
        while True:
            try:
                found.append(self.answer(within_secs))
            except ClosedError:
                return found

    def is_closed(self, within_secs: float = 2.0) -> bool:
        """Return whether the server closes in time and sends nothing before that."""
        try:
            self._fill(time.monotonic() + within_secs)
        except ClosedError:
            return self._buffer == b""
        except TimeoutError:
            return False
        return False

    def is_silent(self, secs: float) -> bool:
        """Return whether for so long nothing comes and the connection stays open."""
        return not self._buffer and not select.select([self._socket], [], [], secs)[0]

    def receive(self) -> bytes:
        """Return what is there, empty at the end; for selectors that said there is something."""
        try:
            return self._socket.recv(65536)
        except _ENDS:
            return b""

    def _fill(self, deadline: float) -> None:
        self._socket.settimeout(max(0.001, deadline - time.monotonic()))
        data = self.receive()
        if not data:
            raise ClosedError
        self._buffer += data


def _parse(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    version, status, _ = first.split(" ", 2)
    assert version in {"HTTP/1.0", "HTTP/1.1"}
    pairs = [line.split(":", 1) for line in lines]
    headers = {name.lower(): value.strip() for name, value in pairs}
    assert len(headers) == len(pairs), f"a header is repeated: {head!r}"
    return int(status), headers


def head(*lines: str | bytes) -> bytes:
    """Return lines as a request's head, nothing added but the line ends."""
    encoded = (line.encode() if isinstance(line, str) else line for line in lines)
    return b"".join(line + b"\r\n" for line in encoded) + b"\r\n"


def post(path: str, body: bytes, *lines: str, method: str = "POST") -> bytes:
    """Return a well-formed request with the length of *body*, and further header *lines*."""
    first = f"{method} {path} HTTP/1.1"
    return head(first, "Host: localhost", f"Content-Length: {len(body)}", *lines) + body


def chunked(*parts: bytes) -> bytes:
    """Return the parts as a complete chunked body."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def ask(port: int, request: bytes, address: str = PEER, *, bodiless: bool = False) -> Answer:
    """Return the answer to one request on a connection of its own."""
    with Client(port, address) as client:
        return client.send(request).answer(bodiless=bodiless)
