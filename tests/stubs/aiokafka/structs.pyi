from collections.abc import Sequence
from typing import NamedTuple

class TopicPartition(NamedTuple):
    topic: str
    partition: int

class RecordMetadata: ...

class OffsetAndTimestamp(NamedTuple):
    offset: int
    timestamp: int | None

# Generic in the package; without deserializers both are bytes.
class ConsumerRecord:
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
