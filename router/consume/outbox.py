"""`Outbox`: derived records from the database to Kafka, in the order of their commits."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import structlog

from router.consume.store import Store
from router.errors import UnavailableError
from router.record import Record

MAX_RECORDS = 500
LOOK_SECS = 0.5
STUCK_SECS = 30.0
_TROUBLE_SECS = 1.0

log = structlog.get_logger(__name__)


class Outbox:
    """Empties the outbox of one handler, in one process at a time.

    A record is forgotten after Kafka has it, so one may come twice, with the same id. One that
    Kafka does not take holds up all that follow, which keeps their order: that is told every
    `STUCK_SECS`, since only a person can tell what to do about it.
    """

    def __init__(
        self,
        handler: str,
        store: Store,
        send: Callable[[Sequence[Record]], Awaitable[None]],
        on_stuck: Callable[[float], None] = lambda _: None,
    ) -> None:
        """Take whose records they are; *send* returns when all of them are durable.

        *on_stuck* is told for how many seconds Kafka has not taken the oldest, and 0 when it has.
        """
        self._handler = handler
        self._store = store
        self._send = send
        self._on_stuck = on_stuck
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
        records = [entry.record for entry in waiting]
        with self._watching(records):
            await self._send(records)
        await self._store.sent(self._handler, [entry.sequence for entry in waiting])
        return len(waiting)

    @contextmanager
    def _watching(self, records: Sequence[Record]) -> Iterator[None]:
        """Tell every `STUCK_SECS` that these are not durable yet."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        timer: asyncio.TimerHandle

        def tell() -> None:
            nonlocal timer
            timer = loop.call_later(STUCK_SECS, tell)
            self._tell_stuck(records, loop.time() - began)

        timer = loop.call_later(STUCK_SECS, tell)
        try:
            yield
        finally:
            timer.cancel()
            if loop.time() - began >= STUCK_SECS:
                self._on_stuck(0.0)

    def _tell_stuck(self, records: Sequence[Record], secs: float) -> None:
        self._on_stuck(secs)
        log.error(
            "outbox_stuck",
            handler=self._handler,
            secs=round(secs),
            records=len(records),
            largest_bytes=max(record.size for record in records),
            topics=sorted({record.topic for record in records}),
            mend="Kafka is away, or refuses one of them: see batch_failed and record_refused",
        )
