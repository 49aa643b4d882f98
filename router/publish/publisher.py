"""`Publisher`: accepted records to Kafka, one batch per partition, told when they are durable.

Design: a callback may be answered 200 only after `Ticket` tells, that is after every in-sync
replica has every record. One pump sends for all lanes, in waves: while one is under way, what is
accepted gathers for the next, so batches form with one timer a wave and none a record. aiokafka
has one request per broker under way anyway; batches that it holds behind that cannot grow. There
is one future per batch, not per record.

The spool will stand beside Kafka here: a ticket not durable at the soft deadline gets a second
way, appended in the order of its lane, and `one_is_durable` is told by whichever comes first.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial

import structlog

from router.kafka.port import Producer, SendError
from router.observability import Metrics
from router.publish.generation import Generations
from router.publish.lane import Lane, Ticket, Waiting
from router.record import Record

MAX_BATCH_BYTES = 512 * 1024
MAX_WAITING_BYTES = 64 * 1024 * 1024
WAVE_SECS = 0.01
_RETRY_SECS = 0.1
_MAX_REMEMBERED_KEYS = 100_000

log = structlog.get_logger(__name__)


class Publisher:
    """Takes records at once and never blocks; `run` does the sending."""

    def __init__(
        self,
        make_producer: Callable[[], Producer],
        partition_of: Callable[[bytes, int], int],
        metrics: Metrics,
        max_request_bytes: int,
    ) -> None:
        """Take how to make a producer, which partition a key belongs to, and Kafka's bound."""
        self._max_batch_bytes = min(MAX_BATCH_BYTES, max_request_bytes)
        self._generations = Generations(make_producer, metrics.producer_made)
        self._partition_of = partition_of
        self._metrics = metrics
        self._partitions: dict[str, int] = {}
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._lanes_by_key: dict[tuple[str, bytes], Lane] = {}
        self._homeless: list[tuple[Record, Ticket]] = []
        self._ready: dict[Lane, None] = {}
        self._troubled: set[Lane] = set()
        self._wake = asyncio.Event()
        self._broken: str | None = None
        self._waiting_bytes = 0
        self._under_way = 0
        self._waves = 0
        self._is_wave_late = False
        self._is_stopping = self._is_stopped = False
        self._idle = asyncio.Event()

    def publish(self, records: Sequence[Record], on_durable: Callable[[], None]) -> Ticket:
        """Take an event's records; *on_durable* is called once, when all of them are written.

        What does not fit into memory, or has no topic yet, waits for its deadline like the rest:
        a fast refusal would burn the attempts of a vendor that retries at once.
        """
        ticket = Ticket(len(records), on_durable)
        if self._waiting_bytes > MAX_WAITING_BYTES:
            return ticket
        for record in records:
            self._place(record, ticket)
        self._wake_if_due()
        return ticket

    def learn(self, partitions: Mapping[str, int]) -> None:
        """Take the partitions of all topics there are; records that waited find their lane."""
        if self._partitions != partitions:
            self._lanes_by_key.clear()
        self._partitions = dict(partitions)
        homeless, self._homeless = self._homeless, []
        for record, ticket in homeless:
            self._waiting_bytes -= record.size
            if not ticket.is_abandoned:
                self._place(record, ticket)
        self._wake.set()

    def missing(self, topics: Iterable[str]) -> list[str]:
        """Return those of *topics* whose partitions are not known."""
        return [topic for topic in topics if topic not in self._partitions]

    @property
    def lanes_behind(self) -> int:
        """How many lanes have records that are not under way."""
        return sum(1 for lane in self._lanes.values() if lane.waiting)

    async def run(self) -> None:
        """Send until cancelled or stopped; its death must end the program, or answers would be lies."""
        loop = asyncio.get_running_loop()
        self._wake.set()  # connect now: the first callback need not wait for it
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._is_stopped:
                return
            producer = await self._generations.current()
            if self._broken is not None:
                reason, self._broken = self._broken, None
                await self._generations.replace(reason)  # batches under way fail, in order
                producer = await self._generations.current()
            ready, self._ready = self._ready, {}
            for lane in ready:
                await self._send(producer, lane)
            if self._is_stopping and not self._under_way and not self._ready:
                self._idle.set()
            self._waves += 1
            self._is_wave_late = False
            loop.call_later(WAVE_SECS, self._wave_is_late, self._waves)

    async def stop(self, timeout_secs: float) -> int:
        """Wait for what is under way, then end the producer; return how many batches were left."""
        self._is_stopping = True
        if self._generations.is_alive and (self._under_way or self._ready):
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_secs):
                    await self._idle.wait()
        left = self._under_way
        self._is_stopped = True
        await self._generations.close()
        return left

    def _place(self, record: Record, ticket: Ticket) -> None:
        self._waiting_bytes += record.size
        lane = self._lanes_by_key.get((record.topic, record.key))
        if lane is None:
            count = self._partitions.get(record.topic)
            if count is None:
                self._homeless.append((record, ticket))
                return
            lane = self._lane(record.topic, self._partition_of(record.key, count))
            if len(self._lanes_by_key) >= _MAX_REMEMBERED_KEYS:
                self._lanes_by_key.clear()
            self._lanes_by_key[record.topic, record.key] = lane
        lane.add(Waiting(record, ticket))
        if not lane.under_way:
            self._ready[lane] = None

    def _lane(self, topic: str, partition: int) -> Lane:
        lane = self._lanes.get((topic, partition))
        if lane is None:
            lane = self._lanes[topic, partition] = Lane(topic, partition)
        return lane

    async def _send(self, producer: Producer, lane: Lane) -> None:
        batch, left_bytes = lane.take(self._max_batch_bytes)
        self._waiting_bytes -= left_bytes
        if not batch:
            return
        self._under_way += 1
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
            self._under_way -= 1
            self._troubled.discard(lane)
            batch = lane.written()
            self._metrics.records_published(lane.topic, len(batch))
            for item in batch:
                item.ticket.one_is_durable()
            self._go_on(lane)

    def _failed(self, lane: Lane, error: SendError) -> None:
        self._under_way -= 1
        culprit: Waiting | None = None
        if error.remedy == "refuse":
            culprit, returned = lane.refused()
        else:
            returned = lane.failed()
        self._waiting_bytes += returned
        if lane not in self._troubled:  # a line per change of state, not per try
            self._troubled.add(lane)
            log.warning(
                "batch_failed",
                topic=lane.topic,
                partition=lane.partition,
                error=error.kind,
                remedy=error.remedy,
            )
        if culprit is not None:
            log.error("record_refused", topic=lane.topic, size=culprit.record.size)
        if error.remedy == "retry":
            loop = asyncio.get_running_loop()
            loop.call_later(_RETRY_SECS, self._go_on, lane)
        else:
            self._broken = self._broken or error.kind
            self._go_on(lane)

    def _go_on(self, lane: Lane) -> None:
        if lane.waiting:
            self._ready[lane] = None
        if self._is_stopping:
            self._wake.set()
        self._wake_if_due()

    def _wake_if_due(self) -> None:
        """Begin the next wave if the last one is back, or takes so long that others wait for it."""
        is_next_due = not self._under_way or self._is_wave_late
        if self._broken is not None or (self._ready and is_next_due):
            self._wake.set()

    def _wave_is_late(self, wave: int) -> None:
        if wave == self._waves:  # one slow broker must not hold up the others
            self._is_wave_late = True
            self._wake_if_due()
