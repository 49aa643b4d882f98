"""`Drain`: what lies on disk back into its lanes, no faster than live traffic can bear.

Design: one reader for all lanes, one chunk at a time, and only for a lane that has nothing else to
send; so memory holds a chunk per lane at most, a lane that Kafka does not take from is left alone,
and the rate is bounded in one place. The bound is a multiple of what is being accepted, so that a
backlog shrinks under any load. A disk that cannot be read may be well again in a minute, so its
lanes wait; what it has not given back for long is left out, a chunk at a time, since everything
behind it in the lane would wait for ever.
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
LAST_TRY = 600
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
        self._failing: dict[Lane, tuple[int, float]] = {}  # how often in a row, until when
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
            due = self._due()
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

    def _due(self) -> list[Lane]:
        """Return the lanes to read for now, and forget those without need."""
        now = asyncio.get_running_loop().time()
        self._lanes = {lane: None for lane in self._lanes if lane.has_spooled_only}
        self._failing = {lane: self._failing[lane] for lane in self._lanes if lane in self._failing}
        waiting = {lane for lane, (_, until) in self._failing.items() if until > now}
        return [lane for lane in self._lanes if lane.is_to_be_read and lane not in waiting]

    async def _read(self, lane: Lane) -> int:
        if not lane.is_to_be_read:  # moved, meanwhile
            return 0
        failed, _ = self._failing.pop(lane, (0, 0.0))
        positions = lane.to_read(CHUNK)
        try:
            records = await self._spool.read(positions, is_last_try=failed >= LAST_TRY)
        except UnavailableError as error:
            if not failed:  # a line per change of state, not per try
                log.warning("spool_unreadable", topic=lane.topic, error=str(error))
            until = asyncio.get_running_loop().time() + _AGAIN_SECS
            self._failing[lane] = failed + 1, until
            self._owner.read(lane, *lane.read_back([]))  # it may be waiting to move
            return 0
        size, lost = lane.read_back(records)
        self._owner.read(lane, size, lost)
        return len(records)
