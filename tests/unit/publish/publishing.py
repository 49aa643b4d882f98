"""A publisher over a fake Kafka, in fake time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from router.observability import Metrics
from router.publish.publisher import Publisher
from router.record import Record
from tests.fakes import FakeKafka

_LONG_SECS = 3600.0
_ROUNDS = 50


class Bench:
    """The publisher, its Kafka, and the values that it has told to be durable, in that order."""

    def __init__(self, kafka: FakeKafka) -> None:
        """Make the publisher, which knows the topics that there are."""
        self.kafka = kafka
        self.durable: list[str] = []
        self.publisher = Publisher(
            kafka.producer, _partition_of, Metrics(), kafka.max_request_bytes
        )
        self.publisher.learn(kafka.topics)

    def publish(self, value: str, topic: str = "a", key: str = "k") -> None:
        """Hand over an event of one record."""
        self.publisher.publish([record(value, topic, key)], lambda: self.durable.append(value))

    async def settle(self) -> None:
        """Let everything happen that happens by itself within five seconds."""
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)
        for _ in range(_ROUNDS):
            await _passed(0.1)

    async def wait_until(self, is_true: Callable[[], bool]) -> None:
        """Return when the condition holds.

        Raises:
            TimeoutError: It did not within an hour.
        """
        async with asyncio.timeout(_LONG_SECS):
            while not is_true():
                await _passed(0.01)


@asynccontextmanager
async def running(kafka: FakeKafka) -> AsyncIterator[Bench]:
    """Yield a bench whose publisher sends, for the block."""
    bench = Bench(kafka)
    async with asyncio.TaskGroup() as group:
        pump = group.create_task(bench.publisher.run())
        yield bench
        pump.cancel()


def record(value: str, topic: str = "a", key: str = "k") -> Record:
    """Return a record without headers."""
    return Record(topic=topic, key=key.encode(), value=value.encode(), headers=())


def firsts(values: list[bytes]) -> list[bytes]:
    """Return every value once, where it came first."""
    return list(dict.fromkeys(values))


async def _passed(seconds: float) -> None:
    """Return when so much of the fake time has passed."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.get_running_loop().create_future()


def _partition_of(key: bytes, partitions: int) -> int:
    return key[0] % partitions
