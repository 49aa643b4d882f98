"""`Pump`: what is ready in the lanes to Kafka, one batch per partition, in waves.

Design: one pump sends for all lanes: while one wave is under way, what is accepted gathers for the
next, so batches form without a timer per record. aiokafka has one request per broker under way
anyway; batches that it holds behind that cannot grow, but leave the moment the answer comes. So the
next wave is handed over once a turn of the loop has made no further lane ready, when the loop would
only wait: Kafka works while the answers of the last wave are written. There is one future per
batch, not per record. A batch that is not back is unknown, never failed: it stays under way, and
whoever waited for it is served by the spool; only a generation that is broken or wedged is ended,
and what it had under way goes first in the next one. A record that Kafka refuses breaks nothing, or
a vendor that sends many of them would slow everybody. A partition that breaks one producer after
the other waits longer each time: each new one costs all the others their batches under way.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Protocol

import structlog

from router.kafka.port import Producer, SendError
from router.publish.generation import Generations
from router.publish.lane import Lane, Waiting

WEDGED_SECS = 30.0
_MAX_GATHER_SECS = 0.01
_RETRY_SECS = 0.1
_MAX_RETRY_SECS = 1.0
_MAX_REPLACE_SECS = 10.0
_MAX_DOUBLINGS = 16

log = structlog.get_logger(__name__)


class Owner(Protocol):
    """Whom the pump tells what became of the records."""

    def moved(self, size: int) -> None:
        """So many bytes left the lanes, or came back where negative."""

    def written(self, lane: Lane, batch: list[Waiting]) -> None:
        """Kafka has these; the lane is free."""

    def returned(self, lane: Lane) -> None:
        """The lane's batch is in its head again."""

    def refused(self, item: Waiting, kind: str) -> None:
        """Kafka will not take this record from anybody."""


