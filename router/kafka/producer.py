"""aiokafka's producer behind the port: one generation, batches whole, errors classified.

Design: everything that only works with the pinned aiokafka is in this file. Idempotence is on, so
a batch is never given up by itself: it waits until the broker is back. A lost sequence number
breaks its partition for this producer for good; then a new one must be made, and the old one must
be silent first (`close`), or it could write behind the new one's back.

A batch that Kafka refuses was not written, so its sequence numbers are used again, as Kafka's own
client does: aiokafka goes on counting, and Kafka would answer everything that follows with
OutOfOrderSequenceNumber. That holds for a batch that was sent once. Of one that was sent again,
for want of an answer, the first attempt may be in the log; with the same numbers, what follows
would pass for its repetition and be dropped, so there the producer is replaced.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from aiokafka import AIOKafkaProducer
from aiokafka import errors as kafka_errors
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import MessageBatch
from aiokafka.structs import RecordMetadata, TopicPartition

from router.kafka.port import KafkaSettings, SendError, unreachable
from router.record import Record

REQUEST_TIMEOUT_MS = 5_000
_CLOSE_SECS = 1.0
_METADATA_SECS = 0.5

_REFUSED = (
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.RecordListTooLargeError,
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
        self._settings = settings
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
        starting = asyncio.ensure_future(self._producer.start())
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # Cancelled half-way, aiokafka forgets the connection it was making.
            await asyncio.wait([starting], timeout=_METADATA_SECS)
            if not starting.cancel() and not starting.cancelled():
                starting.exception()  # looked at, so that asyncio does not complain
            raise
        except (kafka_errors.KafkaError, OSError) as error:
            with suppress(TimeoutError, OSError):  # close has its own, which nobody asked for
                await self.close()
            raise unreachable(self._settings, error) from error

    async def send(
        self, topic: str, partition: int, records: Sequence[Record]
    ) -> asyncio.Future[None]:
        """Hand over one batch; see the port."""
        if not self._knows(topic, partition):
            await self._learn(topic, partition)
        batch = self._producer.create_batch()
        for record in records:
            taken = batch.append(
                timestamp=None, key=record.key, value=record.value, headers=list(record.headers)
            )
            if taken is None:
                raise SendError("refuse", "BatchTooLarge")
        place = TopicPartition(topic, partition)
        sequence = self._producer._txn_manager.sequence_number(place)  # noqa: SLF001 - see `_refused`
        try:
            written = await self._producer.send_batch(batch, topic, partition=partition)
        except kafka_errors.KafkaError as error:
            raise classified(error) from error
        sent = self._producer._message_accumulator._batches[place][-1]  # noqa: SLF001 - see `_refused`
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way[told] = None
        written.add_done_callback(partial(self._ended, told, sent, sequence))
        return told

    def _ended(
        self,
        told: asyncio.Future[None],
        sent: MessageBatch,
        sequence: int,
        written: asyncio.Future[RecordMetadata | None],
    ) -> None:
        """Pass on how a batch ended, with its error classified."""
        del self._under_way[told]
        error = None if written.cancelled() else written.exception()
        if told.done():
            return
        if written.cancelled():
            told.cancel()
        elif error is not None:
            told.set_exception(self._refused(sent, sequence, classified(error)))
        else:
            told.set_result(None)

    def _refused(self, sent: MessageBatch, sequence: int, error: SendError) -> SendError:
        """Return the error; of a refused batch the sequence numbers are free again, if it may be.

        Nothing else of the partition is under way, so its next batch begins at *sequence*.
        """
        if error.remedy != "refuse":
            return error
        if sent.retry_count > 1:
            return SendError("replace", error.kind)
        counter = self._producer._txn_manager  # noqa: SLF001 - aiokafka has no public way
        counter.increment_sequence_number(sent.tp, sequence - counter.sequence_number(sent.tp))
        return error

    def _knows(self, topic: str, partition: int) -> bool:
        return partition in (self._producer.client.cluster.partitions_for_topic(topic) or ())

    async def _learn(self, topic: str, partition: int) -> None:
        """Learn where a partition is, or fail soon.

        aiokafka would wait the whole request time-out for a topic that is gone, holding up the
        batches of all others, and would take a partition that is new for a mistake of ours.
        """
        client = self._producer.client
        # add_topic asks only for a topic that is new to it, so the other asks in any case.
        asked = [client.add_topic(topic), client.force_metadata_update()]
        await asyncio.wait(asked, timeout=_METADATA_SECS)
        if not self._knows(topic, partition):
            raise SendError("retry", "UnknownPartition")

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


def classified(error: BaseException) -> SendError:
    """Return what is to be done about an error of aiokafka."""
    kind = type(error).__name__
    if isinstance(error, _REFUSED):
        return SendError("refuse", kind)
    if isinstance(error, _RETRY):
        return SendError("retry", kind)
    return SendError("replace", kind)


def hash_of(key: bytes) -> int:
    """Return the hash of a key, 31 bits: its remainder is the partition, as in the Java client."""
    return int(murmur2(key) & 0x7FFFFFFF)


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key, the same as the Java client's default."""
    return hash_of(key) % partitions
