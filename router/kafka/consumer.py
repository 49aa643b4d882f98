"""Reading topics to look at them: no group, no commits, with aiokafka's consumer."""

import asyncio
from collections.abc import AsyncIterator, Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka import errors as kafka_errors

from router.kafka.port import KafkaSettings, Received, unreachable

_POLL_MS = 200
_START_SECS = 10.0


class KafkaReader:
    """Reads the partitions of topics, from their end or their beginning."""

    def __init__(
        self, settings: KafkaSettings, partitions: Iterable[tuple[str, int]], *, from_start: bool
    ) -> None:
        """Take the partitions (topic, number); nothing is connected yet. Needs a running loop."""
        self._partitions = [TopicPartition(topic, number) for topic, number in partitions]
        self._from_start = from_start
        self._settings = settings
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap_servers,
            client_id=settings.client_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=_POLL_MS,
            **settings.security,
        )

    async def start(self) -> None:
        """Connect, and fix the place to read from.

        Raises:
            UnavailableError: No broker answered.
        """
        try:
            await self._consumer.start()
            self._consumer.assign(self._partitions)
            async with asyncio.timeout(_START_SECS):
                if self._from_start:
                    await self._consumer.seek_to_beginning(*self._partitions)
                else:
                    await self._consumer.seek_to_end(*self._partitions)
                for partition in self._partitions:
                    await self._consumer.position(partition)
        except (kafka_errors.KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise unreachable(self._settings, error) from error

    async def records(self) -> AsyncIterator[Received]:
        """Yield records as they come, for ever."""
        while True:
            batches = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=500)
            for batch in batches.values():
                for record in batch:
                    yield Received(
                        topic=record.topic,
                        partition=record.partition,
                        offset=record.offset,
                        key=record.key or b"",
                        value=record.value or b"",
                        headers=tuple(record.headers),
                    )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._consumer.stop()
