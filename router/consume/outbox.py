"""`Outbox`: derived records from the database to Kafka, in the order of their commits."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog

from router.consume.store import Store
from router.errors import UnavailableError
from router.record import Record

MAX_RECORDS = 500
LOOK_SECS = 0.5
_TROUBLE_SECS = 1.0

log = structlog.get_logger(__name__)


class Outbox:
    """Empties the outbox of one handler, in one process at a time.

    A record is forgotten after Kafka has it, so one may come twice, with the same id.
    """

    def __init__(
        self, handler: str, store: Store, send: Callable[[Sequence[Record]], Awaitable[None]]
    ) -> None:
        """Take whose records they are; *send* returns when all of them are durable."""
        self._handler = handler
        self._store = store
        self._send = send
        self._wake = asyncio.Event()

    def look(self) -> None:
        """Look for records now; else it looks every half second."""
        self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            try:
                is_empty = not await self.step()
            except UnavailableError as error:
                log.warning("outbox_unreadable", handler=self._handler, error=str(error))
                await asyncio.sleep(_TROUBLE_SECS)
                continue
            if is_empty:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECS):
                        await self._wake.wait()
                self._wake.clear()

    async def step(self) -> int:
        """Publish the oldest records and forget them; return how many."""
        if not await self._store.lead(self._handler):
            return 0
        waiting = await self._store.waiting(self._handler, MAX_RECORDS)
        if not waiting:
            return 0
        await self._send([entry.record for entry in waiting])
        await self._store.sent(self._handler, [entry.sequence for entry in waiting])
        return len(waiting)
