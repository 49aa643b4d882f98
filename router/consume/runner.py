"""`Runner`: one handler's member of its consumer group, from records to committed offsets.

Design: what may run next (`lanes`), what follows (`settle`) and what may be committed (`offsets`)
are pure; this moves events between them. Workers take events as long as there are any and sleep
on a future otherwise, so an event costs no task. When partitions are taken away, their work gets
a moment to finish; what does not is abandoned and happens again elsewhere, where the memory of
effects skips what was written after all. Polling never waits for a handler: a slow one keeps its
partitions, and what it cannot take yet stays in Kafka.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from random import random

import msgspec
import structlog

from router.consume.call import Abandoned, Call, Calls
from router.consume.dead import Minute, dead_record
from router.consume.inbox import Classes, Envelope, opened
from router.consume.lanes import Lanes, Work
from router.consume.offsets import Offsets
from router.consume.settle import Again, Dead, Finish, settle
from router.consume.store import Cause
from router.errors import CallbackRouterError, UnavailableError, ungrouped
from router.handler import Handler
from router.kafka.port import Group
from router.observability import Metrics
from router.record import Partition, Received, Record

REVOKE_SECS = 5.0
COMMIT_SECS = 0.5
LAG_SECS = 2.0
MAX_POLLED = 500
MANY_READY = 500
MAX_HELD = 10_000
MAX_HELD_PER_PARTITION = 1000
_CHECK_SECS = 1.0
_WORKS_PER_TURN = 50
_LONGEST_WAIT_SECS = 1.0
_EARLY_SECS = 0.001  # a timer may come a clock's tick before its time, and would not come again
_START_AGAIN_SECS = 1.0

log = structlog.get_logger(__name__)


class StoppedError(CallbackRouterError):
    """Too many events of a handler die: it ends before it empties its topics into dead letters."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler reads, by full names.

    Attributes:
        topics: The base topics of its events.
        classes: Its event classes by `{vendor}.{Type}`.
        dead_topic: Where its dead letters go.
    """

    topics: tuple[str, ...]
    classes: Classes
    dead_topic: str


class Runner:
    """Runs one handler until cancelled."""

    def __init__(
        self,
        handler: Handler,
        reading: Reading,
        group: Group,
        calls: Calls,
        send: Callable[[Sequence[Record]], Awaitable[None]],
        metrics: Metrics,
    ) -> None:
        """Take what it needs; *send* returns when the records are durable, however long that takes."""
        self._handler = handler
        self._reading = reading
        self._group = group
        self._calls = calls
        self._send = send
        self._metrics = metrics
        self._lanes: Lanes[Call] = Lanes()
        self._offsets: dict[Partition, Offsets] = {}
        self._paused: set[Partition] = set()
        self._leaving: frozenset[Partition] = frozenset()
        self._running: set[Work[Call]] = set()
        self._sleeping: list[asyncio.Future[None]] = []
        self._quiet = asyncio.Event()
        self._few_ready = asyncio.Event()
        self._deaths = Minute(handler.max_dead_letters_per_minute)
        self._commit_at = 0.0
        self._is_draining = self._is_hurried = False

    async def run(self) -> None:
        """Join the group and handle events until cancelled.

        Raises:
            StoppedError: Too many events died within a minute.
        """
        try:
            await self._join()
            with ungrouped(StoppedError):
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._poll())
                    tasks.create_task(self._watch_lag())
                    for _ in range(self._handler.parallel):
                        tasks.create_task(self._work())
        finally:
            await self._commit()
            await self._group.close()

    async def drain(self) -> None:
        """Read nothing more, give what is under way a moment, and commit; then cancel `run`."""
        self._is_draining = True
        await self.revoked(tuple(self._offsets))

    def hurry(self) -> None:
        """Give what is under way no more time."""
        self._is_hurried = True
        self._quiet.set()

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """Give the work of these a moment, abandon the rest, and commit what is finished."""
        gone = frozenset(partitions)
        self._leaving |= gone
        self._lanes.drop(gone)
        loop = asyncio.get_running_loop()
        until = loop.time() + REVOKE_SECS
        while self._under_way(gone) and loop.time() < until and not self._is_hurried:
            self._quiet.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._quiet.wait()
        for work in self._under_way(gone):
            work.item.abandon()
        await self._commit()
        for partition in gone:
            self._offsets.pop(partition, None)
        self._lanes.drop(gone)  # what was put off meanwhile would hold its key
        self._paused -= gone
        self._leaving -= gone

    async def assigned(self, partitions: Sequence[Partition]) -> None:
        """Begin with these."""
        self._calls.expect_duplicates()
        for partition in partitions:
            self._offsets[partition] = Offsets()
        log.info("partitions_assigned", handler=self._handler.name, count=len(partitions))

    async def _join(self) -> None:
        while True:
            try:
                return await self._group.start(self._reading.topics, self)
            except UnavailableError as error:
                log.warning("group_not_joined", handler=self._handler.name, error=str(error))
            await asyncio.sleep(_START_AGAIN_SECS)

    async def _poll(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._is_draining:
            await self._caught_up()
            held = sum(len(offsets) for offsets in self._offsets.values())
            self._throttle(is_full=held >= MAX_HELD)
            records = await self._group.poll(MAX_POLLED)
            if records:
                await self._take(records)
            if loop.time() >= self._commit_at:
                await self._commit()
                self._commit_at = loop.time() + COMMIT_SECS

    async def _caught_up(self) -> None:
        """Wait for the workers if many events are ready for them, but not for ever."""
        if self._lanes.ready() >= MANY_READY:
            self._few_ready.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LONGEST_WAIT_SECS):
                    await self._few_ready.wait()

    def _throttle(self, *, is_full: bool) -> None:
        """Leave in Kafka what cannot be held: pausing keeps the membership, buffering would grow."""
        full = {
            partition
            for partition, offsets in self._offsets.items()
            if is_full
            or len(offsets) >= MAX_HELD_PER_PARTITION
            or (partition in self._paused and len(offsets) > MAX_HELD_PER_PARTITION // 2)
        }
        if full - self._paused:
            self._group.pause(full - self._paused)
        if self._paused - full:
            self._group.resume(self._paused - full)
        self._paused = full

    async def _take(self, records: list[Received]) -> None:
        owners = dict(self._offsets)
        found = [(received, opened(received)) for received in records]
        causes = {
            envelope.cause
            for _, envelope in found
            if isinstance(envelope, Envelope) and envelope.cause is not None
        }
        known = await self._known(causes)
        for received, envelope in found:
            partition = received.topic, received.partition
            offsets = self._offsets.get(partition)
            if offsets is None or offsets is not owners.get(partition):
                continue  # taken away meanwhile, and perhaps given back: it will be read again
            if partition in self._leaving:
                continue  # what comes before it was forgotten, and must not be overtaken
            offsets.hold(received.offset)
            if isinstance(envelope, Envelope) and envelope.cause in known:
                offsets.finish(received.offset)
                self._metrics.handled(self._handler.name, "skipped")
                continue
            self._lanes.add(
                Work(
                    partition=partition,
                    offset=received.offset,
                    lane=received.key,
                    time_ms=envelope.time_ms if isinstance(envelope, Envelope) else 0,
                    item=Call(received, envelope, offsets),
                )
            )
        self._wake(self._lanes.ready())

    async def _known(self, causes: set[Cause]) -> set[Cause]:
        """Return which events had their effect; where the store is slow, its commit will tell."""
        with suppress(UnavailableError, TimeoutError):
            async with asyncio.timeout(_CHECK_SECS):
                return await self._calls.known(causes)
        return set()

    async def _work(self) -> None:
        turn = 0
        loop = asyncio.get_running_loop()
        while True:
            work = self._lanes.next(loop.time() + _EARLY_SECS)
            if self._lanes.ready() < MANY_READY // 2:
                self._few_ready.set()
            if work is None:
                asleep: asyncio.Future[None] = loop.create_future()
                self._sleeping.append(asleep)
                await asleep
                continue
            self._running.add(work)
            try:
                await self._handle(work)
            finally:
                self._running.discard(work)
                self._quiet.set()
            turn += 1
            if turn % _WORKS_PER_TURN == 0:  # a handler that never waits must not stop the polls
                await asyncio.sleep(0)

    async def _handle(self, work: Work[Call]) -> None:
        call, loop = work.item, asyncio.get_running_loop()
        began = loop.time()
        outcome = await self._calls.made(call) if self._is_ours(work) else Abandoned()
        now = loop.time()
        self._metrics.handled_for(self._handler.name, now - began)
        if not self._is_ours(work):
            self._lanes.done(work)
            return
        if isinstance(outcome, Abandoned):
            self._put_off(work, now + _START_AGAIN_SECS)  # the database is away
            return
        decision = settle(outcome, self._handler, call.failures, now, random())  # noqa: S311 - jitter
        match decision:
            case Finish():
                self._finish(work, "done")
            case Again():
                call.failures = decision.failures
                log.info(
                    "event_put_off", handler=self._handler.name, attempts=call.failures.attempts
                )
                self._metrics.handled(self._handler.name, "retried")
                self._put_off(work, decision.at)
            case Dead():
                await self._bury(work, decision, now)

    def _is_ours(self, work: Work[Call]) -> bool:
        """Tell whether the event's partition was never taken away since it was read."""
        return self._offsets.get(work.partition) is work.item.offsets

    def _put_off(self, work: Work[Call], until: float) -> None:
        self._lanes.defer(work, until)
        asyncio.get_running_loop().call_at(until, self._wake, 1)

    async def _bury(self, work: Work[Call], dead: Dead, now: float) -> None:
        name = self._handler.name
        if self._deaths.is_too_much(now):
            most = self._handler.max_dead_letters_per_minute
            raise StoppedError(f"handler {name}: more than {most} dead letters a minute: {dead}")
        now_ms = time.time_ns() // 1_000_000
        first_ms = now_ms - int((now - dead.failures.first_at) * 1000)
        received = work.item.received
        record = dead_record(self._reading.dead_topic, name, received, dead, (first_ms, now_ms))
        await self._write_letter(record)
        self._metrics.dead(name, dead.reason)
        place = f"{received.topic}[{received.partition}]@{received.offset}"
        log.warning("event_died", handler=name, reason=dead.reason, detail=dead.detail, place=place)
        self._finish(work, "dead")

    async def _write_letter(self, record: Record) -> None:
        """Return when it is durable, as long as that takes: until then the offset stays."""
        while True:
            try:
                return await self._send([record])
            except UnavailableError as error:
                log.error("dead_letter_refused", topic=record.topic, error=str(error))  # noqa: TRY400
                await asyncio.sleep(_START_AGAIN_SECS)

    def _finish(self, work: Work[Call], outcome: str) -> None:
        work.item.offsets.finish(work.offset)
        self._metrics.handled(self._handler.name, outcome)
        self._lanes.done(work)

    async def _commit(self) -> None:
        due = {
            partition: (offsets, offset)
            for partition, offsets in self._offsets.items()
            if (offset := offsets.due()) is not None
        }
        places = {partition: offset for partition, (_, offset) in due.items()}
        if due and await self._group.commit(places):
            for offsets, offset in due.values():
                offsets.committed(offset)

    async def _watch_lag(self) -> None:
        """Tell how many records are not finished, whatever else waits; as before while unknown."""
        while True:
            with suppress(UnavailableError):
                spans = await self._group.spans()
                behind = (
                    end - offsets.place(unread)
                    for partition, (unread, end) in spans.items()
                    if (offsets := self._offsets.get(partition)) is not None
                )
                self._metrics.lag(self._handler.name, sum(max(0, each) for each in behind))
            await asyncio.sleep(LAG_SECS)

    def _under_way(self, partitions: frozenset[Partition]) -> list[Work[Call]]:
        return [work for work in self._running if work.partition in partitions]

    def _wake(self, workers: int) -> None:
        while workers > 0 and self._sleeping:
            asleep = self._sleeping.pop()
            if not asleep.done():
                asleep.set_result(None)
                workers -= 1