class Pump:
    """Sends for all lanes."""

    def __init__(
        self,
        make_producer: Callable[[], Producer],
        on_made: Callable[[str], None],
        max_batch_bytes: int,
        owner: Owner,
    ) -> None:
        """Take how to make a producer, whom to tell why, the largest batch, and the owner."""
        self._generations = Generations(make_producer, on_made)
        self._max_batch_bytes = max_batch_bytes
        self._owner = owner
        self._ready: dict[Lane, None] = {}
        self._under_way: dict[Lane, float] = {}  # since when, the oldest first
        self._troubled: dict[Lane, int] = {}  # how many producers each has broken in a row
        self._wake = asyncio.Event()
        self._broken: str | None = None
        self._is_watching = self._is_held = False
        self._is_stopping = self._is_stopped = False
        self._idle = asyncio.Event()

    @property
    def is_alive(self) -> bool:
        """Whether there is a producer now."""
        return self._generations.is_alive

    def hold(self) -> None:
        """Connect, but send nothing until `release`."""
        self._is_held = True

    def release(self) -> None:
        """Send."""
        self._is_held = False
        self._wake.set()

    def offer(self, lane: Lane) -> None:
        """Send from this lane with the next wave, if it has something that may leave."""
        if not lane.under_way:
            self._ready[lane] = None

    def wake_if_due(self) -> None:
        """Begin the next wave: now if the last one is back, else when nothing more gathers for it."""
        if self._broken is not None or (self._ready and not self._under_way):
            self._wake.set()
        elif self._ready and not self._is_watching:
            self._is_watching = True
            loop = asyncio.get_running_loop()
            loop.call_soon(self._watch, 0, loop.time() + _MAX_GATHER_SECS)

    def look_for_wedge(self, now: float) -> None:
        """End a generation that has kept a batch for longer than any election takes."""
        oldest = next(iter(self._under_way.values()), now)
        if now - oldest > WEDGED_SECS and self._broken is None:
            self._broken = "wedged"
            self._wake.set()

    async def run(self) -> None:
        """Send until cancelled or stopped; its death must end the program, or answers would be lies."""
        self._wake.set()  # connect now: the first callback need not wait for it
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._is_stopped:
                return
            if self._broken is not None:
                reason, self._broken = self._broken, None
                await self._generations.replace(reason)  # batches under way fail, in order
            producer = await self._generations.current()
            if self._is_stopped:  # while it was being made
                await self._generations.close()
                return
            if self._is_held:
                continue
            ready, self._ready = self._ready, {}
            for lane in ready:
                await self._send(producer, lane)
            if self._is_stopping and not self._under_way and not self._ready:
                self._idle.set()

    async def stop(self, timeout_secs: float) -> int:
        """Wait for what is under way, then end the producer; return how many batches were left."""
        self._is_stopping = True
        if self._generations.is_alive and (self._under_way or self._ready):
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_secs):
                    await self._idle.wait()
        left = len(self._under_way)
        self._idle.set()  # nobody needs to wait longer
        self._is_stopped = True
        self._wake.set()
        await self._generations.close()
        return left

    async def _send(self, producer: Producer, lane: Lane) -> None:
        batch, left_bytes = lane.take(self._max_batch_bytes)
        if left_bytes:
            self._owner.moved(left_bytes)
        if not batch:
            return
        self._under_way[lane] = asyncio.get_running_loop().time()
        try:
            written = await producer.send(
                lane.topic, lane.partition, [item.record for item in batch]
            )
        except SendError as error:
            self._failed(lane, error)
        else:
            written.add_done_callback(partial(self._ended, lane))

    def _ended(self, lane: Lane, written: asyncio.Future[None]) -> None:
        if written.cancelled():
            self._failed(lane, SendError("retry", "closed"))
        elif (error := written.exception()) is not None:
            if not isinstance(error, SendError):
                error = SendError("replace", type(error).__name__)
            self._failed(lane, error)
        else:
            self._under_way.pop(lane, None)
            self._troubled.pop(lane, None)
            self._owner.written(lane, lane.written())
            self._go_on(lane)

    def _failed(self, lane: Lane, error: SendError) -> None:
        self._under_way.pop(lane, None)
        culprit: Waiting | None = None
        if error.remedy == "refuse":
            culprit, returned = lane.refused()
        else:
            returned = lane.failed()
        self._owner.moved(-returned)
        if lane not in self._troubled:  # a line per change of state, not per try
            self._troubled[lane] = 0
            log.warning(
                "batch_failed",
                topic=lane.topic,
                partition=lane.partition,
                error=error.kind,
                remedy=error.remedy,
            )
        if culprit is not None:
            self._owner.refused(culprit, error.kind)
        self._owner.returned(lane)
        if error.remedy == "replace":
            self._broken = self._broken or error.kind
            self.wake_if_due()
        delay = self._delay(lane, error)
        if delay:
            asyncio.get_running_loop().call_later(delay, self._go_on, lane)
        else:
            self._go_on(lane)

    def _delay(self, lane: Lane, error: SendError) -> float:
        """Return for how long the lane of a batch that failed waits."""
        if error.remedy == "retry":
            return _doubled(lane.failures - 1, _MAX_RETRY_SECS)
        if error.remedy == "refuse":  # each of these takes a record out of the way
            return 0.0
        self._troubled[lane] += 1
        broken = self._troubled[lane]
        return _doubled(broken - 2, _MAX_REPLACE_SECS) if broken > 1 else 0.0

    def _go_on(self, lane: Lane) -> None:
        if lane.is_ready:
            self._ready[lane] = None
        if self._is_stopping:
            self._wake.set()
        self.wake_if_due()

    def _watch(self, seen: int, until: float) -> None:
        """Begin the next wave once a turn of the loop has made no lane more ready, or it is time."""
        loop = asyncio.get_running_loop()
        ready = len(self._ready)
        if ready > seen and loop.time() < until:
            loop.call_soon(self._watch, ready, until)
            return
        self._is_watching = False
        if ready:
            self._wake.set()


def _doubled(times: int, most_secs: float) -> float:
    """Return the first delay, doubled so many times, but no more than *most_secs*."""
    doublings = min(times, _MAX_DOUBLINGS)  # 2.0**1024 is an error
    return float(min(_RETRY_SECS * 2.0**doublings, most_secs))
