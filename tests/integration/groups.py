"""Two topics to read as a group, on a real Kafka or in memory; both offer a test the same."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from router.kafka.group import KafkaGroup
from router.kafka.port import Group, KafkaSettings
from router.kafka.producer import KafkaProducer
from router.record import Record
from tests.cluster import Cluster
from tests.fakes_group import FakeBroker
from tests.kafka_node import free_ports

PARTITIONS = 3
HEADERS = (("content-type", b"text/plain"), ("event_id", "Zahl-ä".encode()))


class RealEngine:
    """Kafka itself: two topics of three partitions, written by the product's own producer."""

    def __init__(self, cluster: Cluster, prefix: str) -> None:
        self.topics = (f"{prefix}a", f"{prefix}b")
        self._cluster = cluster
        self._group = f"{prefix}group"
        self._settings = KafkaSettings(
            bootstrap_servers=cluster.bootstrap_servers, client_id="port"
        )
        self._producer = KafkaProducer(self._settings)
        self._ways: list[asyncio.Server] = []

    async def start(self) -> None:
        """Make the topics."""
        await asyncio.to_thread(self._cluster.create_topics, self.topics, partitions=PARTITIONS)
        await self._producer.start()

    async def stop(self) -> None:
        """Let go of the producer, and close the ways."""
        await self._producer.close()
        for way in self._ways:
            way.close()
            await way.wait_closed()

    def group(self) -> Group:
        """Return a new member, not started."""
        return KafkaGroup(self._settings, self._group, session_ms=3000)

    def nowhere(self) -> tuple[Group, Callable[[], Awaitable[None]]]:
        """Return a member of a cluster that does not answer, and what lets it answer."""
        port = free_ports(1)[0]
        servers = f"127.0.0.1:{port}"
        settings = KafkaSettings(bootstrap_servers=servers, client_id="port")
        return KafkaGroup(settings, self._group, session_ms=3000), lambda: self._open(port)

    async def append(self, topic: str, partition: int, *new: bytes) -> None:
        """Write records of the key `key`."""
        records = [Record(topic=topic, key=b"key", value=each, headers=HEADERS) for each in new]
        await (await self._producer.send(topic, partition, records))

    async def _open(self, port: int) -> None:
        """Let a port lead to the broker, until `stop`."""
        host, _, broker_port = self._cluster.bootstrap_servers.partition(":")

        async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection(host, int(broker_port))
            await asyncio.gather(_copied(reader, back), _copied(there, writer))

        self._ways.append(await asyncio.start_server(lead, "127.0.0.1", port))


class FakeEngine:
    """Kafka in memory."""

    topics = ("a", "b")

    def __init__(self) -> None:
        self._broker = FakeBroker(dict.fromkeys(self.topics, PARTITIONS))

    async def start(self) -> None:
        """Do nothing: the topics are there."""

    async def stop(self) -> None:
        """Do nothing."""

    def group(self) -> Group:
        """Return a new member, not started."""
        return self._broker.group()

    def nowhere(self) -> tuple[Group, Callable[[], Awaitable[None]]]:
        """Return a member of a cluster that does not answer, and what lets it answer."""
        self._broker.is_up = False
        return self._broker.group(), self._open

    async def append(self, topic: str, partition: int, *new: bytes) -> None:
        """Write records of the key `key`."""
        for each in new:
            self._broker.append(topic, b"key", each, HEADERS, partition)

    async def _open(self) -> None:
        self._broker.is_up = True


Engine = RealEngine | FakeEngine


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
