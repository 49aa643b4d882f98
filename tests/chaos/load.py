"""`Load`: rooms that send numbered callbacks in order, each again until it is answered 200.

Design: raw bytes over kept-alive connections, one per room, in a thread of its own, so that what
breaks the service never waits for the load. The book is the list of attempts, and a file of them.
"""

import asyncio
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.chaos.callbacks import PATH, body_of, forged_body
from tests.chaos.checker import NO_ANSWER, OK, Attempt
from tests.fakes import passed

HOST: Final = "127.0.0.1"
ROOMS: Final = 200
_FORGED_EACH = 50
_LARGE_EACH = 8
_ANSWER_SECS = 10.0
_AGAIN_SECS = 0.1
_LOOK_SECS = 0.05
_END_SECS = 30.0


class Connection:
    """One kept-alive connection, made when it is needed."""

    def __init__(self, port: int) -> None:
        """Take where to connect to."""
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, body: bytes) -> tuple[float, int]:
        """Return the seconds from sending to the answer, and its status or `NO_ANSWER`."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(HOST, self._port)
        except OSError:
            return 0.0, NO_ANSWER
        began_at = time.monotonic()
        try:
            async with asyncio.timeout(_ANSWER_SECS):
                status = await self._exchange(*self._streams, body)
        except (OSError, EOFError, TimeoutError):
            self.close()
            status = NO_ANSWER
        return time.monotonic() - began_at, status

    def close(self) -> None:
        """Drop the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes
    ) -> int:
        head = f"POST {PATH} HTTP/1.1\r\nHost: chaos\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = answer.partition(b"content-length:")[2].partition(b"\r\n")[0]
        await reader.readexactly(int(length))
        if b"connection: close" in answer:
            self.close()
        return int(answer.split(b" ", 2)[1])


class Load:
    """The vendors' side; `start` it, and `stop` or `give_up` in the end."""

    def __init__(
        self,
        port: int,
        rate: float = 400.0,
        padding: int = 0,
        large_bytes: int = 0,
        rooms: int = ROOMS,
    ) -> None:
        """Take the service's port, events a second at most, and how many rooms send them.

        *padding* makes each event larger, *large_bytes* a few of them.
        """
        self.book: list[Attempt] = []
        self.accepted = 0
        self._port = port
        self._rate = rate
        self._padding = padding
        self._large_bytes = large_bytes
        self._rooms = rooms
        self._next_at = 0.0
        self._is_ending = self._is_over = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no more events; return when those under way are accepted, or given up in the end."""
        self._is_ending = True
        if self._thread.ident is not None:
            self._thread.join(_END_SECS)
        self.give_up()

    def give_up(self) -> None:
        """Send nothing more; return when the answers under way are there."""
        self._is_ending = self._is_over = True
        if self._thread.ident is not None:
            self._thread.join()

    def wait_accepted(self, more: int, within_secs: float = 60.0) -> None:
        """Return when *more* events than now are accepted.

        Raises:
            TimeoutError: Not in time.
        """
        goal, deadline = self.accepted + more, time.monotonic() + within_secs
        pause = threading.Event()
        while self.accepted < goal:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{goal - self.accepted} of {more} events not accepted in time")
            pause.wait(_LOOK_SECS)

    def write_book(self, path: Path) -> None:
        """Write the book, a line for each attempt."""
        write_book(path, self.book)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(self._rooms):
                group.create_task(self._room(number))

    async def _room(self, index: int) -> None:
        room, number = f"room-{index}", 0
        connection = Connection(self._port)
        while not self._is_ending:
            await self._turn()
            number += 1
            if (number + index) % _FORGED_EACH == 0:
                await self._send(connection, room, number, is_forged=True)
            while await self._send(connection, room, number) != OK and not self._is_over:
                await passed(_AGAIN_SECS)
        connection.close()

    async def _send(
        self, connection: Connection, room: str, number: int, *, is_forged: bool = False
    ) -> int:
        is_large = self._large_bytes and number % _LARGE_EACH == _LARGE_EACH - 1
        padding = self._large_bytes if is_large and room.endswith("7") else self._padding
        body = forged_body(room, number) if is_forged else body_of(room, number, padding)
        at = time.monotonic()
        secs, status = await connection.ask(body)
        self.accepted += status == OK
        self.book.append(
            Attempt(room=room, number=number, at=at, secs=secs, status=status, is_forged=is_forged)
        )
        return status

    async def _turn(self) -> None:
        """Wait for this event's time: the rate is that of all rooms together."""
        now = time.monotonic()
        at = max(now, self._next_at)
        self._next_at = at + 1 / self._rate
        await passed(at - now)


def write_book(path: Path, book: Sequence[Attempt]) -> None:
    """Write attempts as lines of JSON."""
    path.write_bytes(b"".join(msgspec.json.encode(attempt) + b"\n" for attempt in book))
