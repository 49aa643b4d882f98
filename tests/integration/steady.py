"""A steady stream of signed callbacks, half on kept connections and half each on its own."""

import asyncio
import json
import time
from collections.abc import Collection
from contextlib import suppress
from typing import Self

import aiohttp
from msgspec import Struct

from tests.cluster import read_all
from tests.integration.command import PATHS
from tests.sender import rtc

TOPIC = "callbacks.volcengine-rtc.RoomCreate"
_ROOMS = 20
_ANSWER_SECS = 10.0
_STORED_SECS = 30.0


class Sent(Struct, frozen=True, kw_only=True):
    """A callback that was sent once, and what came of it.

    Attributes:
        name: The event's id.
        began_at: Monotonic clock.
        seconds: Until the answer was whole, or the connection failed.
        status: Of the answer; 0 where there was none.
        connection: The answer's header `Connection`, in lower case.
        error: What failed where there was no answer.
    """

    name: str
    began_at: float
    seconds: float
    status: int = 0
    connection: str = ""
    error: str = ""


class Steady:
    """Sends from the beginning of the `async with` until `stop`, whatever the answers are."""

    def __init__(self, url: str, per_sec: int) -> None:
        """Take the service's URL without a path."""
        self.sent: list[Sent] = []
        self._begun = 0
        self._url = f"{url}{PATHS['rtc']}"
        self._pause_secs = 1 / per_sec
        self._stopped = asyncio.Event()
        self._group = asyncio.TaskGroup()
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECS)
        self._sessions = [
            aiohttp.ClientSession(connector=connector, timeout=timeout)
            for connector in (
                aiohttp.TCPConnector(limit=0),
                aiohttp.TCPConnector(limit=0, force_close=True),
            )
        ]

    async def __aenter__(self) -> Self:
        """Begin to send."""
        await self._group.__aenter__()
        self._group.create_task(self._send_all())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop, and wait for the last answers."""
        self.stop()
        await self._group.__aexit__(None, None, None)
        for session in self._sessions:
            await session.close()

    @property
    def durable(self) -> set[str]:
        """The names of what was answered 200."""
        return {sent.name for sent in self.sent if sent.status == 200}

    def stop(self) -> None:
        """Send no more; answers may still come."""
        self._stopped.set()

    async def wait_durable(self, count: int) -> None:
        """Wait until *count* more callbacks were answered 200.

        Raises:
            TimeoutError: They are not, in time.
        """
        wanted = len(self.durable) + count
        async with asyncio.timeout(_ANSWER_SECS):
            while len(self.durable) < wanted:
                await self._pause(asyncio.get_running_loop().time() + self._pause_secs)

    async def wait_sent(self, count: int) -> None:
        """Wait until *count* more callbacks are on their way.

        Raises:
            TimeoutError: They are not, in time.
        """
        wanted = self._begun + count
        async with asyncio.timeout(_ANSWER_SECS):
            while self._begun < wanted:
                await self._pause(asyncio.get_running_loop().time() + self._pause_secs)

    async def _send_all(self) -> None:
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while not self._stopped.is_set():
            self._group.create_task(self._send(self._begun))
            self._begun += 1
            next_at += self._pause_secs
            await self._pause(next_at)

    async def _pause(self, until: float) -> None:
        """Wait until a moment of the loop's clock, or for the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._stopped.wait()

    async def _send(self, number: int) -> None:
        data = json.dumps({"RoomId": f"room-{number % _ROOMS}", "Timestamp": 1679383924691})
        body, name = rtc(data, EventId=str(number)), f"appId/{number}"
        began_at = time.monotonic()
        try:
            async with self._sessions[number % 2].post(self._url, data=body) as answer:
                await answer.read()
        except (aiohttp.ClientError, OSError) as error:
            seconds = time.monotonic() - began_at
            self.sent.append(Sent(name=name, began_at=began_at, seconds=seconds, error=repr(error)))
            return
        self.sent.append(
            Sent(
                name=name,
                began_at=began_at,
                seconds=time.monotonic() - began_at,
                status=answer.status,
                connection=answer.headers.get("Connection", "").lower(),
            )
        )


async def stored(servers: str, topic: str, wanted: Collection[str]) -> list[str]:
    """Return the ids of the events in Kafka, one for each of its copies, once all *wanted* are.

    What waits in the spool of an instance comes later; after half a minute it is given up.
    """
    deadline = time.monotonic() + _STORED_SECS
    while True:
        found = await asyncio.to_thread(_stored, servers, topic)
        if set(wanted) <= set(found) or time.monotonic() > deadline:
            return found


def _stored(servers: str, topic: str) -> list[str]:
    return [json.loads(record.value or b"")["id"] for record in read_all(servers, [topic])]
