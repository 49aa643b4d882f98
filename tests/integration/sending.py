"""Numbered callbacks as a vendor sends them: signed, timed, and sent again until they are taken."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Self

import aiohttp
from msgspec import Struct

from tests.cluster import Read, read_all
from tests.integration.command import PATHS
from tests.sender import rtc

TOPIC = "callbacks.volcengine-rtc.RoomCreate"
ROUND_SECS = 60.0

Number = tuple[str, int]


class Answer(Struct, frozen=True, kw_only=True):
    """What one attempt ended with; status 0 where there was no answer."""

    status: int
    seconds: float
    retry_after: str | None = None


class Vendor:
    """A sender with as many connections as it wants; `async with` it."""

    def __init__(self, url: str) -> None:
        """Take the service's URL without a path."""
        self.taken: set[Number] = set()
        self._url = f"{url}{PATHS['rtc']}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=ROUND_SECS),
        )

    async def __aenter__(self) -> Self:
        """Return this."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._session.close()

    async def send(self, room: str, number: int, more: str = "") -> Answer:
        """Send a callback once; remember it if the answer is 200. *more* makes it larger."""
        data = json.dumps({"RoomId": room, "Timestamp": 1679383924691, "More": more})
        began_at = time.monotonic()
        try:
            async with self._session.post(self._url, data=rtc(data, EventId=str(number))) as got:
                await got.read()
                seconds = time.monotonic() - began_at
        except (aiohttp.ClientError, ConnectionError):
            return Answer(status=0, seconds=time.monotonic() - began_at)
        if got.status == 200:
            self.taken.add((room, number))
        return Answer(
            status=got.status, seconds=seconds, retry_after=got.headers.get("Retry-After")
        )

    async def send_all(self, rooms: Iterable[str], numbers: Sequence[int]) -> list[Answer]:
        """Send every number to every room, all at once."""
        return await asyncio.gather(*(self.send(r, n) for r in rooms for n in numbers))

    async def insist(self, room: str, number: int) -> int:
        """Send a callback until it is answered 200; return how many attempts it took.

        Raises:
            TimeoutError: It is not taken within a minute.
        """
        attempts = 1
        async with asyncio.timeout(ROUND_SECS):
            while (await self.send(room, number)).status != 200:
                attempts += 1
        return attempts


async def arrived(servers: str, topic: str) -> dict[str, list[int]]:
    """Return the numbers of every room as they lie in Kafka, oldest first, doubles too."""
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for record in await asyncio.to_thread(read_all, servers, [topic]):
        room, number = _named(record)
        numbers[room].append(number)
    return numbers


def missing(taken: Iterable[Number], found: dict[str, list[int]]) -> set[Number]:
    """Return what was answered 200 and is not in Kafka."""
    return set(taken) - {(room, number) for room, numbers in found.items() for number in numbers}


def _named(record: Read) -> Number:
    event = json.loads(record.value or b"")
    assert record.key == event["subject"].encode()
    return event["data"]["room_id"], int(event["id"].removeprefix("appId/"))
