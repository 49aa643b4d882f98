"""A publisher over a fake Kafka, and perhaps a fake spool, in fake time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from router.observability import Metrics
from router.publish.lane import Ticket
from router.publish.publisher import WINDOW_BYTES, Publisher
from router.record import Record
from router.spool.port import Found, Listener
from tests.fakes import FakeKafka, now, passed
from tests.fakes_spool import FakeFolder, FakeSpool

SOFT_SECS = 0.3

LARGE = WINDOW_BYTES // 4
"""Of a value: the window of a lane ends behind a few of them, and the rest lies on disk."""

_LONG_SECS = 3600.0
_ROUNDS = 50


class Bench:
    """The publisher, its Kafka and its disk, and what it has told to be durable, in that order.

    Attributes:
        durable: The values that were told.
        told_at: When each was, in fake seconds.
    """

    def __init__(
        self,
        kafka: FakeKafka,
        spool: FakeSpool | None = None,
        kind: type[Publisher] = Publisher,
    ) -> None:
        """Make the publisher, which knows the topics that there are."""
        self.kafka = kafka
        self.spool = spool
        self.folder = spool.folder if spool is not None else FakeFolder()
        self.durable: list[str] = []
        self.told_at: dict[str, float] = {}
        self.metrics = Metrics()
        self.publisher = kind(
            kafka.producer, _hash_of, self.metrics, kafka.max_request_bytes, spool
        )
        self.publisher.learn(kafka.topics)

    def publish(
        self, value: str, topic: str = "a", key: str = "k", soft_secs: float = SOFT_SECS
    ) -> Ticket:
        """Hand over an event of one record."""
        return self.publish_event(value, [record(value, topic, key)], soft_secs)

    def publish_event(
        self, name: str, records: list[Record], soft_secs: float = SOFT_SECS
    ) -> Ticket:
        """Hand over an event of several records, told under this name."""
        if self.spool is None:
            return self.publisher.publish(records, lambda: self._told(name))
        soft_at = now() + soft_secs if soft_secs else 0.0
        return self.publisher.publish(records, lambda: self._told(name), soft_at)

    async def settle(self) -> None:
        """Let everything happen that happens by itself within five seconds."""
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)
        for _ in range(_ROUNDS):
            await passed(0.1)

    async def wait_until(self, is_true: Callable[[], bool]) -> None:
        """Return when the condition holds.

        Raises:
            TimeoutError: It did not within an hour.
        """
        async with asyncio.timeout(_LONG_SECS):
            while not is_true():
                await passed(0.01)

    def on_disk(self) -> list[str]:
        """Return the values that lie on disk and are not settled, in their order there."""
        kept = sorted(self.folder.kept.items())
        return [each.record.value.decode().strip() for _, each in kept]

    def in_kafka(self, topic: str = "a", partition: int = 0) -> list[str]:
        """Return the values that Kafka has."""
        return [value.decode().strip() for value in self.kafka.values(topic, partition)]

    def _told(self, name: str) -> None:
        self.durable.append(name)
        self.told_at[name] = now()


class HesitantSpool(FakeSpool):
    """Finds what an earlier run left one by one, each when it may; the end as well."""

    def __init__(self, folder: FakeFolder) -> None:
        """Take the folder; nothing is found before `go_on`."""
        super().__init__(folder)
        self._may = asyncio.Semaphore(0)

    def go_on(self, steps: int = 1) -> None:
        """Let it find so many; the step after the last one ends the recovery."""
        for _ in range(steps):
            self._may.release()

    async def _recover(self, listener: Listener) -> None:
        for position, kept in sorted(self._old.items()):
            await self._may.acquire()
            listener.found([Found(position, kept.record.topic, kept.key_hash)])
        await self._may.acquire()
        listener.recovered()


@asynccontextmanager
async def running(
    kafka: FakeKafka,
    spool: FakeSpool | FakeFolder | None = None,
    kind: type[Publisher] = Publisher,
) -> AsyncIterator[Bench]:
    """Yield a bench whose publisher works, for the block; with a folder it has recovered."""
    bench = Bench(kafka, FakeSpool(spool) if isinstance(spool, FakeFolder) else spool, kind)
    async with asyncio.TaskGroup() as group:
        working = group.create_task(bench.publisher.run())
        try:
            for _ in range(_ROUNDS if isinstance(spool, FakeFolder) else 0):
                await asyncio.sleep(0)
            yield bench
        finally:
            working.cancel()


def record(value: str, topic: str = "a", key: str = "k") -> Record:
    """Return a record without headers."""
    return Record(topic=topic, key=key.encode(), value=value.encode(), headers=())


def numbers(count: int, first: int = 0) -> list[str]:
    """Return values whose order is that of their text."""
    return [f"{number:04}" for number in range(first, first + count)]


def firsts(values: list[bytes]) -> list[bytes]:
    """Return every value once, where it came first."""
    return list(dict.fromkeys(values))


def _hash_of(key: bytes) -> int:
    return key[0]
