"""Reading topics to look at them: no group, no commits, with aiokafka's consumer.

Design: `KafkaReader` follows what comes, `KafkaRange` reads what was there when it started, so it
ends. Where it ends is a position and no record: transactions and compaction leave offsets that
no record has, and a reader that waited for the last one would wait for ever.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from math import inf

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka import errors as kafka_errors
from aiokafka.structs import ConsumerRecord, OffsetAndTimestamp

from router.errors import UnavailableError
from router.kafka.port import KafkaSettings, unreachable
from router.record import Partition, Received

_POLL_MS = 200
_START_SECS = 10.0
_STALLED_SECS = 30.0
_MAX_RECORDS = 500


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
            batches = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_MAX_RECORDS)
            for batch in batches.values():
                for record in batch:
                    yield _received(record)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._consumer.stop()


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """Which records of each partition are read; without any bound, all there are at the start.

    Attributes:
        since_ms: Those that Kafka took at this time or later, Unix ms.
        until_ms: Those that it took before.
        first: Those from this offset on.
        last: Those up to this offset, itself too.
    """

    since_ms: int | None = None
    until_ms: int | None = None
    first: int | None = None
    last: int | None = None


class KafkaRange:
    """Reads a part of partitions that is fixed at the start, and ends."""

    def __init__(
        self, settings: KafkaSettings, partitions: Iterable[Partition], bounds: Bounds
    ) -> None:
        """Take partitions that exist; nothing is connected yet. Needs a running loop."""
        self._partitions = [TopicPartition(*partition) for partition in partitions]
        self._bounds = bounds
        self._settings = settings
        self._spans: dict[TopicPartition, tuple[int, int]] = {}
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.bootstrap_servers,
            client_id=settings.client_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=_POLL_MS,
            isolation_level="read_committed",
            **settings.security,
        )

    async def start(self) -> None:
        """Connect, and fix where each partition begins and ends; none needs no connection.

        Raises:
            UnavailableError: No broker answered.
        """
        if not self._partitions:
            return  # nobody is asked; stopped so early, aiokafka cancels whoever stops it
        try:
            await self._consumer.start()
            async with asyncio.timeout(_START_SECS):
                self._spans = await self._found_spans()
        except (kafka_errors.KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise unreachable(self._settings, error) from error
        self._consumer.assign(list(self._spans))
        for place, (begin, _) in self._spans.items():
            self._consumer.seek(place, begin)

    @property
    def spans(self) -> dict[Partition, tuple[int, int]]:
        """The first offset of each partition and the one behind the last; none of empty ones."""
        return {(place.topic, place.partition): span for place, span in self._spans.items()}

    @property
    def most(self) -> int:
        """How many records there are, or fewer: not every offset has one."""
        return sum(end - begin for begin, end in self._spans.values())

    async def whole_since(self) -> dict[Partition, float]:
        """Return since when each partition holds every record that it got, Unix ms.

        `-inf` where Kafka has deleted none, by whatever rule; `inf` where it has left none. Records
        that it has deleted are no younger than the first one that is left.

        Raises:
            UnavailableError: Kafka does not answer.
        """
        try:
            async with asyncio.timeout(_START_SECS):
                firsts = await self._consumer.offsets_for_times(dict.fromkeys(self._partitions, 0))
                begins = await self._consumer.beginning_offsets(self._partitions)
        except (kafka_errors.KafkaError, TimeoutError) as error:
            raise unreachable(self._settings, error) from error
        return {
            (place.topic, place.partition): _whole_since(begins[place], first)
            for place, first in firsts.items()
        }

    async def records(self, order: Callable[[Received], int]) -> AsyncGenerator[Received, None]:
        """Yield the records, once: in order within a partition, between them the least *order* first.

        Raises:
            UnavailableError: Kafka is silent in the middle.
        """
        queues: dict[TopicPartition, deque[Received]] = {place: deque() for place in self._spans}
        heads: list[tuple[int, TopicPartition]] = []
        dry = set(self._spans)
        while True:
            for place, batch in (await self._filled(dry)).items():
                queues[place].extend(batch)
                heapq.heappush(heads, (order(batch[0]), place))
            if not heads:
                return
            _, place = heapq.heappop(heads)
            yield queues[place].popleft()
            if queues[place]:
                heapq.heappush(heads, (order(queues[place][0]), place))
            else:
                dry.add(place)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._consumer.stop()

    async def _found_spans(self) -> dict[TopicPartition, tuple[int, int]]:
        places, bounds = self._partitions, self._bounds
        begins = await self._consumer.beginning_offsets(places)
        ends = await self._consumer.end_offsets(places)
        if bounds.since_ms is not None:
            begins = _no_less(begins, await self._at(bounds.since_ms, ends))
        if bounds.until_ms is not None:
            ends = await self._at(bounds.until_ms, ends)
        if bounds.first is not None:
            begins = {place: max(begin, bounds.first) for place, begin in begins.items()}
        if bounds.last is not None:
            ends = {place: min(end, bounds.last + 1) for place, end in ends.items()}
        return {
            place: (begins[place], ends[place]) for place in places if begins[place] < ends[place]
        }

    async def _at(
        self, time_ms: int, ends: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        """Return the first offset of that time or later; the end where there is none."""
        found = await self._consumer.offsets_for_times(dict.fromkeys(self._partitions, time_ms))
        return {
            place: end if (at := found[place]) is None else min(at.offset, end)
            for place, end in ends.items()
        }

    async def _filled(self, dry: set[TopicPartition]) -> dict[TopicPartition, Sequence[Received]]:
        """Return records of each partition that is dry and not at its end; then none is dry."""
        filled: dict[TopicPartition, Sequence[Received]] = {}
        loop = asyncio.get_running_loop()
        until = loop.time() + _STALLED_SECS
        while True:
            for place in tuple(dry):
                if await self._consumer.position(place) >= self._spans[place][1]:
                    self._consumer.pause(place)
                    dry.discard(place)
            if not dry:
                return filled
            if loop.time() > until:
                raise UnavailableError(f"Kafka at {self._settings.bootstrap_servers}: silent")
            batches = await self._fetched(dry)
            for place, batch in batches.items():
                end = self._spans[place][1]
                if records := [_received(record) for record in batch if record.offset < end]:
                    filled[place] = records
                    dry.discard(place)
            until = loop.time() + _STALLED_SECS if batches else until

    async def _fetched(
        self, places: Iterable[TopicPartition]
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        try:
            return await self._consumer.getmany(
                *places, timeout_ms=_POLL_MS, max_records=_MAX_RECORDS
            )
        except kafka_errors.KafkaError as error:
            raise unreachable(self._settings, error) from error


def _whole_since(begin: int, first: OffsetAndTimestamp | None) -> float:
    if begin == 0:
        return -inf
    return inf if first is None or first.timestamp is None else first.timestamp


def _no_less(
    one: Mapping[TopicPartition, int], other: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    return {place: max(offset, other[place]) for place, offset in one.items()}


def _received(record: ConsumerRecord) -> Received:
    return Received(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key or b"",
        value=record.value or b"",
        headers=tuple(record.headers),
    )
