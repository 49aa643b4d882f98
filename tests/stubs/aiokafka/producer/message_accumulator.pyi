from collections import deque

from aiokafka.structs import TopicPartition

class BatchBuilder:
    # None: the batch is full and has not taken the record.
    def append(
        self,
        *,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]] = ...,
    ) -> object | None: ...

class MessageBatch:
    @property
    def tp(self) -> TopicPartition: ...
    # How often it was handed to a broker.
    @property
    def retry_count(self) -> int: ...
    def drain_ready(self) -> None: ...

class MessageAccumulator:
    _batches: dict[TopicPartition, deque[MessageBatch]]  # private: what waits to be handed over
    def _append_batch(self, builder: BatchBuilder, tp: TopicPartition) -> MessageBatch: ...
