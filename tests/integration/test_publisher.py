"""The publisher on a real Kafka: what it tells to be durable is there, and trouble stays local."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import (  # .admin does not export them to type checkers
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)
from confluent_kafka.cimpl import NewPartitions  # nor this one

from router.kafka.port import KafkaSettings
from router.kafka.producer import KafkaProducer, hash_of, partition_of
from router.observability import Metrics
from router.publish.publisher import Publisher
from router.record import Record
from tests.cluster import Cluster, Read, read_all

pytestmark = pytest.mark.kafka

HARD_SECS = 3.0
LONG_SECS = 20.0
HEADERS = (("content-type", b"text/plain"),)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """The engine says thousands of times that a topic is gone; once failed, nobody reads that."""
    caplog.set_level("CRITICAL", logger="aiokafka")


class _Told:
    """What was told to be durable, and a way to wait for it."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self._changed = asyncio.Event()

    def callback(self, value: bytes) -> Callable[[], None]:
        """Return whom the publisher tells."""

        def durable() -> None:
            self.values.append(value)
            self._changed.set()

        return durable

    async def wait(self, *values: bytes, within_secs: float = LONG_SECS) -> None:
        """Return when all *values* have been told."""
        async with asyncio.timeout(within_secs):
            while not set(values) <= set(self.values):
                self._changed.clear()
                await self._changed.wait()


class _Bench:
    """A publisher that sends, and what it has told."""

    def __init__(self, cluster: Cluster, max_request_bytes: int) -> None:
        self.told = _Told()
        self.settings = KafkaSettings(
            bootstrap_servers=cluster.bootstrap_servers,
            client_id="publisher",
            max_request_bytes=max_request_bytes,
        )
        self.producers: list[KafkaProducer] = []
        self.publisher = Publisher(self._producer, hash_of, Metrics(), max_request_bytes)

    def publish(self, topic: str, value: bytes, key: bytes = b"key") -> None:
        """Hand over an event of one record."""
        record = Record(topic=topic, key=key, value=value, headers=HEADERS)
        self.publisher.publish([record], self.told.callback(value))

    def _producer(self) -> KafkaProducer:
        self.producers.append(KafkaProducer(self.settings))
        return self.producers[-1]


@asynccontextmanager
async def _publishing(
    cluster: Cluster, *topics: str, max_request_bytes: int = 2 << 20
) -> AsyncIterator[_Bench]:
    bench = _Bench(cluster, max_request_bytes)
    bench.publisher.learn(dict.fromkeys(topics, 1))
    async with asyncio.TaskGroup() as group:
        pump = group.create_task(bench.publisher.run())
        try:
            yield bench
        finally:
            await bench.publisher.stop(HARD_SECS)
            pump.cancel()


async def _made(cluster: Cluster, *topics: str, **config: str) -> None:
    named = {name.replace("_", "."): value for name, value in config.items()}
    await asyncio.to_thread(cluster.create_topics, topics, partitions=1, config=named)


async def _read(cluster: Cluster, *topics: str) -> list[Read]:
    return await asyncio.to_thread(read_all, cluster.bootstrap_servers, topics)


async def _values(cluster: Cluster, *topics: str) -> list[bytes | None]:
    return [record.value for record in await _read(cluster, *topics)]


async def test_what_is_told_is_there(kafka: Cluster, topic_prefix: str) -> None:
    """Records of many topics become durable together, each once, in the order of its key."""
    topics = [f"{topic_prefix}{number}" for number in range(8)]
    await _made(kafka, *topics)
    values = [b"%04d" % number for number in range(800)]
    async with _publishing(kafka, *topics) as bench:
        for number, value in enumerate(values):
            bench.publish(topics[number % 8], value)
        await bench.told.wait(*values)

    read = await _read(kafka, *topics)
    assert len(bench.told.values) == 800
    for index, topic in enumerate(topics):
        assert [r.value for r in read if r.topic == topic] == values[index::8]


async def test_an_event_of_several_records_is_told_once(kafka: Cluster, topic_prefix: str) -> None:
    """A ticket tells when the records of all its topics are there."""
    topics = [f"{topic_prefix}one", f"{topic_prefix}two"]
    await _made(kafka, *topics)
    async with _publishing(kafka, *topics) as bench:
        records = [Record(topic=t, key=b"k", value=b"v", headers=HEADERS) for t in topics]
        bench.publisher.publish(records, bench.told.callback(b"v"))
        await bench.told.wait(b"v")

    assert bench.told.values == [b"v"]
    assert await _values(kafka, *topics) == [b"v", b"v"]


async def test_a_refused_record_blocks_no_other(kafka: Cluster, topic_prefix: str) -> None:
    """What Kafka refuses for itself is lost alone: its neighbours, and what follows, are told."""
    narrow, wide = f"{topic_prefix}narrow", f"{topic_prefix}wide"
    await _made(kafka, narrow, max_message_bytes="2000")
    await _made(kafka, wide)
    async with _publishing(kafka, narrow, wide) as bench:
        bench.publish(narrow, b"before")
        bench.publish(narrow, b"x" * 5000)
        bench.publish(narrow, b"behind")
        others = [b"other %d" % number for number in range(50)]
        for value in others:
            bench.publish(wide, value)
        await bench.told.wait(b"before", b"behind", *others, within_secs=HARD_SECS)
        bench.publish(narrow, b"later")
        await bench.told.wait(b"later", within_secs=HARD_SECS)

    assert b"x" * 5000 not in bench.told.values
    assert await _values(kafka, narrow) == [b"before", b"behind", b"later"]
    firsts = list(dict.fromkeys(await _values(kafka, wide)))
    assert firsts == others


