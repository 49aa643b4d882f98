"""aiokafka's producer behind the port: one generation, batches whole, errors classified.

Design: everything that only works with the pinned aiokafka is in this file. Idempotence is on, so
a batch is never given up by itself: it waits until the broker is back. A refused batch or a lost
sequence number breaks its partition for this producer for good; then a new one must be made, and
the old one must be silent first (`close`), or it could write behind the new one's back.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka_errors
from aiokafka.partitioner import murmur2
from aiokafka.structs import RecordMetadata

from router.errors import UnavailableError
from router.kafka.port import KafkaSettings, SendError
from router.record import Record

REQUEST_TIMEOUT_MS = 5_000
_CLOSE_SECS = 1.0
_METADATA_SECS = 0.5

_REFUSED = (
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.RecordListTooLargeError,
    kafka_errors.InvalidMessageError,
    kafka_errors.CorruptRecordException,
    kafka_errors.InvalidTimestampError,
    kafka_errors.PolicyViolationError,
)
_RETRY = (
    kafka_errors.TopicAuthorizationFailedError,
    kafka_errors.UnknownTopicOrPartitionError,
    kafka_errors.KafkaTimeoutError,
)


class KafkaProducer:
    """One generation; see `router.kafka.port.Producer`."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Take the settings; nothing is connected yet. Needs a running loop."""
        self._producer = AIOKafkaProducer(
            bootstrap_servers=settings.bootstrap_servers,
            client_id=settings.client_id,
            acks="all",
            enable_idempotence=True,
            max_batch_size=settings.max_request_bytes,
            max_request_size=settings.max_request_bytes,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            retry_backoff_ms=100,
            **settings.security,
        )
        self._under_way: dict[asyncio.Future[None], None] = {}  # in the order of sending

    async def start(self) -> None:
        """Connect.

        Raises:
            UnavailableError: No broker answered.
        """
        try:
            await self._producer.start()
        except (kafka_errors.KafkaError, OSError) as error:
            with suppress(TimeoutError, OSError):  # close has its own, which nobody asked for
                await self.close()
            raise UnavailableError(type(error).__name__) from error

    async def send(
        self, topic: str, partition: int, records: Sequence[Record]
    ) -> asyncio.Future[None]:
        """Hand over one batch; see the port."""
        await self._know(topic)
        batch = self._producer.create_batch()
        for record in records:
            taken = batch.append(
                timestamp=None, key=record.key, value=record.value, headers=list(record.headers)
            )
            if taken is None:
                raise SendError("refuse", "BatchTooLarge")
        try:
            written = await self._producer.send_batch(batch, topic, partition=partition)
        except kafka_errors.KafkaError as error:
            raise classified(error) from error
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way[told] = None
        told.add_done_callback(self._under_way.pop)
        written.add_done_callback(partial(_tell, told))
        return told

    async def _know(self, topic: str) -> None:
        """Learn where a topic's partitions are, or fail soon.

        aiokafka would wait the whole request time-out for a topic that is gone, and hold up the
        batches of all others meanwhile.
        """
        client = self._producer.client
        if client.cluster.partitions_for_topic(topic) is None:
            await asyncio.wait([client.add_topic(topic)], timeout=_METADATA_SECS)
            if client.cluster.partitions_for_topic(topic) is None:
                raise SendError("retry", "UnknownTopic")

    async def close(self) -> None:
        """End at once: stop the sender, then drop the connections.

        `stop()` waits for brokers that may never come back, and a producer that is only dropped
        goes on delivering; aiokafka has no public way between the two.
        """
        task = self._producer._sender.sender_task  # noqa: SLF001 - see above
        if task is not None:
            task.cancel()
            await asyncio.wait([task], timeout=_CLOSE_SECS)
        self._producer._closed = True  # noqa: SLF001 - else its destructor warns
        try:
            async with asyncio.timeout(_CLOSE_SECS):
                await self._producer.client.close()
        finally:  # aiokafka leaves the futures of a cancelled sender pending for ever
            for told in tuple(self._under_way):
                told.cancel()


def _tell(told: asyncio.Future[None], written: asyncio.Future[RecordMetadata | None]) -> None:
    """Pass on how a batch ended, with its error classified."""
    error = None if written.cancelled() else written.exception()
    if told.done():
        return
    if written.cancelled():
        told.cancel()
    elif error is not None:
        told.set_exception(classified(error))
    else:
        told.set_result(None)


def classified(error: BaseException) -> SendError:
    """Return what is to be done about an error of aiokafka."""
    kind = type(error).__name__
    if isinstance(error, _REFUSED):
        return SendError("refuse", kind)
    if isinstance(error, _RETRY):
        return SendError("retry", kind)
    return SendError("replace", kind)


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key, the same as the Java client's default."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def silence_engine() -> None:
    """Keep aiokafka's own log lines for errors: what matters of them is logged by us."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
