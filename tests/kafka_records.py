"""What a Kafka holds, made and read by a client that shares no code with the product.

Design: librdkafka (confluent-kafka) on this side, aiokafka on the other, so that a mistake that
aiokafka makes both writing and reading cannot hide. Everything here blocks: a coroutine calls it
with `asyncio.to_thread`.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Final, Literal

from confluent_kafka import (
    TIMESTAMP_CREATE_TIME,
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec  # .admin does not export it to mypy
from msgspec import Struct

TimestampType = Literal["CreateTime", "LogAppendTime"]
_TIMESTAMP_TYPES: Final[dict[int, TimestampType]] = {
    TIMESTAMP_CREATE_TIME: "CreateTime",
    TIMESTAMP_LOG_APPEND_TIME: "LogAppendTime",
}
_CALL_SECS = 2.0
_ROUND_SECS = 0.1


class Read(Struct, frozen=True, kw_only=True):
    """One record as it stands in the log."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]
    timestamp_type: TimestampType


def read_all(
    bootstrap_servers: str,
    topics: Iterable[str],
    expected: int | None = None,
    deadline_secs: float = 20.0,
) -> list[Read]:
    """Return every record of *topics*, sorted by topic, partition and offset.

    Reads from the beginning to the ends of the partitions at the call. With *expected* it goes on
    until at least that many records are there, and then to the ends of that moment, so that
    a surplus is seen too.

    Raises:
        TimeoutError: Not done within *deadline_secs*.
        KafkaException: A topic does not exist, or the cluster refuses.
        ValueError: A header is repeated or null, which `Read.headers` cannot show.
    """
    deadline = time.monotonic() + deadline_secs
    with closing(_consumer(bootstrap_servers)) as consumer:
        reader = _Reader(bootstrap_servers, consumer, deadline)
        reader.assign(sorted(set(topics)))
        while True:
            reader.read_to(reader.ends())
            if expected is None or len(reader.records) >= expected:
                return sorted(reader.records, key=lambda r: (r.topic, r.partition, r.offset))
            reader.check_deadline(f"{len(reader.records)} of {expected} records")


def _consumer(bootstrap_servers: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "unused",  # librdkafka insists; nothing is ever committed
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": True,  # transactions' markers take offsets but are no records
            "log_level": 2,  # a broker that a test has killed is no news
        },
    )


_Partition = tuple[str, int]


class _Reader:
    """The records read so far, and per partition the offset that comes next."""

    def __init__(self, bootstrap_servers: str, consumer: Consumer, deadline: float) -> None:
        self.records: list[Read] = []
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 2})
        self._consumer = consumer
        self._deadline = deadline
        self._next: dict[_Partition, int] = {}

    def assign(self, topics: Sequence[str]) -> None:
        """Begin at offset 0 of every partition of *topics*."""
        for topic in topics:
            left_secs = max(self._deadline - time.monotonic(), _ROUND_SECS)
            found = self._consumer.list_topics(topic, timeout=left_secs).topics[topic]
            if found.error is not None:
                raise KafkaException(found.error)
            self._next.update({(topic, partition): 0 for partition in found.partitions})
        self._consumer.assign([TopicPartition(*partition, 0) for partition in self._next])

    def ends(self) -> dict[_Partition, int]:
        """Return the high watermark of every partition, asked again while a leader is missing."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # theirs
        while True:
            # One request per broker; a consumer's get_watermark_offsets takes 0.5 s a partition.
            asked = self._admin.list_offsets(
                {TopicPartition(*p): latest for p in self._next}, request_timeout=_CALL_SECS
            )
            try:
                return {(p.topic, p.partition): end.result().offset for p, end in asked.items()}
            except KafkaException as error:
                self.check_deadline(f"the ends of the partitions ({error})")

    def read_to(self, ends: dict[_Partition, int]) -> None:
        """Read until no partition is short of its end; at least one round of waiting."""
        while True:
            for message in self._consumer.consume(1000, timeout=_ROUND_SECS):
                self._take(message)
            behind = {p: end for p, end in ends.items() if self._next[p] < end}
            if not behind:
                return
            self.check_deadline(f"records before the offsets {behind}, read to {self._next}")

    def check_deadline(self, waiting_for: str) -> None:
        """Raise TimeoutError once the deadline has passed."""
        if time.monotonic() > self._deadline:
            raise TimeoutError(f"Kafka did not show in time: {waiting_for}")

    def _take(self, message: Message) -> None:
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        assert topic is not None
        assert partition is not None
        assert offset is not None
        error = message.error()
        if error is None:
            self.records.append(_read(message, topic, partition, offset))
            self._next[topic, partition] = offset + 1
        elif error.code() == KafkaError._PARTITION_EOF:
            self._next[topic, partition] = offset
        elif not error.retriable():
            raise KafkaException(error)


def _read(message: Message, topic: str, partition: int, offset: int) -> Read:
    return Read(
        topic=topic,
        partition=partition,
        offset=offset,
        key=message.key(),
        value=message.value(),
        headers=_headers(message),
        timestamp_type=_TIMESTAMP_TYPES[message.timestamp()[0]],
    )


def _headers(message: Message) -> dict[str, bytes]:
    pairs = message.headers() or []
    assert isinstance(pairs, list)  # a mapping is for sending only
    headers = {name: value for name, value in pairs if isinstance(value, bytes)}
    if len(headers) != len(pairs):
        raise ValueError(f"a header is repeated or null: {pairs}")
    return headers
