"""A consumer group behind the port, with aiokafka's consumer.

Design: what is committed is always named, partition by partition, since a commit without offsets
can happen after the partitions moved. The range assignor gives partitions of one number, of all
topics, to one member, so that a key of several topics is with one member. Every join takes all
partitions away from everybody for a moment (the eager protocol), so the members finish in time.
"""

import asyncio
from collections.abc import Iterable, Mapping

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka import errors as kafka_errors
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from router.kafka.port import KafkaSettings, Rebalanced, unreachable
from router.record import Partition, Received

POLL_MS = 200
SESSION_MS = 10_000
REBALANCE_MS = 20_000
_COMMIT_SECS = 5.0
_CLOSE_SECS = 0.5
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
        self._consumer = self._made()  # one that was stopped cannot be started again
        self._consumer.subscribe(tuple(topics), listener=_Listener(listener))
        try:
            await self._consumer.start()
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

    def ends(self) -> dict[Partition, int]:
        """Return the offset that the next record of each assigned partition will get, if known."""
        if self._consumer is None:
            return {}
        found = {tp: self._consumer.highwater(tp) for tp in self._consumer.assignment()}
        return {(tp.topic, tp.partition): end for tp, end in found.items() if end is not None}

    async def close(self) -> None:
        """Leave the group.

        While the group forms anew, aiokafka would wait for that to end: seconds for nothing, since
        a member that has not joined has nothing to give back.
        """
        consumer, self._consumer = self._consumer, None
        if consumer is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_SECS):
                await consumer.stop()
        except TimeoutError:
            await consumer._client.close()  # noqa: SLF001 - aiokafka has no public way


class _Listener(ConsumerRebalanceListener):
    """Passes on what aiokafka tells, in our own words."""

    def __init__(self, listener: Rebalanced) -> None:
        self._listener = listener

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        await self._listener.revoked([(tp.topic, tp.partition) for tp in revoked])

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        await self._listener.assigned([(tp.topic, tp.partition) for tp in assigned])
