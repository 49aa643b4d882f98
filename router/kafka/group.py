"""A consumer group behind the port, with aiokafka's consumer.

Design: what is committed is always named, partition by partition, since a commit without offsets
can happen after the partitions moved. The range assignor gives partitions of one number, of all
topics, to one member, so that a key of several topics is with one member. Every join takes all
partitions away from everybody for a moment (the eager protocol), so the members finish in time.

A member that ends says so whatever it was doing: one that only disappears is missed when its
session has ended, and until then everybody else stands still. aiokafka's own way to leave waits
until the group has formed; where that takes long it is cut short, and the request goes out on a
connection of its own, since a broker reads nothing behind a JoinGroup that it has not answered.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka import errors as kafka_errors
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.protocol.group import LeaveGroupRequest

from router.kafka.port import KafkaSettings, Rebalanced, unreachable
from router.record import Partition, Received

POLL_MS = 200
SESSION_MS = 10_000
REBALANCE_MS = 20_000
_COMMIT_SECS = 5.0
_ASK_SECS = 5.0
_BOOTSTRAP_SECS = 0.5
_CLOSE_SECS = 0.5
_LEAVE_SECS = 1.5
_STEP_SECS = 0.02
_TROUBLE_SECS = 0.5
_MAX_FETCH_BYTES = 4 * 1024 * 1024

log = structlog.get_logger(__name__)


class KafkaGroup:
    """One member of a consumer group; see `router.kafka.port.Group`."""

    def __init__(
        self,
        settings: KafkaSettings,
        group_id: str,
        *,
        session_ms: int = SESSION_MS,
    ) -> None:
        """Take the settings and the group's full name; nothing is connected yet."""
        self._settings = settings
        self._group_id = group_id
        self._session_ms = session_ms
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self, topics: Iterable[str], listener: Rebalanced) -> None:
        """Join the group; see the port."""
        consumer = self._consumer = self._made()  # one that was stopped cannot be started again
        consumer.subscribe(tuple(topics), listener=_Listener(listener))
        starting = asyncio.ensure_future(consumer.start())
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            await _give_up(consumer, starting)
            raise
        except (kafka_errors.KafkaError, OSError) as error:
            await self.close()
            raise unreachable(self._settings, error) from error

    def _made(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._settings.bootstrap_servers,
            client_id=self._settings.client_id,
            group_id=self._group_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=self._session_ms // 4,
            rebalance_timeout_ms=REBALANCE_MS,
            isolation_level="read_committed",
            max_partition_fetch_bytes=_MAX_FETCH_BYTES,
            metadata_max_age_ms=30_000,
            **self._settings.security,
        )

    async def poll(self, max_records: int) -> list[Received]:
        """Return records of the partitions that are not paused; see the port."""
        assert self._consumer is not None  # noqa: S101 - the port asks for `start` first
        try:
            batches = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=max_records)
        except kafka_errors.KafkaError as error:
            log.warning("poll_failed", kind=type(error).__name__)
            await asyncio.sleep(_TROUBLE_SECS)
            return []
        return [
            Received(
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                key=record.key or b"",
                value=record.value or b"",
                headers=tuple(record.headers),
            )
            for batch in batches.values()
            for record in batch
        ]

    def pause(self, partitions: Iterable[Partition]) -> None:
        """Fetch nothing more of these; a rebalance undoes it."""
        assert self._consumer is not None  # noqa: S101 - as above
        self._consumer.pause(*(TopicPartition(*partition) for partition in partitions))

    def resume(self, partitions: Iterable[Partition]) -> None:
        """Fetch these again."""
        assert self._consumer is not None  # noqa: S101 - as above
        self._consumer.resume(*(TopicPartition(*partition) for partition in partitions))

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Commit; see the port."""
        if self._consumer is None:
            return False  # a stopped consumer would commit all the same, as nobody's member
        named = {TopicPartition(*partition): offset for partition, offset in offsets.items()}
        try:
            async with asyncio.timeout(_COMMIT_SECS):
                await self._consumer.commit(named)
        except (kafka_errors.KafkaError, TimeoutError) as error:
            log.info("commit_failed", kind=type(error).__name__)
            return False
        return True

    async def spans(self) -> dict[Partition, tuple[int, int]]:
        """Ask where partitions end; see the port. What a fetch said is old once one is paused."""
        consumer = self._consumer
        if consumer is None:
            return {}
        try:
            async with asyncio.timeout(_ASK_SECS):
                ends = await consumer.end_offsets(consumer.assignment())
                return {
                    (place.topic, place.partition): (await consumer.position(place), end)
                    for place, end in ends.items()
                }
        except (kafka_errors.KafkaError, TimeoutError) as error:
            raise unreachable(self._settings, error) from error

    async def close(self) -> None:
        """Leave the group, also in the middle of a rebalance; within two seconds."""
        consumer, self._consumer = self._consumer, None
        if consumer is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_SECS):
                await consumer.stop()
        except TimeoutError:  # the task that waits for the group was cancelled with it
            with suppress(TimeoutError, kafka_errors.KafkaError):
                async with asyncio.timeout(_LEAVE_SECS):
                    await self._cut_off(consumer)
                    await self._leave(consumer)
            await consumer._client.close()  # noqa: SLF001 - aiokafka has no public way

    async def _cut_off(self, consumer: AIOKafkaConsumer) -> None:
        """End what a `stop` that was cut short leaves running: it would connect again."""
        coordinator, fetcher = consumer._coordinator, consumer._fetcher  # noqa: SLF001 - as above
        if coordinator is not None:
            await coordinator._stop_heartbeat_task()  # noqa: SLF001 - as above
            await coordinator._stop_commit_offsets_refresh_task()  # noqa: SLF001 - as above
        if fetcher is not None:
            await fetcher.close()
        await consumer._client.close()  # noqa: SLF001 - as above

    async def _leave(self, consumer: AIOKafkaConsumer) -> None:
        """Tell the coordinator, on a new connection, if it is known and knows us."""
        coordinator = consumer._coordinator  # noqa: SLF001 - as above
        if coordinator is None or coordinator.coordinator_id is None or not coordinator.member_id:
            return
        request = LeaveGroupRequest(self._group_id, coordinator.member_id)
        await consumer._client.send(coordinator.coordinator_id, request)  # noqa: SLF001 - as above


async def _give_up(consumer: AIOKafkaConsumer, starting: asyncio.Future[None]) -> None:
    """End a start, but not while it makes its first connection: cancelled then, it forgets that."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _BOOTSTRAP_SECS
    while not starting.done() and loop.time() < until:
        if consumer._coordinator is not None:  # noqa: SLF001 - the only sign that it has connected
            break
        await asyncio.wait([starting], timeout=_STEP_SECS)
    starting.cancel()
    await asyncio.wait([starting])
    if not starting.cancelled():
        starting.exception()  # looked at, so that asyncio does not complain


class _Listener(ConsumerRebalanceListener):
    """Passes on what aiokafka tells, in our own words."""

    def __init__(self, listener: Rebalanced) -> None:
        self._listener = listener

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await self._listener.revoked([(tp.topic, tp.partition) for tp in revoked])

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        await self._listener.assigned([(tp.topic, tp.partition) for tp in assigned])
