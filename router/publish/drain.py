"""`Drain`: what lies on disk back into its lanes, no faster than live traffic can bear.

Design: one reader for all lanes, one chunk at a time, and only for a lane that has nothing else to
send; so memory holds a chunk per lane at most, a lane that Kafka does not take from is left alone,
and the rate is bounded in one place. The bound is a multiple of what is being accepted, so that a
backlog shrinks under any load.
"""

import asyncio
from contextlib import suppress
from typing import Protocol

import structlog

from router.errors import UnavailableError
from router.publish.lane import Lane
from router.spool.port import Position, Spool

MIN_PER_SEC = 5000.0
TIMES_ACCEPTED = 5.0
CHUNK = 256
_AGAIN_SECS = 1.0
_SMOOTHING = 0.05  # of ticks that are 50 ms apart: about a second

log = structlog.get_logger(__name__)


class Owner(Protocol):
    """Whom the drain tells."""

    @property
    def can_send(self) -> bool:
        """Whether there is somebody to send to."""

    def read(self, lane: Lane, size: int, lost: list[Position]) -> None:
        """So many bytes are back in the lane; nothing is left of the records at *lost*."""


class Drain:
    """Reads for the lanes that have records on disk only."""

    def __init__(self, spool: Spool, owner: Owner) -> None:
        """Take where records lie, and whom to tell."""
        self._spool = spool
        self._owner = owner
        self._lanes: dict[Lane, None] = {}
        self._wake = asyncio.Event()
        self._accepted = 0
        self._accepted_per_sec = 0.0
        self._counted_at = 0.0

    def offer(self, lane: Lane) -> None:
        """Read for this lane, now or when it can send again."""
        self._lanes[lane] = None
        if lane.is_to_be_read:
            self._wake.set()

    def count(self, accepted: int, now: float) -> None:
        """Take how many records were accepted since the last call."""
        secs = now - self._counted_at
        self._counted_at = now
        if secs > 0:
            self._accepted_per_sec += _SMOOTHING * (accepted / secs - self._accepted_per_sec)

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            self._lanes = {lane: None for lane in self._lanes if lane.has_spooled_only}
            due = [lane for lane in self._lanes if lane.is_to_be_read]
            if not due or not self._owner.can_send:
                self._wake.clear()
                with suppress(TimeoutError):  # the producer may be there again
                    async with asyncio.timeout(_AGAIN_SECS):
                        await self._wake.wait()
                continue
            for lane in due:
                read = await self._read(lane)
                await asyncio.sleep(read / self._per_sec)

    @property
    def _per_sec(self) -> float:
        return max(MIN_PER_SEC, TIMES_ACCEPTED * self._accepted_per_sec)

    async def _read(self, lane: Lane) -> int:
        if not lane.is_to_be_read:  # moved, meanwhile
            return 0
        positions = lane.to_read(CHUNK)
        try:
            records = await self._spool.read(positions)
        except UnavailableError as error:
            log.warning("spool_unreadable", error=str(error), retry_after_secs=_AGAIN_SECS)
            self._owner.read(lane, *lane.read_back([]))  # it may be waiting to move
            await asyncio.sleep(_AGAIN_SECS)
            return 0
        size, lost = lane.read_back(records)
        self._owner.read(lane, size, lost)
        return len(records)
