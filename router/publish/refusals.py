"""`Refusals`: what Kafka takes from nobody, kept apart on disk, one after the other.

Design: such a record is durable as soon as it lies among the refused, so its callback is answered
200. While the disk takes nothing the next one is tried, since one may be smaller than another; what
was answered 200 before is tried for ever, and what nobody waits for is let go.
"""

import asyncio
from collections import deque

from router.observability import Metrics
from router.publish.lane import Waiting
from router.spool.port import Spool

_AGAIN_SECS = 1.0


class Refusals:
    """Waits for the disk where it must; `run` does the work."""

    def __init__(self, spool: Spool, metrics: Metrics) -> None:
        """Take where they are kept, and who counts what became durable."""
        self._spool = spool
        self._metrics = metrics
        self._waiting: deque[tuple[Waiting, str]] = deque()
        self._wake = asyncio.Event()

    @property
    def is_empty(self) -> bool:
        """Whether all are kept."""
        return not self._waiting

    def add(self, item: Waiting, kind: str) -> None:
        """Take a record, and Kafka's name for what is wrong with it."""
        self._waiting.append((item, kind))
        self._wake.set()

    async def run(self) -> None:
        """Keep them until cancelled."""
        while True:
            await self._wake.wait()
            item, kind = self._waiting[0]
            if await self._spool.refuse(item.record, kind):
                self._metrics.records_accepted(item.on_disk())
                self._gone(item)
            elif item.is_given_up:
                self._gone(item)
            else:
                await asyncio.sleep(_AGAIN_SECS)
                self._waiting.rotate(-1)

    def _gone(self, item: Waiting) -> None:
        self._waiting.popleft()
        item.is_settled = True
        if item.position is not None:
            self._spool.settle([item.position])
        if not self._waiting:
            self._wake.clear()
