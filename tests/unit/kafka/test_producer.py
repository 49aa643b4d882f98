"""What is made of aiokafka's errors, and of the numbers of batches that were refused."""

from collections.abc import AsyncIterator
from typing import Literal

import pytest
from aiokafka import errors as kafka_errors
from aiokafka.producer.message_accumulator import MessageBatch
from aiokafka.structs import TopicPartition

from router.kafka.port import KafkaSettings, SendError
from router.kafka.producer import KafkaProducer, classified

PLACE = TopicPartition("topic", 0)
REFUSED = SendError("refuse", "MessageSizeTooLargeError")


@pytest.fixture
async def producer() -> AsyncIterator[KafkaProducer]:
    """One that is never started, and so may be dropped."""
    made = KafkaProducer(KafkaSettings(bootstrap_servers="127.0.0.1:1", client_id="unit"))
    yield made
    made._producer._closed = True  # else its destructor warns


def _handed_over(producer: KafkaProducer, times: int) -> MessageBatch:
    """Return a batch of three records that a broker was given so often."""
    aiokafka = producer._producer
    builder = aiokafka.create_batch()
    for _ in range(3):
        builder.append(timestamp=None, key=b"k", value=b"v")
    batch = aiokafka._message_accumulator._append_batch(builder, PLACE)
    aiokafka._txn_manager.increment_sequence_number(PLACE, 3)
    for _ in range(times):
        batch.drain_ready()
    return batch


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (kafka_errors.MessageSizeTooLargeError(), "refuse"),
        (kafka_errors.RecordListTooLargeError(), "refuse"),
        (kafka_errors.InvalidTimestampError(), "refuse"),
        (kafka_errors.PolicyViolationError(), "refuse"),
        (kafka_errors.TopicAuthorizationFailedError(), "retry"),
        (kafka_errors.UnknownTopicOrPartitionError(), "retry"),
        (kafka_errors.KafkaTimeoutError(), "retry"),
        (kafka_errors.CorruptRecordException(), "replace"),
        (kafka_errors.KafkaError(), "replace"),
        (OSError(), "replace"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_an_error_has_a_remedy(
    error: Exception, remedy: Literal["retry", "replace", "refuse"]
) -> None:
    """Only what nobody can send is refused: what was damaged on the way arrives the next time."""
    told = classified(error)

    assert (told.remedy, told.kind) == (remedy, type(error).__name__)


async def test_the_numbers_of_a_refused_batch_are_used_again(producer: KafkaProducer) -> None:
    """Kafka has none of it, so for Kafka the next batch follows the one before."""
    counter = producer._producer._txn_manager
    counter.increment_sequence_number(PLACE, 7)
    batch = _handed_over(producer, 1)

    assert producer._refused(batch, 7, REFUSED) is REFUSED
    assert counter.sequence_number(PLACE) == 7


async def test_a_batch_that_was_sent_twice_may_be_in_the_log(producer: KafkaProducer) -> None:
    """Refused the second time, its numbers may be taken: another producer has to go on."""
    batch = _handed_over(producer, 2)

    told = producer._refused(batch, 0, REFUSED)

    assert (told.remedy, told.kind) == ("replace", "MessageSizeTooLargeError")
    assert producer._producer._txn_manager.sequence_number(PLACE) == 3


async def test_other_errors_leave_the_numbers_alone(producer: KafkaProducer) -> None:
    """What is not known not to be in the log keeps what it was sent with."""
    batch = _handed_over(producer, 1)
    error = SendError("retry", "KafkaTimeoutError")

    assert producer._refused(batch, 0, error) is error
    assert producer._producer._txn_manager.sequence_number(PLACE) == 3
