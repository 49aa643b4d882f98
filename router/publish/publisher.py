"""`Publisher`: accepted records to Kafka or to the spool, told when they are durable.

Design: a callback may be answered 200 only after `Ticket` tells: each record is with every in-sync
replica, or on disk and synced, whichever comes first. Both ways run through the lanes, so there is
one order. At the soft deadline a record goes to the spool as well; its Kafka batch stays under way,
and when that comes back the record on disk is settled and never sent again: a slow broker costs
disk, not duplicates. Entries that the spool could not take wait in one queue, in order, and
everything newer waits behind them: on disk, too, nothing overtakes.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import cast

import structlog
from msgspec import Struct

from router.kafka.port import Producer
from router.observability import Metrics
from router.publish.drain import Drain
from router.publish.lane import Lane, Ticket, Waiting
from router.publish.pump import Pump
from router.publish.refusals import Refusals
from router.publish.topics import Topics
from router.record import Record
from router.spool.port import Entry, Found, Position, Spool, Usage

MAX_BATCH_BYTES = 512 * 1024
MAX_WAITING_BYTES = 64 * 1024 * 1024
WINDOW_BYTES = 256 * 1024
FAR_BEHIND_RECORDS = 1024
"""More than so many on disk only, and what is newer need not wait for its turn in memory."""
TICK_SECS = 0.05
FLUSH_SECS = 2.0

log = structlog.get_logger(__name__)


class _Spooling(Struct, frozen=True):
    """What there is where there is a spool."""

    spool: Spool
    drain: Drain
    refusals: Refusals


class Publisher:
    """Takes records at once and never blocks; `run` does the work."""

    def __init__(
        self,
        make_producer: Callable[[], Producer],
        hash_of: Callable[[bytes], int],
        metrics: Metrics,
        max_request_bytes: int,
        spool: Spool | None = None,
    ) -> None:
        """Take how to make a producer, the hash of keys, Kafka's bound, and perhaps a spool."""
        self._metrics = metrics
        self._topics = Topics(hash_of)
        max_batch_bytes = min(MAX_BATCH_BYTES, max_request_bytes)
        self._pump = Pump(make_producer, metrics.producer_made, max_batch_bytes, self)
        self._spooling: _Spooling | None = None
        if spool is not None:
            self._spooling = _Spooling(spool, Drain(spool, self), Refusals(spool, metrics))
        self._young: deque[Waiting] = deque()
        self._unspooled: deque[Waiting] = deque()
        self._is_recovering = spool is not None
        self._waiting_bytes = 0
        self._accepted = 0
        self._full_until = 0.0
        self._is_stopping = False
        if self._is_recovering:
            self._topics.recover()
            self._pump.hold()

    def publish(
        self,
        records: Sequence[Record],
        on_durable: Callable[[], None],
        soft_at: float = float("inf"),
        on_refused: Callable[[str], None] | None = None,
    ) -> Ticket:
        """Take an event's records; *on_durable* is called once, when all of them are durable.

        After *soft_at*, by the loop's clock, they go to the spool as well; 0: at once. What does
        not fit into memory waits for its deadline like the rest: a fast refusal would burn the
        attempts of a vendor that retries at once. What Kafka refuses for itself the spool keeps;
        without a spool *on_refused* is told the kind of the error.
        """
        ticket = Ticket(len(records), on_durable, soft_at)
        ticket.on_refused = on_refused
        if self._waiting_bytes > MAX_WAITING_BYTES and not self._made_room():
            return ticket
        self._accepted += len(records)
        for record in records:
            lane, key_hash = self._topics.place(record.topic, record.key)
            item = Waiting(record, key_hash, ticket, lane)
            self._waiting_bytes += item.size
            must_spool = lane.add(item) or self._is_recovering or not soft_at
            if self._spooling is not None:
                if must_spool:
                    self._to_spool(lane.to_spool())
                else:
                    lane.is_all_asked = False
                    self._young.append(item)
            if not (lane.under_way or lane.failures):  # what failed has a time of its own
                self._pump.offer(lane)
        self._pump.wake_if_due()
        return ticket

    def learn(self, partitions: Mapping[str, int]) -> None:
        """Take the partitions of all topics there are; records that waited find their lane."""
        self._offer(self._topics.learn(partitions))

    def missing(self, topics: Iterable[str]) -> list[str]:
        """Return those of *topics* whose partitions are not known."""
        return self._topics.missing(topics)

    @property
    def topics(self) -> set[str]:
        """The topics of all records that came so far, an earlier run's among them."""
        return {lane.topic for lane in self._topics}

    @property
    def topics_waiting(self) -> set[str]:
        """Those of them that have records which are not in Kafka yet."""
        return {lane.topic for lane in self._topics if lane.is_waiting or lane.under_way}

    @property
    def lanes_behind(self) -> int:
        """How many lanes have records that are not under way."""
        return sum(1 for lane in self._topics if lane.is_waiting)

    @property
    def spool_usage(self) -> Usage | None:
        """How much waits on disk; None without a spool."""
        return self._spooling.spool.usage if self._spooling is not None else None

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits, is under way, or is being recovered."""
        is_moving = any(lane.is_waiting or lane.under_way for lane in self._topics)
        are_refused_kept = self._spooling is None or self._spooling.refusals.is_empty
        return are_refused_kept and not (self._is_recovering or is_moving)

    @property
    def can_send(self) -> bool:
        """Whether there is a producer that takes more than what is under way.

        Not before everything of an earlier run was found: what is read before that would overtake.
        """
        return self._pump.is_alive and not (self._is_stopping or self._is_recovering)

    async def run(self) -> None:
        """Work until cancelled or stopped; its death must end the program."""
        async with asyncio.TaskGroup() as tasks:
            others = [self._tick()]
            if (spooling := self._spooling) is not None:
                others += [spooling.spool.run(self), spooling.drain.run(), spooling.refusals.run()]
            beside = [tasks.create_task(other) for other in others]
            await self._pump.run()
            for task in beside:
                task.cancel()

    async def stop(self, timeout_secs: float) -> int:
        """Wait for what is under way, then end the producer; return how many batches were left.

        Whatever was told to be durable and is not in Kafka stays in the spool.
        """
        self._is_stopping = True
        if self._spooling is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_SECS):
                    await self._spooling.spool.flush()
        left = await self._pump.stop(timeout_secs)
        if self._spooling is not None:
            await self._spooling.spool.close()
        return left

    # What the pump and the drain tell.

    def moved(self, size: int) -> None:
        """Count what left memory."""
        self._waiting_bytes -= size

    def written(self, lane: Lane, batch: list[Waiting]) -> None:
        """Tell those who wait; what is on disk is not needed there any more."""
        self._metrics.records_published(lane.topic, len(batch))
        on_disk: list[Position] = []
        accepted = 0
        for item in batch:
            if item.position is not None:
                on_disk.append(item.position)
            accepted += item.in_kafka()
        self._metrics.records_accepted(accepted)
        self._settle(on_disk)
        young = self._young
        while young and young[0].is_settled:  # else each stays in memory until its soft deadline
            young.popleft()
        self._after(lane)

    def returned(self, lane: Lane) -> None:
        """Note that a lane may move now."""
        self._after(lane)

    def refused(self, item: Waiting, kind: str) -> None:
        """Put a record aside that Kafka will not take from anybody."""
        self._metrics.record_refused(item.record.topic)
        log.error(
            "record_refused",
            topic=item.record.topic,
            error=kind,
            size=item.record.size,
            event_id=dict(item.record.headers).get("event_id", b"").decode(errors="replace"),
        )
        if self._spooling is not None:
            self._spooling.refusals.add(item, kind)
        elif item.ticket.on_refused is not None:
            item.ticket.on_refused(kind)

    def read(self, lane: Lane, size: int, lost: list[Position]) -> None:
        """Send what was read back."""
        self._waiting_bytes += size
        if lost:
            log.error("spooled_records_lost", topic=lane.topic, records=len(lost))
            self._settle(lost)
        self._after(lane)
        if lane.is_ready:
            self._pump.offer(lane)
            self._pump.wake_if_due()

    # What the spool tells.

    def appended(self, entries: Sequence[Entry], positions: Sequence[Position | None]) -> None:
        """Tell those who wait, and let memory go."""
        unneeded: list[Position] = []
        lanes: dict[Lane, None] = {}
        accepted = 0
        for item, position in zip(cast("Sequence[Waiting]", entries), positions, strict=True):
            item.is_asked = False
            if position is None:
                continue
            item.position = position
            accepted += item.on_disk()
            if item.is_settled:
                unneeded.append(position)
            else:
                lanes[item.lane] = None
        for lane in lanes:
            self._shed(lane, 0 if lane.behind.count > FAR_BEHIND_RECORDS else WINDOW_BYTES)
        self._metrics.records_accepted(accepted)
        self._settle(unneeded)

    def not_appended(self, entries: Sequence[Entry]) -> None:
        """Keep them for the next try, in order, before all that came after."""
        self._unspooled.extendleft(reversed(cast("Sequence[Waiting]", entries)))

    def found(self, records: Sequence[Found]) -> None:
        """Take records of an earlier run."""
        self._metrics.records_recovered(len(records))
        self._topics.found(records)

    def recovered(self) -> None:
        """Let everything go on: what is older is in front."""
        self._is_recovering = False
        self._offer(self._topics.recovered())
        self._pump.release()

    # What happens by the clock.

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TICK_SECS)
            now = loop.time()
            self._pump.look_for_wedge(now)
            if self._topics.are_moving:
                self._offer(self._topics.move())
            if self._spooling is not None:
                self._spooling.drain.count(self._accepted, now)
                self._accepted = 0
                self._spool_again()
                self._spool_late(now)

    def _spool_late(self, now: float) -> None:
        """Give the spool what is past its soft deadline, in the order of acceptance."""
        late: list[Waiting] = []
        while self._young and self._young[0].ticket.soft_at <= now:
            item = self._young.popleft()
            if not item.is_durable and item.is_wanted and not item.is_asked:
                item.lane.is_slow = True
                late += item.lane.to_spool()
        self._to_spool(late)

    def _to_spool(self, items: Sequence[Waiting]) -> None:
        if not items or self._spooling is None:
            return
        if self._unspooled or not self._spooling.spool.append(items):
            self._unspooled.extend(items)

    def _spool_again(self) -> None:
        while self._unspooled and not self._unspooled[0].is_wanted:
            self._unspooled.popleft()
        if not self._unspooled or self._spooling is None:
            return
        spool = self._spooling.spool
        spool.resume()
        if spool.is_taking:
            again = [item for item in self._unspooled if item.is_wanted]
            self._unspooled.clear()
            if again and not spool.append(again):
                self._unspooled.extend(again)

    # Bookkeeping.

    def _settle(self, positions: Sequence[Position]) -> None:
        if positions and self._spooling is not None:
            self._spooling.spool.settle(positions)

    def _after(self, lane: Lane) -> None:
        """Move, read or shed, now that a lane has changed."""
        if lane.is_frozen:
            self._offer(self._topics.move())
        else:
            self._offer_to_drain(lane)

    def _offer(self, lanes: Iterable[Lane]) -> None:
        for lane in lanes:
            if lane.is_ready:
                self._pump.offer(lane)
            self._offer_to_drain(lane)
        self._pump.wake_if_due()

    def _shed(self, lane: Lane, window_bytes: int) -> None:
        self._waiting_bytes -= lane.shed(window_bytes)
        self._offer_to_drain(lane)

    def _offer_to_drain(self, lane: Lane) -> None:
        if self._spooling is not None and lane.behind.count:
            self._spooling.drain.offer(lane)

    def _made_room(self) -> bool:
        """Drop what nobody waits for, seldom: it is looked for everywhere."""
        now = asyncio.get_running_loop().time()
        if now < self._full_until:
            return False
        self._full_until = now + TICK_SECS
        for lane in self._topics:
            self._waiting_bytes -= lane.drop_given_up()
            self._shed(lane, 0)
        return self._waiting_bytes <= MAX_WAITING_BYTES
