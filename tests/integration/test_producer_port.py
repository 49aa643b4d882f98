"""What a producer promises (`router.kafka.port.Producer`): the real one and the fake pass alike."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from router.errors import UnavailableError
from router.kafka.port import KafkaSettings, Producer, SendError
from router.kafka.producer import REQUEST_TIMEOUT_MS, KafkaProducer, partition_of
from router.record import Record
from tests.cluster import Cluster, read_all
from tests.fakes import FakeKafka, FakeProducer
from tests.kafka_node import free_ports

# The fixture `engine` asks for a Kafka itself, so the time to start one is given here.
pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

SMALL_BYTES = 2000
LIMIT_SECS = 2 * REQUEST_TIMEOUT_MS / 1000
HEADERS = (("content-type", b"text/plain"), ("event_id", "Zahl-ä".encode()))

Written = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]


class _Real:
    """Kafka itself, read by a client that shares no code with the product."""

    def __init__(self, cluster: Cluster, topic: str) -> None:
        self.topic = topic
        self._cluster = cluster

    async def start(self) -> None:
        """Make the topic."""
        await asyncio.to_thread(
            self._cluster.create_topics,
            [self.topic],
            partitions=2,
            config={"max.message.bytes": str(SMALL_BYTES)},
        )

    def producer(self) -> Producer:
        """Return a producer, not started."""
        servers = self._cluster.bootstrap_servers
        return KafkaProducer(KafkaSettings(bootstrap_servers=servers, client_id="port"))

    def nowhere(self) -> Producer:
        """Return a producer of a cluster that does not answer."""
        servers = f"127.0.0.1:{free_ports(1)[0]}"
        return KafkaProducer(KafkaSettings(bootstrap_servers=servers, client_id="port"))

    async def written(self, partition: int) -> list[Written]:
        """Return key, value and headers of every record of a partition."""
        read = await asyncio.to_thread(read_all, self._cluster.bootstrap_servers, [self.topic])
        return [
            (record.key, record.value, tuple(record.headers.items()))
            for record in read
            if record.partition == partition
        ]


class _Fake:
    """Kafka in memory."""

    topic = "topic"

    def __init__(self) -> None:
        self._kafka = FakeKafka({self.topic: 2}, max_message_bytes=SMALL_BYTES)

    async def start(self) -> None:
        """Do nothing: the topic is there."""

    def producer(self) -> Producer:
        """Return a producer, not started."""
        return self._kafka.producer()

    def nowhere(self) -> Producer:
        """Return a producer of a cluster that does not answer."""
        kafka = FakeKafka()
        kafka.is_up = False
        return FakeProducer(kafka)

    async def written(self, partition: int) -> list[Written]:
        """Return key, value and headers of every record of a partition."""
        log = self._kafka.log[self.topic, partition]
        return [(record.key, record.value, record.headers) for record in log]


Engine = _Real | _Fake


@pytest.fixture(params=["fake", "kafka"])
async def engine(request: pytest.FixtureRequest, topic_prefix: str) -> Engine:
    """What is behind the port; it has one topic of two partitions that takes small batches."""
    made: Engine = _Fake()
    if request.param == "kafka":
        made = _Real(request.getfixturevalue("kafka"), f"{topic_prefix}topic")
    await made.start()
    return made


@pytest.fixture
async def producer(engine: Engine) -> AsyncIterator[Producer]:
    """One that is started, and closed at the end."""
    made = engine.producer()
    await made.start()
    yield made
    with contextlib.suppress(TimeoutError, OSError):
        await made.close()


def _records(*values: bytes, topic: str, key: bytes = b"key") -> list[Record]:
    return [Record(topic=topic, key=key, value=value, headers=HEADERS) for value in values]


async def _send(
    producer: Producer, records: Sequence[Record], partition: int = 0
) -> SendError | None:
    """Return what a batch ended with, None if it was written; it ends in time."""
    async with asyncio.timeout(LIMIT_SECS):
        try:
            await (await producer.send(records[0].topic, partition, records))
        except SendError as error:
            return error
    return None


async def test_a_batch_is_written_whole_and_in_order(engine: Engine, producer: Producer) -> None:
    """Every record is there once, with its key and headers, in the partition that was named."""
    first = _records(b"1", b"2", b"3", topic=engine.topic)
    second = _records(b"4", "fünf".encode(), topic=engine.topic, key="Schlüssel/1".encode())

    outcomes = [await _send(producer, first, 1), await _send(producer, second, 1)]

    assert outcomes == [None, None]
    assert await engine.written(0) == []
    assert await engine.written(1) == [
        (b"key", b"1", HEADERS),
        (b"key", b"2", HEADERS),
        (b"key", b"3", HEADERS),
        ("Schlüssel/1".encode(), b"4", HEADERS),
        ("Schlüssel/1".encode(), "fünf".encode(), HEADERS),
    ]


async def test_batches_of_several_partitions_may_be_under_way(
    engine: Engine, producer: Producer
) -> None:
    """One batch of each partition is handed over before the first one has ended."""
    zero = await producer.send(engine.topic, 0, _records(b"0", topic=engine.topic))
    one = await producer.send(engine.topic, 1, _records(b"1", topic=engine.topic))
    async with asyncio.timeout(LIMIT_SECS):
        await asyncio.gather(zero, one)

    assert [value for _, value, _ in await engine.written(0)] == [b"0"]
    assert [value for _, value, _ in await engine.written(1)] == [b"1"]


async def test_no_broker_is_unavailable(engine: Engine) -> None:
    """Starting where nobody answers says so, and leaves nothing behind."""
    producer = engine.nowhere()

    async with asyncio.timeout(LIMIT_SECS):
        with pytest.raises(UnavailableError):
            await producer.start()
        await producer.close()


async def test_what_is_too_large_is_refused(engine: Engine, producer: Producer) -> None:
    """A batch that Kafka takes from nobody is told apart, and nothing of it is written."""
    await _send(producer, _records(b"before", topic=engine.topic))
    records = _records(b"small", b"x" * 2 * SMALL_BYTES, topic=engine.topic)

    error = await _send(producer, records)

    assert error is not None
    assert error.remedy == "refuse"
    assert [value for _, value, _ in await engine.written(0)] == [b"before"]


@pytest.mark.parametrize("count", [1, 3])
async def test_a_refusal_breaks_nothing(engine: Engine, producer: Producer, count: int) -> None:
    """The same producer writes what follows, once and in order, there and elsewhere."""
    too_large = _records(*[b"x" * 2 * SMALL_BYTES] * count, topic=engine.topic)
    values = [b"%d" % number for number in range(4)]
    for value in values:
        assert await _send(producer, _records(value, topic=engine.topic)) is None
        error = await _send(producer, too_large)
        assert error is not None
        assert error.remedy == "refuse"
    values.append(b"behind")
    assert await _send(producer, _records(b"behind", topic=engine.topic)) is None
    assert await _send(producer, _records(b"other", topic=engine.topic), 1) is None

    assert [value for _, value, _ in await engine.written(0)] == values
    assert [value for _, value, _ in await engine.written(1)] == [b"other"]


@pytest.mark.parametrize("partition", [0, 7], ids=["topic", "partition"])
async def test_an_unknown_place_may_be_tried_again(
    engine: Engine, producer: Producer, partition: int
) -> None:
    """A missing topic or partition may be made meanwhile: same producer, same batch, later."""
    topic = f"{engine.topic}.missing" if partition == 0 else engine.topic

    error = await _send(producer, _records(b"v", topic=topic), partition)
    error_of_another = await _send(producer, _records(b"w", topic=engine.topic))

    assert error is not None
    assert error.remedy == "retry"
    assert error_of_another is None


@pytest.mark.parametrize(
    "after", ["at once", "a turn later"], ids=["before its request", "with its request"]
)
async def test_what_is_under_way_ends_with_the_producer(
    engine: Engine, producer: Producer, after: str
) -> None:
    """A batch that was not written when the producer is closed fails, and may be sent again."""
    await _send(producer, _records(b"first", topic=engine.topic))
    written = await producer.send(engine.topic, 0, _records(b"under way", topic=engine.topic))
    if after != "at once":
        await asyncio.sleep(0)
    await producer.close()
    ended, _ = await asyncio.wait([written], timeout=LIMIT_SECS)

    assert ended == {written}
    error = None if written.cancelled() else written.exception()
    assert error is None or (isinstance(error, SendError) and error.remedy == "retry")


async def test_after_the_end_nothing_is_written(engine: Engine, producer: Producer) -> None:
    """What the next producer writes stands behind everything of the one before."""
    await _send(producer, _records(b"first", topic=engine.topic))
    pending = await producer.send(engine.topic, 0, _records(b"under way", topic=engine.topic))
    await producer.close()
    late = await _quietly(lambda: _send(producer, _records(b"late", topic=engine.topic)))
    successor = engine.producer()
    await successor.start()
    await _send(successor, _records(b"next", topic=engine.topic))
    await successor.close()
    pending.cancel()

    values = [value for _, value, _ in await engine.written(0)]
    assert late is not None
    assert values in ([b"first", b"next"], [b"first", b"under way", b"next"])


async def test_it_may_be_closed_twice(producer: Producer) -> None:
    """Closing what is closed does nothing."""
    await producer.close()
    await producer.close()


async def _quietly(send: Callable[[], Awaitable[SendError | None]]) -> SendError | None:
    """Return the error; a closed producer may also never answer."""
    try:
        async with asyncio.timeout(1.0):
            return await send()
    except TimeoutError:
        return SendError("retry", "TimeoutError")


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
    ids=["2 bytes", "6 bytes", "24 bytes", "48 bytes", "3 bytes"],
)
async def test_a_key_has_the_partition_that_java_gives_it(key: bytes, hashed: int) -> None:
    """Murmur2 of the key, its sign bit cleared, by the number of partitions.

    Source: the vectors of Kafka's UtilsTest.testMurmur2.
    """
    assert partition_of(key, 6) == (hashed & 0x7FFFFFFF) % 6
    assert partition_of(key, 1) == 0
