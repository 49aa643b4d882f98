"""`Writer`: units of many handlers and keys to the store, many in one commit."""

import asyncio
import time
from collections.abc import Callable

import structlog

from router.consume.store import Store, Unit, Written
from router.errors import UnavailableError

MAX_UNITS = 200
_RETRY_SECS = 0.5
_LONGEST_RETRY_SECS = 10.0

log = structlog.get_logger(__name__)


class Writer:
    """Gathers units while a commit is under way, and writes them with the next one; no timer.

    While the database is away units wait here, and with them their keys and offsets: nothing is
    decided about an event until its effects are durable.
    """

    def __init__(self, store: Store, on_done: Callable[[Unit], None] | None = None) -> None:
        """Take where units go, and whom to tell of each that was written."""
        self._store = store
        self._on_done = on_done
        self._waiting: list[tuple[Unit, asyncio.Future[Written]]] = []
        self._wake = asyncio.Event()

    async def write(self, unit: Unit) -> Written:
        """Return what became of the unit, once that is durable.

        A unit whose outcome was unknown for a while may say `had-effect` for its own effect.
        """
        told: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self._waiting.append((unit, told))
        self._wake.set()
        return await told

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._wake.wait()
            group, self._waiting = self._waiting[:MAX_UNITS], self._waiting[MAX_UNITS:]
            if not self._waiting:
                self._wake.clear()
            group = [entry for entry in group if not entry[1].done()]  # nobody waits any more
            if group:
                outcomes = await self._written([unit for unit, _ in group])
                for (unit, told), outcome in zip(group, outcomes, strict=True):
                    if self._on_done is not None and outcome == "done":
                        self._on_done(unit)
                    if not told.done():
                        told.set_result(outcome)

    async def _written(self, units: list[Unit]) -> list[Written]:
        after_secs = _RETRY_SECS
        while True:
            try:
                return await self._store.write(units, time.time_ns() // 1_000_000)
            except UnavailableError as error:
                log.warning("state_not_written", error=str(error), units=len(units))
            await asyncio.sleep(after_secs)
            after_secs = min(_LONGEST_RETRY_SECS, after_secs * 2)
