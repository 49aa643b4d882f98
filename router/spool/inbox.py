"""`Inbox`: what the spool has taken and not told of, in the order in which it came."""

import asyncio
from collections import deque
from collections.abc import Sequence

from router.spool.port import Entry

MAX_GROUP_RECORDS = 512
MAX_GROUP_BYTES = 4 << 20


class Inbox:
    """On the event loop only.

    Attributes:
        bytes: Of all that was taken and not told of, a group under way among it.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self.bytes = 0
        self._queue: deque[Entry] = deque()
        self._taken = self._told = 0
        self._flushed: deque[tuple[int, asyncio.Future[None]]] = deque()

    def __bool__(self) -> bool:
        """Return whether there is a next group."""
        return bool(self._queue)

    def put(self, entries: Sequence[Entry]) -> None:
        """Take entries."""
        self._queue.extend(entries)
        self._taken += len(entries)
        for entry in entries:  # mostly one: a generator would cost more than it
            self.bytes += entry.size

    def next_group(self) -> list[Entry]:
        """Return what is written together next."""
        group: list[Entry] = []
        size = 0
        while self._queue and len(group) < MAX_GROUP_RECORDS and size < MAX_GROUP_BYTES:
            group.append(self._queue.popleft())
            size += group[-1].size
        return group

    def rest(self) -> list[Entry]:
        """Return all that is in no group yet; it is not the next group any more."""
        rest = list(self._queue)
        self._queue.clear()
        return rest

    def count_told(self, entries: Sequence[Entry]) -> None:
        """Note that somebody is about to be told of these."""
        self._told += len(entries)
        self.bytes -= sum([entry.size for entry in entries])

    def tell_flushed(self) -> None:
        """Wake those whose entries were all told of."""
        while self._flushed and self._flushed[0][0] <= self._told:
            _, flushed = self._flushed.popleft()
            if not flushed.done():
                flushed.set_result(None)

    async def flush(self) -> None:
        """Return when everything taken before was told of."""
        if self._told < self._taken:
            flushed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._flushed.append((self._taken, flushed))
            await flushed