async def test_many_refused_records_block_no_other(kafka: Cluster, topic_prefix: str) -> None:
    """Even a sender of nothing but refused records costs the others no producer."""
    narrow = f"{topic_prefix}narrow"
    await _made(kafka, narrow, max_message_bytes="2000")
    values = [b"%02d" % number for number in range(10)]
    async with _publishing(kafka, narrow) as bench:
        for value in values:
            bench.publish(narrow, b"x" * 5000)
            bench.publish(narrow, value)
        await bench.told.wait(*values)

    assert await _values(kafka, narrow) == values
    assert len(bench.producers) == 1


async def test_a_raised_limit_counts_at_once(kafka: Cluster, topic_prefix: str) -> None:
    """What the topic takes now is taken by the producer that it refused before."""
    narrow = f"{topic_prefix}narrow"
    await _made(kafka, narrow, max_message_bytes="2000")
    async with _publishing(kafka, narrow) as bench:
        bench.publish(narrow, b"x" * 5000)
        bench.publish(narrow, b"behind")
        await bench.told.wait(b"behind")
        await asyncio.to_thread(_widen, kafka, narrow, 10_000)
        bench.publish(narrow, b"y" * 5000)
        await bench.told.wait(b"y" * 5000)

    assert await _values(kafka, narrow) == [b"behind", b"y" * 5000]
    assert len(bench.producers) == 1


async def test_nothing_is_cut_from_a_batch(kafka: Cluster, topic_prefix: str) -> None:
    """Where little fits into a request, every record that is told is there all the same."""
    topic = f"{topic_prefix}topic"
    await _made(kafka, topic)
    headers = (("event_id", b"i" * 513), ("event_source", b"s" * 200), ("traceparent", b"t" * 55))
    values = [b"%03d" % number for number in range(200)]
    async with _publishing(kafka, topic, max_request_bytes=4096) as bench:
        for value in values:
            record = Record(topic=topic, key=b"key", value=value, headers=headers)
            bench.publisher.publish([record], bench.told.callback(value))
        await bench.told.wait(*values)

    assert list(dict.fromkeys(await _values(kafka, topic))) == values


async def test_a_topic_that_was_deleted_blocks_no_other(kafka: Cluster, topic_prefix: str) -> None:
    """Records of a topic that is gone wait for it; all others arrive in time."""
    gone, there = f"{topic_prefix}gone", f"{topic_prefix}there"
    await _made(kafka, gone, there)
    async with _publishing(kafka, gone, there) as bench:
        bench.publish(gone, b"while it was there")
        await bench.told.wait(b"while it was there")
        await asyncio.to_thread(_delete, kafka, gone)
        for number in range(5):
            bench.publish(gone, b"lost %d" % number)
            value = b"kept %d" % number
            bench.publish(there, value)
            await bench.told.wait(value, within_secs=HARD_SECS)

    assert list(dict.fromkeys(await _values(kafka, there))) == [b"kept %d" % n for n in range(5)]


async def test_a_topic_that_is_made_late_gets_what_waited(
    kafka: Cluster, topic_prefix: str
) -> None:
    """A record for a topic that is announced but not there yet is written once it is."""
    late, there = f"{topic_prefix}late", f"{topic_prefix}there"
    await _made(kafka, there)
    async with _publishing(kafka, late, there) as bench:
        bench.publish(late, b"early")
        bench.publish(there, b"other")
        await bench.told.wait(b"other", within_secs=HARD_SECS)
        await _made(kafka, late)
        await bench.told.wait(b"early", within_secs=2 * HARD_SECS)

    assert await _values(kafka, late) == [b"early"]


async def test_partitions_that_are_added_are_used(kafka: Cluster, topic_prefix: str) -> None:
    """When a topic grows, records go to its new partitions without a break."""
    topic = f"{topic_prefix}topic"
    await _made(kafka, topic)
    values = [b"%02d" % number for number in range(40)]
    async with _publishing(kafka, topic) as bench:
        bench.publish(topic, b"before")
        await bench.told.wait(b"before")
        await asyncio.to_thread(_grow, kafka, topic, 4)
        bench.publisher.learn({topic: 4})
        for value in values:
            bench.publish(topic, value, key=value)
        await bench.told.wait(*values)

    read = await _read(kafka, topic)
    placed = {(record.value, record.partition) for record in read if record.value != b"before"}
    assert placed == {(value, partition_of(value, 4)) for value in values}
    assert {partition for _, partition in placed} == {0, 1, 2, 3}


def _delete(cluster: Cluster, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers, "log_level": 2})
    for deleted in admin.delete_topics([topic]).values():
        deleted.result(timeout=LONG_SECS)


def _widen(cluster: Cluster, topic: str, max_message_bytes: int) -> None:
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers, "log_level": 2})
    limit = ConfigEntry(
        "max.message.bytes",
        str(max_message_bytes),
        incremental_operation=AlterConfigOpType.SET,
    )
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[limit])
    for widened in admin.incremental_alter_configs([resource]).values():
        widened.result(timeout=LONG_SECS)


def _grow(cluster: Cluster, topic: str, partitions: int) -> None:
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers, "log_level": 2})
    for grown in admin.create_partitions([NewPartitions(topic, partitions)]).values():
        grown.result(timeout=LONG_SECS)
